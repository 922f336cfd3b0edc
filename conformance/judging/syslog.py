"""The syslog header before an audit message, and its frame (ITI TF-2: 3.20.4.1; RFC 5424, RFC 5425)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from conformance.judging.found import error, note, warning
from conformance.results import Finding

_HEADER = re.compile(
    rb"<(\d{1,3})>(\d{1,2}) (\S+) (\S+) (\S+) (\S+) (\S+) (-|(?:\[(?:[^\]\\]|\\.)*\])+)(?: |$)", re.DOTALL
)
_TIME = re.compile(r"-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
_FRAME = re.compile(rb"([1-9]\d{0,8}) (?=<\d{1,3}>)")
_BOM = b"\xef\xbb\xbf"
_SECTION = "ITI TF-2: 3.20.4.1.2; RFC 5424: 6"
_MESSAGE_IDS = ("IHE+RFC-3881", "DICOM+RFC3881", "DICOM_RFC3881")
# Facility 10 (security/authorization), severity notice or warning.
_PRIORITIES = (b"85", b"84")
_LONGEST = {"HOSTNAME": 255, "APP-NAME": 48, "PROCID": 128, "MSGID": 32}


@dataclass(frozen=True)
class Syslog:
    """The message behind the header, and what is wrong with the header."""

    message: bytes
    findings: tuple[Finding, ...]


def is_syslog(content: bytes) -> bool:
    """Whether this begins as a syslog message, framed or not."""
    return bool(re.match(rb"(?:\d{1,9} )?<\d{1,3}>", content))


def read_syslog(content: bytes) -> Syslog:
    """Take an audit message out of its frame and header."""
    found = []
    if frame := _FRAME.match(content):
        rest = content[frame.end() :]
        # A file ends its last line; the frame does not count that.
        if int(frame[1]) not in (len(rest), len(rest.rstrip(b"\r\n"))):
            found.append(
                error(
                    "syslog frame",
                    "MSG-LEN counts the bytes of the message",
                    "RFC 5425: 4.3",
                    frame[1].decode(),
                    str(len(rest)),
                    "Count bytes, not characters, the BOM included.",
                )
            )
        content = rest
    header = _HEADER.match(content)
    if not header:
        shown = content[:80].decode("utf-8", "replace")
        found.append(
            error(
                "syslog header",
                "a header is one of RFC 5424",
                _SECTION,
                shown,
                "<85>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID - MSG",
            )
        )
        start = content.find(b"<", content.find(b">"))
        return Syslog(content[start:] if start > 0 else b"", tuple(found))
    message = content[header.end() :]
    found += _of_header(header)
    if message.startswith(_BOM):
        message = message[len(_BOM) :]
        found.append(note("syslog message", "IHE sends no byte order mark", _SECTION, "a BOM", "none"))
    return Syslog(message, tuple(found))


def _of_header(header: re.Match[bytes]) -> Iterator[Finding]:
    priority, version, *rest = header.groups()
    time, host, name, process, id, _ = (one.decode("latin-1") for one in rest)
    if priority not in _PRIORITIES:
        yield warning(
            "syslog PRI", "an audit message is of facility 10", _SECTION, priority.decode(), "85, or 84"
        )
    if version != b"1":
        yield error("syslog VERSION", "the version is 1", _SECTION, version.decode(), "1")
    if not _TIME.fullmatch(time):
        yield error(
            "syslog TIMESTAMP", "a time is one of RFC 5424", _SECTION, time, "2030-01-01T12:00:00.000Z"
        )
    for label, value in {"HOSTNAME": host, "APP-NAME": name, "PROCID": process, "MSGID": id}.items():
        if len(value) > _LONGEST[label] or not value.isascii():
            yield error(
                f"syslog {label}",
                "a field is short and ASCII",
                _SECTION,
                value,
                f"at most {_LONGEST[label]} characters",
            )
    if id not in _MESSAGE_IDS:
        yield warning("syslog MSGID", "the message id says what follows", _SECTION, id, _MESSAGE_IDS[0])
