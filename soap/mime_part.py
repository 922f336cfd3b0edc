"""What a MIME part says about itself: its header lines, its Content-ID, its encoding (RFC 2045; RFC 2392)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from soap.fault import SoapFault

# A Content-ID stands on one line of at most 998 characters (RFC 5322: 2.1.1).
LONGEST_CONTENT_ID = 998
# A sender that escapes the cid URL and its Content-ID differently is one layer off, or two.
_PERCENT_LAYERS = 3

TransferEncoding = Literal["binary", "8bit", "7bit", "base64"]


@dataclass(frozen=True, slots=True)
class PartHeaders:
    """The headers that mean something in MTOM; the rest of a part's headers are read past."""

    content_id: str
    content_type: str
    transfer_encoding: TransferEncoding


def read_part_headers(lines: Sequence[bytes], part_number: int) -> PartHeaders:
    """Read the header lines of one part, folded ones included (RFC 2045: 3)."""
    headers: dict[str, str] = {}
    for name, value in _unfolded(lines, part_number):
        if name in headers and name in _MEANINGFUL:
            raise SoapFault.sender(f"MIME part {part_number} has two {_MEANINGFUL[name]} headers")
        headers[name] = value
    return PartHeaders(
        read_content_id(headers.get("content-id", ""), f"MIME part {part_number}"),
        headers.get("content-type", ""),
        _transfer_encoding(headers.get("content-transfer-encoding", "binary"), part_number),
    )


def read_content_id(text: str, where: str) -> str:
    """A Content-ID in the one form in which ours compare: without brackets and percent-encoding."""
    if len(text) > LONGEST_CONTENT_ID:
        raise SoapFault.too_large(f"the Content-ID of {where}", LONGEST_CONTENT_ID, "characters")
    content_id = text.strip().removeprefix("<").removesuffix(">")
    # Apache CXF writes the escaped form into both places, others only into the href (ITI TF-2: V.3.6;
    # RFC 2392: 2), so both are taken down to the same letters.
    for _ in range(_PERCENT_LAYERS):
        content_id = unquote(content_id)
    if not content_id.isprintable() or " " in content_id:
        raise SoapFault.sender(f"the Content-ID of {where} holds white space or control characters")
    return content_id


def content_id_of_href(href: str) -> str:
    """What an xop:Include refers to: cid:doc1%40own.example is doc1@own.example (RFC 2392: 2)."""
    scheme, _, content_id = href.strip().partition(":")
    if scheme.lower() != "cid" or not content_id:
        raise SoapFault.sender("the href of an xop:Include must be a cid: URL")
    return read_content_id(content_id, "an xop:Include")


# Headers that must not be told twice, since two readers could take another one each.
_MEANINGFUL = {
    "content-id": "Content-ID",
    "content-type": "Content-Type",
    "content-transfer-encoding": "Content-Transfer-Encoding",
}
# RFC 9110: 5.6.2, narrower than mail's: a line of the envelope cannot pass for a header.
_HEADER_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def _unfolded(lines: Sequence[bytes], part_number: int) -> Iterator[tuple[str, str]]:
    whole: list[bytes] = []
    for line in lines:
        if line[:1] in (b" ", b"\t") and whole:
            whole[-1] += b" " + line.strip()
        else:
            whole.append(line)
    for line in whole:
        name, colon, value = line.partition(b":")
        if not colon:
            raise SoapFault.sender(f"MIME part {part_number} has a header line without a colon")
        if not _HEADER_NAME.fullmatch(name.rstrip()):
            raise SoapFault.sender(f"MIME part {part_number} has a line among its headers that is none")
        yield name.rstrip().decode("ascii").lower(), value.strip().decode("latin-1")


def _transfer_encoding(value: str, part_number: int) -> TransferEncoding:
    match value.strip().lower():
        case "binary" | "8bit" | "7bit" | "base64" as encoding:
            return encoding
        case _:
            known = "binary, 8bit, 7bit or base64"
            raise SoapFault.sender(
                f"the Content-Transfer-Encoding of MIME part {part_number} must be {known}"
            )
