"""The syslog message around an audit message: written strictly, read from whatever comes (RFC 5424)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

# Facility 10 (security) and severity 5 (notice), as ITI TF-2: 3.20.4.1.2.1 recommends; 84 is a warning.
PRIORITY = 85
PRIORITIES = (84, 85)
HIGHEST_PRIORITY = 191

MSGID = "IHE+RFC-3881"
# DICOM's own registrations, and how their senders spell them.
MSGIDS = (MSGID, "DICOM+RFC3881", "DICOM_RFC3881", "DICOM+RFC-3881")

# The longest that RFC 5424 section 6 allows.
HOSTNAME_LIMIT = 255
APP_NAME_LIMIT = 48
PROCID_LIMIT = 128

_NIL = "-"
_BOM = b"\xef\xbb\xbf"
_PRI = re.compile(rb"<([0-9]{1,3})>")
_HEADER = re.compile(rb"([0-9]{1,3}) ([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+) ")
_ELEMENT = re.compile(rb'\[[^ =\]"]+(?: [^ =\]"]+="(?:[^"\\\]]|\\.)*")*\]', re.DOTALL)
_XML_BEGINS = re.compile(rb"<(?:\?xml|AuditMessage)[ \t\r\n>/?]")
_NOT_PRINTABLE = re.compile("[^!-~]")


@dataclass(frozen=True, slots=True)
class SyslogMessage:
    """A message as it came in; what could not be read is empty, and `diagnosis` says why."""

    content: bytes
    priority: int | None = None
    timestamp: datetime | None = None
    hostname: str = ""
    app_name: str = ""
    process_id: str = ""
    message_id: str = ""
    structured_data: str = ""
    diagnosis: tuple[str, ...] = ()


def write_syslog(content: bytes, at: datetime, hostname: str, app_name: str, process_id: str) -> bytes:
    """Put the header before the content; no BOM, which ITI discourages (ITI TF-2: 3.20.4.1.2.1)."""
    header = " ".join(
        (
            f"<{PRIORITY}>1",
            at.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z",
            _field(hostname, HOSTNAME_LIMIT),
            _field(app_name, APP_NAME_LIMIT),
            _field(process_id, PROCID_LIMIT),
            MSGID,
            _NIL,
        )
    )
    return header.encode() + b" " + content


def read_syslog(message: bytes) -> SyslogMessage:
    """Read any message, also one that is no RFC 5424 at all: the content is never lost."""
    found: list[str] = []
    pri = _PRI.match(message)
    priority = int(pri[1]) if pri else None
    if priority is None:
        found.append("no PRI, <85> is expected")
    elif priority > HIGHEST_PRIORITY:
        found.append(f"PRI {priority} is beyond {HIGHEST_PRIORITY}")
    elif priority not in PRIORITIES:
        found.append(f"PRI {priority}, 85 or 84 is expected")
    rest = message[pri.end() :] if pri else message
    header = _HEADER.match(rest)
    if header is None:
        return _without_header(rest, priority, found)
    version, timestamp, *names = (field.decode("ascii", "replace") for field in header.groups())
    if version != "1":
        found.append(f"VERSION {version}, 1 is expected")
    at = _timestamp(timestamp, found)
    hostname, app_name, process_id, message_id = ("" if name == _NIL else name for name in names)
    if not message_id:
        found.append(f"MSGID is missing, {MSGID} is expected")
    elif message_id not in MSGIDS:
        found.append(f"MSGID {message_id!r}, {MSGID} is expected")
    structured_data, content = _structured_data(rest[header.end() :], found)
    if content.startswith(_BOM):
        content = content[len(_BOM) :]
        found.append("a BOM stands before the message, which ITI discourages")
    return SyslogMessage(
        content, priority, at, hostname, app_name, process_id, message_id, structured_data, tuple(found)
    )


def _field(text: str, limit: int) -> str:
    return _NOT_PRINTABLE.sub("_", text)[:limit] or _NIL


def _without_header(rest: bytes, priority: int | None, found: list[str]) -> SyslogMessage:
    # RFC 3164 senders have a date in words and a tag; the audit message begins somewhere behind them.
    begins = _XML_BEGINS.search(rest)
    found.append("no header of RFC 5424")
    return SyslogMessage(
        rest[begins.start() :] if begins else rest, priority=priority, diagnosis=tuple(found)
    )


def _timestamp(text: str, found: list[str]) -> datetime | None:
    if text == _NIL:
        return None
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            found.append(f"TIMESTAMP {text!r} has no offset")
            return at.replace(tzinfo=UTC)
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        found.append(f"TIMESTAMP {text!r} is not of RFC 3339")
        return None


def _structured_data(rest: bytes, found: list[str]) -> tuple[str, bytes]:
    """The structured data as it stands and the message behind it."""
    if rest == b"-" or rest.startswith(b"- "):
        return "", rest[2:]
    end = 0
    while element := _ELEMENT.match(rest, end):
        end = element.end()
    if end and rest[end : end + 1] in (b" ", b""):
        return rest[:end].decode(errors="replace"), rest[end + 1 :]
    if rest.startswith((b"<", _BOM)):
        found.append("STRUCTURED-DATA is missing, - is expected")
    else:
        found.append("STRUCTURED-DATA cannot be read")
        begins = _XML_BEGINS.search(rest)
        if begins:
            return rest[: begins.start()].decode(errors="replace").strip(), rest[begins.start() :]
    return "", rest
