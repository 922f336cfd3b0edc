"""The assertion in an Authorization header of HTTP (ITI TF-2: 3.72.6.2; RFC 7522 section 2.1)."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Sequence

import schemas
from ihe.xua import NOT_SAML, OTHER_TOKEN, SEVERAL_ASSERTIONS, TOO_LARGE
from xua.refused import NotAccepted
from xua.security_header import MAX_TOKEN_BYTES, Token, token_of

# IHE's own scheme, and the one by which whoever knows OAuth alone sends what he was given (RFC 6750).
SCHEMES = ("bearer", "ihe-saml")

_CREDENTIALS = re.compile(r"([A-Za-z-]+) +([A-Za-z0-9+/_-]+)(={0,2})")
_URL_ALPHABET = str.maketrans("+/", "-_")


def read_authorization(values: Sequence[str]) -> Token | None:
    """The one assertion of the one Authorization header; None where there is no such header."""
    if not values:
        return None
    if len(values) > 1:
        raise NotAccepted(SEVERAL_ASSERTIONS)
    credentials = _CREDENTIALS.fullmatch(values[0].strip())
    if credentials is None or credentials[1].lower() not in SCHEMES:
        raise NotAccepted(OTHER_TOKEN)
    content = _octets(credentials[2])
    if len(content) > MAX_TOKEN_BYTES:
        raise NotAccepted(TOO_LARGE)
    try:
        root = schemas.parse(content, limit_bytes=MAX_TOKEN_BYTES)
    except schemas.NotParsable:
        raise NotAccepted(NOT_SAML) from None
    token = token_of(root)
    if token is None:
        raise NotAccepted(OTHER_TOKEN)
    return token


def _octets(text: str) -> bytes:
    """RFC 7522 asks for base64url without padding; peers were seen to send plain base64 too."""
    if len(text) % 4 == 1:
        raise NotAccepted(NOT_SAML)
    return urlsafe_b64decode(text.translate(_URL_ALPHABET) + "=" * (-len(text) % 4))
