"""MTOM messages written piece by piece around content that streams (ITI TF-2: V.3.6; RFC 2387)."""

import re
from urllib.parse import quote

from ihe.namespaces import XOP


class Encoder:
    """The pieces of one MTOM message: root head, envelope, (part head, document) for each, closing."""

    def __init__(self, boundary: str, root_content_id: str, action: str) -> None:
        if not _BOUNDARY.fullmatch(boundary):
            raise ValueError("not a boundary in the sense of RFC 2046: 5.1.1")
        if not _ACTION.fullmatch(action):
            raise ValueError("not an action that a header can carry")
        root = _bracketed(root_content_id)
        self.content_type = (
            f'multipart/related; boundary="{boundary}"; type="application/xop+xml"; start="{root}"; '
            f'start-info="application/soap+xml"; action="{action}"'
        )
        self._boundary = boundary
        self._root = root

    def root_head(self) -> bytes:
        """What stands before the envelope."""
        content_type = 'application/xop+xml; charset=UTF-8; type="application/soap+xml"'
        return f"--{self._boundary}{_headers(content_type, self._root)}".encode()

    def part_head(self, content_id: str, content_type: str) -> bytes:
        """What stands before a document, and ends what stood before it."""
        # The mimeType comes from metadata of a peer: it must not be able to add a header of its own.
        if not _HEADER_VALUE.fullmatch(content_type):
            content_type = "application/octet-stream"
        return f"\r\n--{self._boundary}{_headers(content_type, _bracketed(content_id))}".encode()

    def closing(self) -> bytes:
        """What stands after the last document."""
        return f"\r\n--{self._boundary}--\r\n".encode()


def xop_include(content_id: str) -> bytes:
    """The element that stands for the octets of a part (XOP 1.0: 2.1; RFC 2392: 2)."""
    _bracketed(content_id)
    # Peers that compare without decoding are helped by leaving the @ alone.
    return f'<xop:Include xmlns:xop="{XOP}" href="cid:{quote(content_id, safe="@")}"/>'.encode()


_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_ACTION = re.compile(r"[!#-\[\]-~]+")
_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
# RFC 5322: 3.6.4 without the percent sign, so that no reader can decode once too often.
_CONTENT_ID = re.compile(r"[0-9A-Za-z!#$&'*+/=?^_`{|}~.@-]+")


def _bracketed(content_id: str) -> str:
    if not _CONTENT_ID.fullmatch(content_id):
        raise ValueError("not a Content-ID in the sense of RFC 5322: 3.6.4")
    return f"<{content_id}>"


def _headers(content_type: str, bracketed_content_id: str) -> str:
    return (
        f"\r\nContent-Type: {content_type}\r\n"
        f"Content-Transfer-Encoding: binary\r\nContent-ID: {bracketed_content_id}\r\n\r\n"
    )
