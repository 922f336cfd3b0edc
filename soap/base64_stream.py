"""Base64 read as it arrives, in MIME parts and in inline documents (RFC 2045: 6.8; XML Schema 2: 3.2.16)."""

import binascii

WHITE_SPACE = b" \t\r\n"


class NotBase64(ValueError):
    """What came is not base64, or ends too early."""


class Base64Stream:
    """Takes base64 in pieces of any size and gives the octets."""

    def __init__(self) -> None:
        self._rest = b""
        self._padded = False

    def decode(self, data: bytes) -> bytes:
        """The octets that are complete with this piece."""
        text = self._rest + data.translate(None, WHITE_SPACE)
        whole = len(text) - len(text) % 4
        groups, self._rest = text[:whole], text[whole:]
        after_padding = text if self._padded else self._rest if groups.endswith(b"=") else b""
        if after_padding:
            raise NotBase64
        self._padded = self._padded or groups.endswith(b"=")
        try:
            return binascii.a2b_base64(groups, strict_mode=True)
        except binascii.Error:
            raise NotBase64 from None

    def finish(self) -> None:
        """Nothing may be left over at the end."""
        if self._rest:
            raise NotBase64
