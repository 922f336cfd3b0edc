"""The attributes of the user (ITI TF-2: 3.40.4.1.2.1 to .3)."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from lxml import etree

from hl7v2.identifiers import errors_in_cx
from ihe.namespaces import SAML2
from ihe.xua import BAD_ATTRIBUTE, ONE_SUBJECT, Attribute
from xua.refused import NotAccepted
from xua.user import PersonId, Principal, Role, User
from xua.values import coded, identified, plain

Attributes = Mapping[str, Sequence[etree._Element]]
"""The values by Attribute/@Name, of all statements together."""

T = TypeVar("T")


def read_attributes(signed: etree._Element) -> Attributes:
    """Every value of every attribute; those that say nothing, as xsi:nil ones, are not there."""
    found: dict[str, list[etree._Element]] = {}
    for attribute in signed.findall(f"{{{SAML2}}}AttributeStatement/{{{SAML2}}}Attribute"):
        values = found.setdefault(attribute.get("Name", ""), [])
        values += (
            value
            for value in attribute.findall(f"{{{SAML2}}}AttributeValue")
            if len(value) or (value.text or "").strip()
        )
    return found


def roles_of(attributes: Attributes) -> tuple[Role, ...]:
    """The user's roles (ITI TF-2: 3.40.4.1.2.1)."""
    return tuple(map(coded, attributes.get(Attribute.ROLE, ())))


def purposes_of(attributes: Attributes) -> tuple[Role, ...]:
    """What the user wants the data for (ITI TF-2: 3.40.4.1.2.3)."""
    return tuple(map(coded, attributes.get(Attribute.PURPOSE_OF_USE, ())))


def user_of(
    attributes: Attributes,
    *,
    name_id: str,
    name_qualifier: str,
    alias: str,
    issuer: str,
    assertion_id: str,
    assurance: str,
) -> User:
    """The user whom these attributes and the subject's NameID describe."""
    roles, purposes = roles_of(attributes), purposes_of(attributes)
    return User(
        name=_subject_id(attributes),
        id=_one(attributes, Attribute.PROVIDER_IDENTIFIER, identified)
        or PersonId(name_qualifier or issuer, name_id),
        name_id=name_id,
        issuer=issuer,
        assertion_id=assertion_id,
        alias=alias,
        role=roles[0] if roles else None,
        specialty=_one(attributes, Attribute.SPECIALTY, coded),
        organization_id=_one(attributes, Attribute.ORGANIZATION_ID, plain) or "",
        organization_name=_one(attributes, Attribute.ORGANIZATION, plain) or "",
        purpose_of_use=purposes[0] if purposes else None,
        on_behalf_of=_principal(attributes, name_qualifier or issuer),
        patient_id=_one(attributes, Attribute.PATIENT, _cx) or "",
        home_community_id=_one(attributes, Attribute.HOME_COMMUNITY_ID, plain) or "",
        assurance=assurance,
        software=_one(attributes, Attribute.SOFTWARE, plain) or "",
    )


def _one(attributes: Attributes, name: Attribute, read: Callable[[etree._Element], T]) -> T | None:
    values = attributes.get(name, ())
    if len(values) > 1:
        raise NotAccepted(BAD_ATTRIBUTE)
    return read(values[0]) if values else None


def _subject_id(attributes: Attributes) -> str:
    """The name under either of its two names, and under neither of them twice."""
    names = [attributes.get(one, ()) for one in (Attribute.SUBJECT_ID, Attribute.SUBJECT_ID_OF_XACML)]
    said = {plain(values[0]) for values in names if len(values) == 1}
    if any(len(values) > 1 for values in names) or len(said) != 1:
        raise NotAccepted(ONE_SUBJECT)
    return said.pop()


def _principal(attributes: Attributes, root: str) -> Principal | None:
    id = _one(attributes, Attribute.PRINCIPAL_ID, plain)
    return (
        Principal(PersonId(root, id), _one(attributes, Attribute.PRINCIPAL_NAME, plain) or "") if id else None
    )


def _cx(value: etree._Element) -> str:
    text = plain(value)
    if any(errors_in_cx(text)):
        raise NotAccepted(BAD_ATTRIBUTE)
    return text
