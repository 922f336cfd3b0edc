"""The wsse:Security header and the token in it (ITI TF-2: 3.40.4.1.2; WSS SAML Token Profile 1.1)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from lxml import etree

from ihe.namespaces import SAML2, WSSE, WSU
from ihe.xua import OTHER_TOKEN, SEVERAL_ASSERTIONS, SEVERAL_HEADERS, TOO_LARGE
from xua.refused import NotAccepted

SECURITY = (WSSE, "Security")
"""The header that this room understands."""

# Assertions have 4 to 15 KB, encrypted ones a third more; every byte is hashed, copied and parsed anew.
MAX_TOKEN_BYTES = 131_072

_ASSERTION = f"{{{SAML2}}}Assertion"
_ENCRYPTED = f"{{{SAML2}}}EncryptedAssertion"
_TIMESTAMP = f"{{{WSU}}}Timestamp"


@dataclass(frozen=True, slots=True)
class Token:
    """An assertion as it came, cut out of its message: nothing around it can be taken for a part of it."""

    content: bytes = field(repr=False)
    encrypted: bool


def read_security_header(headers: Sequence[etree._Element]) -> Token | None:
    """The one assertion in the one Security header among those for us; None where nobody is named."""
    found = [header for header in headers if header.tag == f"{{{WSSE}}}Security"]
    if not found:
        return None
    if len(found) > 1:
        raise NotAccepted(SEVERAL_HEADERS)
    children = [child for child in found[0] if isinstance(child.tag, str)]
    tokens = [token for child in children if (token := token_of(child))]
    if len(tokens) > 1:
        raise NotAccepted(SEVERAL_ASSERTIONS)
    if not tokens:
        if any(child.tag != _TIMESTAMP for child in children):
            raise NotAccepted(OTHER_TOKEN)
        return None
    return tokens[0]


def token_of(element: etree._Element) -> Token | None:
    """The assertion that this element is, cut out; None if it is none."""
    if element.tag not in (_ASSERTION, _ENCRYPTED):
        return None
    content = etree.tostring(element, encoding="UTF-8", xml_declaration=False, with_tail=False)
    if len(content) > MAX_TOKEN_BYTES:
        raise NotAccepted(TOO_LARGE)
    return Token(content, element.tag == _ENCRYPTED)


def write_security_header(token: bytes) -> bytes:
    """The header that carries this assertion on; whoever receives it must heed it."""
    return f'<wsse:Security xmlns:wsse="{WSSE}" s:mustUnderstand="1">'.encode() + token + b"</wsse:Security>"
