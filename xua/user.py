"""Who a verified assertion vouches for (ITI TF-2: 3.40.4.1.2)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PersonId:
    """An id and who gave it: an OID, a NameQualifier, or the identity provider itself."""

    root: str
    extension: str


@dataclass(frozen=True, slots=True)
class Role:
    """An HL7 CE: a role, a specialty, a purpose of use; a code without a system is XSPA's plain text."""

    code: str
    system: str = ""
    display_name: str = ""
    original_text: str = ""
    """What the code was chosen for, in somebody's own words: of a purpose of use, its reason."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The person on whose behalf the user acts."""

    id: PersonId
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person as one identity provider vouches for them; an empty text means unsaid.

    `id` is the provider-identifier where there is one, else the NameID; `patient_id` is the CX of the
    resource-id; `assurance` the AuthnContextClassRef; `alias` the NameID's SPProvidedID.
    """

    name: str
    id: PersonId
    name_id: str
    issuer: str
    assertion_id: str
    alias: str = ""
    role: Role | None = None
    specialty: Role | None = None
    organization_id: str = ""
    organization_name: str = ""
    purpose_of_use: Role | None = None
    on_behalf_of: Principal | None = None
    patient_id: str = ""
    home_community_id: str = ""
    assurance: str = ""
    software: str = ""

    @property
    def audit_id(self) -> str:
        """The user as audit records name him: alias<user@issuer> (ITI TF-2: 3.40.4.2)."""
        return f"{self.alias}<{self.name_id}@{self.issuer}>"
