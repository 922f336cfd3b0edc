"""What a signed assertion says, as objects (SAML 2.0 Core: 2; ITI TF-2: 3.40.4.1.2)."""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from ihe.namespaces import SAML2
from ihe.xua import (
    AUTHENTICATION_STATEMENT,
    DS,
    NO_CONDITIONS,
    NOT_SAML,
    ONE_SUBJECT,
    UNKNOWN_CONDITION,
    Refusal,
)
from xua.attributes import purposes_of, read_attributes, roles_of, user_of
from xua.refused import NotAccepted
from xua.user import User
from xua.values import text_of, time_of


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One way to be taken for the subject; `certificates` are the holder's."""

    method: str
    not_before: datetime | None
    not_on_or_after: datetime | None
    certificates: frozenset[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """A signed assertion; whether it does depends on when, where and by whom it is shown.

    Of `audiences` one in each set must be ours; `roles` and `purposes` are counted with their repetitions.
    """

    user: User
    confirmations: tuple[Confirmation, ...]
    not_before: datetime
    not_on_or_after: datetime
    audiences: tuple[frozenset[str], ...]
    one_time_use: bool
    authenticated_at: datetime
    session_not_on_or_after: datetime | None
    roles: int
    purposes: int

    @property
    def holders(self) -> frozenset[bytes]:
        """The certificates whose keys would confirm the subject."""
        return frozenset().union(*(one.certificates for one in self.confirmations))


def read_assertion(signed: etree._Element) -> Assertion:
    """Read what the signature covers, and nothing else; raises NotAccepted."""
    issuer = text_of(_only(signed, "Issuer", NOT_SAML))
    subject = _only(signed, "Subject", ONE_SUBJECT)
    name_id = _only(subject, "NameID", ONE_SUBJECT)
    conditions = _only(signed, "Conditions", NO_CONDITIONS)
    statement = _only(signed, "AuthnStatement", AUTHENTICATION_STATEMENT)
    not_before, not_on_or_after = time_of(conditions, "NotBefore"), time_of(conditions, "NotOnOrAfter")
    audiences = tuple(_audiences(conditions))
    if not_before is None or not_on_or_after is None or not audiences:
        raise NotAccepted(NO_CONDITIONS)
    authenticated_at = time_of(statement, "AuthnInstant")
    if authenticated_at is None:
        raise NotAccepted(AUTHENTICATION_STATEMENT)
    attributes = read_attributes(signed)
    return Assertion(
        user=user_of(
            attributes,
            name_id=text_of(name_id),
            name_qualifier=name_id.get("NameQualifier", ""),
            alias=name_id.get("SPProvidedID", ""),
            issuer=issuer,
            assertion_id=signed.get("ID", ""),
            assurance=_authentication_class(statement),
        ),
        confirmations=tuple(map(_confirmation, subject.findall(f"{{{SAML2}}}SubjectConfirmation"))),
        not_before=not_before,
        not_on_or_after=not_on_or_after,
        audiences=audiences,
        one_time_use=conditions.find(f"{{{SAML2}}}OneTimeUse") is not None,
        authenticated_at=authenticated_at,
        session_not_on_or_after=time_of(statement, "SessionNotOnOrAfter"),
        roles=len(roles_of(attributes)),
        purposes=len(purposes_of(attributes)),
    )


def _only(parent: etree._Element, name: str, otherwise: Refusal) -> etree._Element:
    found = parent.findall(f"{{{SAML2}}}{name}")
    if len(found) != 1:
        raise NotAccepted(otherwise)
    return found[0]


# SAML 2.0 Core: 2.5.1; ITI TF-2: 3.40.4.1.2 lets ProxyRestriction be.
_CONDITIONS = frozenset(
    f"{{{SAML2}}}{name}" for name in ("AudienceRestriction", "OneTimeUse", "ProxyRestriction")
)


def _audiences(conditions: etree._Element) -> Iterator[frozenset[str]]:
    """What is not understood makes the whole assertion indeterminate (SAML 2.0 Core: 2.5.1.1)."""
    for condition in conditions:
        if condition.tag not in _CONDITIONS:
            raise NotAccepted(UNKNOWN_CONDITION)
    for restriction in conditions.findall(f"{{{SAML2}}}AudienceRestriction"):
        yield frozenset(text_of(one) for one in restriction.findall(f"{{{SAML2}}}Audience"))


def _authentication_class(statement: etree._Element) -> str:
    """The AuthnContextClassRef, or empty where only a declaration is referred to (SAML 2.0 Core: 2.7.2.2)."""
    context = _only(statement, "AuthnContext", AUTHENTICATION_STATEMENT)
    classes = context.findall(f"{{{SAML2}}}AuthnContextClassRef")
    declarations = context.findall(f"{{{SAML2}}}AuthnContextDeclRef")
    if len(classes) > 1 or len(declarations) > 1 or not (classes or declarations):
        raise NotAccepted(AUTHENTICATION_STATEMENT)
    return text_of(classes[0]) if classes else ""


def _confirmation(element: etree._Element) -> Confirmation:
    data = element.find(f"{{{SAML2}}}SubjectConfirmationData")
    if data is None:
        return Confirmation(element.get("Method", ""), None, None, frozenset())
    certificates = data.findall(f"{{{DS}}}KeyInfo/{{{DS}}}X509Data/{{{DS}}}X509Certificate")
    return Confirmation(
        element.get("Method", ""),
        time_of(data, "NotBefore"),
        time_of(data, "NotOnOrAfter"),
        frozenset(map(_octets, certificates)),
    )


def _octets(certificate: etree._Element) -> bytes:
    try:
        return b64decode("".join((certificate.text or "").split()), validate=True)
    except (NotBase64, ValueError):
        raise NotAccepted(NOT_SAML) from None
