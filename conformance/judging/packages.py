"""What HTTP and MIME say around a message (ITI TF-2: V.3.6; RFC 2387; XOP, MTOM)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message as Headers
from email.parser import BytesHeaderParser

from conformance.answer import NotAnAnswer, split_parts
from conformance.judging.found import error, warning
from conformance.results import Finding

# A head of HTTP or MIME is a few lines; the rest of a file is not searched for one.
MAX_HEAD_BYTES = 64 * 1024

_SECTION = "ITI TF-2: V.3.6"
_REQUEST_LINE = re.compile(rb"(POST|HTTP/1\.[01]) [^\r\n]*\r?\n")
_HEADER_LINE = re.compile(rb"(?i)(mime-version|content-type|content-length|host|user-agent)\s*:")


@dataclass(frozen=True)
class Package:
    """The XML of a message with what stood around it; no parts where it was not packed at all."""

    content_type: str
    root: bytes
    root_type: str = ""
    parts: Mapping[str, bytes] | None = None
    findings: tuple[Finding, ...] = field(default=())


def unpacked(content: bytes, content_type: str = "") -> Package:
    """Take a message out of its HTTP head and its MIME package, as far as there are any."""
    if not content_type:
        content_type, content = _of_head(content)
    if not content_type and content.startswith(b"--"):
        boundary = content[2 : content.find(b"\n")].strip().decode("latin-1")
        return _multipart(f'multipart/related; boundary="{boundary}"', content, declared=False)
    if content_type.lower().startswith("multipart/"):
        return _multipart(content_type, content)
    return Package(content_type, content)


def findings_in_content_type(package: Package, mtom: bool) -> Iterator[Finding]:
    """Yield where a message is not packed as its transaction has it; nothing where no header was given."""
    said = package.content_type
    media_type = said.partition(";")[0].strip().lower()
    if not said:
        return
    if mtom and media_type != "multipart/related":
        yield error(
            "Content-Type",
            "MTOM is what carries documents",
            _SECTION,
            said,
            'multipart/related; type="application/xop+xml"',
            "Send the envelope as MTOM, with or without parts.",
        )
    if not mtom and media_type == "multipart/related":
        yield warning(
            "Content-Type",
            "a message without documents is plain SOAP",
            _SECTION,
            said,
            "application/soap+xml",
        )
    if not mtom and media_type not in ("application/soap+xml", "multipart/related"):
        yield error(
            "Content-Type",
            "an envelope is application/soap+xml",
            _SECTION,
            said,
            "application/soap+xml; charset=UTF-8",
        )


def _of_head(content: bytes) -> tuple[str, bytes]:
    start = _REQUEST_LINE.match(content)
    if not start and not _HEADER_LINE.match(content):
        return "", content
    begin = start.end() if start else 0
    end = re.compile(rb"\r?\n\r?\n").search(content, begin, begin + MAX_HEAD_BYTES)
    if not end:
        return "", content
    headers = BytesHeaderParser().parsebytes(content[begin : end.end()])
    return str(headers.get("content-type", "")).replace("\r\n", ""), content[end.end() :]


def _multipart(content_type: str, body: bytes, declared: bool = True) -> Package:
    headers = Headers()
    headers["content-type"] = content_type
    found: list[Finding] = []
    if declared:
        wanted = {"type": "application/xop+xml", "start-info": "application/soap+xml"}
        for name, value in wanted.items():
            said = str(headers.get_param(name) or "")
            if not said.startswith(value):
                found.append(
                    error(
                        "Content-Type",
                        "MTOM is declared",
                        _SECTION,
                        f"{name}={said or 'nothing'}",
                        f'{name}="{value}"',
                    )
                )
        start = str(headers.get_param("start") or "")
        if start and not start.startswith("<"):
            found.append(
                warning("Content-Type", "start is in angle brackets", "RFC 2387: 3.2", start, f"<{start}>")
            )
    try:
        root, root_headers, parts = split_parts(content_type, body)
    except NotAnAnswer as problem:
        found.append(
            error(
                "Content-Type",
                "mtom that cannot be understood is a fault",
                _SECTION,
                str(problem),
                "a whole package",
            )
        )
        return Package(content_type, b"", parts={}, findings=tuple(found))
    root_type = root_headers.get("content-type", "")
    if not root_type.startswith("application/xop+xml"):
        found.append(
            error(
                "Content-Type of the root part",
                "the root part is application/xop+xml",
                _SECTION,
                root_type,
                'application/xop+xml; charset=UTF-8; type="application/soap+xml"',
            )
        )
    return Package(content_type, root, root_type, parts, tuple(found))
