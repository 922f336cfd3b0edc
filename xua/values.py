"""Texts and HL7 elements within an assertion (SAML 2.0 Core: 1.3, 2.7.3; ITI TF-2: 3.40.4.1.2)."""

import re
from datetime import UTC, datetime

from lxml import etree

from ihe.namespaces import HL7
from ihe.xua import BAD_ATTRIBUTE, NOT_SAML
from xua.refused import NotAccepted
from xua.user import PersonId, Role

# Names and ids go into audit records and tables; the longest in use are subjects of X.509 certificates.
LONGEST_VALUE = 1024

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?")
_OID_URN = "urn:oid:"
_ORIGINAL_TEXT = f"{{{HL7}}}originalText"


def text_of(element: etree._Element) -> str:
    """All of an element's text; what has elements inside is no text."""
    if len(element):
        raise NotAccepted(NOT_SAML)
    text = " ".join((element.text or "").split())
    if not text or len(text) > LONGEST_VALUE:
        raise NotAccepted(NOT_SAML)
    return text


def time_of(element: etree._Element, name: str) -> datetime | None:
    """An instant, which SAML means in UTC where it names no zone (SAML 2.0 Core: 1.3.3)."""
    return instant_in(element.get(name, ""))


def instant_in(text: str) -> datetime | None:
    """The instant that a text names; None where it names none."""
    text = text.strip()
    if not text:
        return None
    if not _DATE_TIME.fullmatch(text):
        raise NotAccepted(NOT_SAML)
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise NotAccepted(NOT_SAML) from None


def plain(value: etree._Element) -> str:
    """An AttributeValue that is text."""
    if len(value):
        raise NotAccepted(BAD_ATTRIBUTE)
    return _checked(value.text or "")


def coded(value: etree._Element) -> Role:
    """An AttributeValue that is an HL7 CE, or the plain code of XSPA."""
    if not len(value):
        text = plain(value)
        # Markup that was escaped is no code.
        if "<" in text:
            raise NotAccepted(BAD_ATTRIBUTE)
        return Role(text)
    element = _hl7(value)
    return Role(
        _checked(element.get("code", "")),
        _short(element.get("codeSystem", "")).removeprefix(_OID_URN),
        _short(element.get("displayName", "")),
        _short(element.findtext(_ORIGINAL_TEXT) or ""),
    )


def identified(value: etree._Element) -> PersonId:
    """An AttributeValue that is an HL7 II."""
    element = _hl7(value)
    root = _checked(element.get("root", "")).removeprefix(_OID_URN)
    return PersonId(root, _checked(element.get("extension", "")))


def _hl7(value: etree._Element) -> etree._Element:
    if len(value) != 1 or etree.QName(value[0]).namespace != HL7:
        raise NotAccepted(BAD_ATTRIBUTE)
    return value[0]


def _checked(text: str) -> str:
    short = _short(text)
    if not short:
        raise NotAccepted(BAD_ATTRIBUTE)
    return short


def _short(text: str) -> str:
    text = " ".join(text.split())
    if len(text) > LONGEST_VALUE:
        raise NotAccepted(BAD_ATTRIBUTE)
    return text
