"""Assertions of our own: what a local identity provider issues (SAML 2.0 Core: 2; ITI TF-2: 3.40.4.1.2)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape, quoteattr

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from lxml import etree
from signxml.algorithms import (
    CanonicalizationMethod,
    DigestAlgorithm,
    SignatureConstructionMethod,
    SignatureMethod,
)
from signxml.signer import XMLSigner

import schemas
from ihe.namespaces import HL7, SAML2, XSI
from ihe.xua import BEARER, DS, Attribute
from xua.user import Role, User


@dataclass(frozen=True, slots=True)
class Signer:
    """The key of an identity provider and its certificate."""

    key: RSAPrivateKey
    certificate: x509.Certificate


def issue_assertion(user: User, audience: str, signer: Signer, at: datetime, lifetime: timedelta) -> bytes:
    """A signed bearer assertion about this user, for this audience."""
    text = "".join(_written(user, audience, at, at + lifetime))
    unsigned = schemas.parse(text.encode())
    # The Signature comes after the Issuer (SAML 2.0 Core: 2.3.3); signxml puts it where this element stands.
    unsigned.insert(1, etree.Element(f"{{{DS}}}Signature", {"Id": "placeholder"}, nsmap={"ds": DS}))
    signed = XMLSigner(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=SignatureMethod.RSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    ).sign(
        unsigned,
        key=signer.key,
        cert=[signer.certificate],
        reference_uri=user.assertion_id,
        id_attribute="ID",
    )
    return etree.tostring(signed, encoding="UTF-8", xml_declaration=False)


def _written(user: User, audience: str, begins: datetime, ends: datetime) -> Iterator[str]:
    now = _time(begins)
    yield (
        f'<saml2:Assertion xmlns:saml2="{SAML2}" ID={quoteattr(user.assertion_id)} Version="2.0" '
        f'IssueInstant="{now}"><saml2:Issuer>{escape(user.issuer)}</saml2:Issuer>'
    )
    alias = f" SPProvidedID={quoteattr(user.alias)}" if user.alias else ""
    yield (
        f"<saml2:Subject><saml2:NameID{alias}>{escape(user.name_id)}</saml2:NameID>"
        f'<saml2:SubjectConfirmation Method="{BEARER}"/></saml2:Subject>'
        f'<saml2:Conditions NotBefore="{now}" NotOnOrAfter="{_time(ends)}"><saml2:AudienceRestriction>'
        f"<saml2:Audience>{escape(audience)}</saml2:Audience></saml2:AudienceRestriction></saml2:Conditions>"
        f'<saml2:AuthnStatement AuthnInstant="{now}"><saml2:AuthnContext>'
        f"<saml2:AuthnContextClassRef>{escape(user.assurance)}</saml2:AuthnContextClassRef>"
        "</saml2:AuthnContext></saml2:AuthnStatement><saml2:AttributeStatement>"
    )
    for name, value in _attributes(user):
        inside = f"<saml2:AttributeValue>{value}</saml2:AttributeValue>"
        yield f'<saml2:Attribute Name="{name}">{inside}</saml2:Attribute>'
    yield "</saml2:AttributeStatement></saml2:Assertion>"


def _attributes(user: User) -> Iterator[tuple[Attribute, str]]:
    texts = (
        (Attribute.SUBJECT_ID, user.name),
        (Attribute.ORGANIZATION, user.organization_name),
        (Attribute.ORGANIZATION_ID, user.organization_id),
        (Attribute.HOME_COMMUNITY_ID, user.home_community_id),
        (Attribute.PATIENT, user.patient_id),
        (Attribute.PRINCIPAL_ID, user.on_behalf_of.id.extension if user.on_behalf_of else ""),
        (Attribute.PRINCIPAL_NAME, user.on_behalf_of.name if user.on_behalf_of else ""),
        (Attribute.SOFTWARE, user.software),
    )
    yield from ((name, escape(text)) for name, text in texts if text)
    if user.id.root != user.issuer:
        root, extension = quoteattr(user.id.root), quoteattr(user.id.extension)
        yield (
            Attribute.PROVIDER_IDENTIFIER,
            f'<id xmlns="{HL7}" xmlns:xsi="{XSI}" xsi:type="II" root={root} extension={extension}/>',
        )
    codes = (
        (Attribute.ROLE, "Role", user.role),
        (Attribute.SPECIALTY, "Specialty", user.specialty),
        (Attribute.PURPOSE_OF_USE, "PurposeOfUse", user.purpose_of_use),
    )
    yield from ((name, _coded(element, role)) for name, element, role in codes if role)


def _coded(element: str, role: Role) -> str:
    system = f" codeSystem={quoteattr(role.system)}" if role.system else ""
    display_name = f" displayName={quoteattr(role.display_name)}" if role.display_name else ""
    text = f"<originalText>{escape(role.original_text)}</originalText>" if role.original_text else ""
    return (
        f'<{element} xmlns="{HL7}" xmlns:xsi="{XSI}" xsi:type="CE" code={quoteattr(role.code)}'
        f"{system}{display_name}>{text}</{element}>"
    )


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
