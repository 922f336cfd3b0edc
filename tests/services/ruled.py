"""A domain with rules: people who ask by assertion, and what patients decide about their records."""

import asyncio
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from pathlib import Path

from consent_broker.directory import Listed
from consent_broker.model import Level, Origin, Party, PartyKind, Period, RecordStatus, Right
from consent_broker.notifications import Notification
from consent_broker.store import Change, Directive, Kind
from server import consent, directory
from server.configuration import load
from server.settings import Configuration
from tests.messages import requests
from tests.messages.assertions import PASSWORD, assertion, attribute, authentication, keys, security, signed
from tests.messages.requests import ITI_18, ITI_41, ITI_43, ITI_51, STORED_QUERIES, Submission
from tests.services.guarded import XUA, write_certificates
from tests.services.platform import OPEN_DOMAIN, Platform
from tests.wire import MTOM_TYPE, HttpAnswer, envelope, include, mtom, post

XSI = "http://www.w3.org/2001/XMLSchema-instance"
PROVIDER_IDENTIFIER = "urn:ihe:iti:xua:2017:subject:provider-identifier"
ORGANIZATION_ID = "urn:oasis:names:tc:xspa:1.0:subject:organization-id"
UNIQUE_ID = "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"
EVERY_STATUS = f"('{requests.APPROVED}','{requests.DEPRECATED}')"

RULES = """
regime = "opt-in"
profession_scheme = "2.999.7"
specialty_scheme = "2.999.8"
type_scheme = "2.999.1"

[[level]]
scheme = "2.999.1"
normal = ["N"]
restricted = ["R"]
secret = ["V"]

[[role]]
is = "patient"
scheme = "2.999.7"
codes = ["PAT"]

[[role]]
is = "administrator"
scheme = "2.999.7"
codes = ["ADMIN"]

[[purpose]]
is = "emergency"
scheme = "2.16.840.1.113883.5.8"
codes = ["ETREAT"]

[durations]
referring-doctor = 0
presence = 30
admission = 90
referral = 180
portal = 0

[[access]]
professions = ["DOCTOR"]
read = ["NOTE", "LAB"]
deposit = ["NOTE", "LAB"]

[[access]]
professions = ["NURSE"]
read = ["NOTE"]
deposit = []
"""

API = """
[api]
enabled = true
declare = ["presence", "referral"]
"""

RULED_DOMAIN = OPEN_DOMAIN.replace('codes = ""', 'codes = ""\nrules = "rules.toml"') + XUA + API


def write_rules(directory: Path, rules: str = RULES) -> Path:
    """Put the files of such a domain where its server will look for them."""
    (write_certificates(directory) / "rules.toml").write_text(rules)
    return directory


# A domain that asks for more: it opens records by itself, knows minors, and holds its directory against
# what assertions claim.
STRICTER_RULES = (
    RULES.replace('regime = "opt-in"', 'regime = "opt-out"\nobjection_days = 30\nauthors_see_own = false')
    + """
[directory]
professionals = true
memberships = true

[minors]
reads = 12
decides = 16
majority = 18

[emergency]
lifts = ["relationship"]
highest = "restricted"
reason = true
"""
)


@dataclass(frozen=True)
class Person:
    """Who asks: a root, an id, a role, an institution and a purpose of use."""

    extension: str
    role: str = "DOCTOR"
    root: str = "2.999.4"
    organization: str = ""
    purpose: str = "TREAT"
    reason: str = ""
    assurance: str = PASSWORD

    @property
    def party(self) -> Party:
        return Party(PartyKind.PERSON, f"{self.root}|{self.extension}")

    @property
    def headers(self) -> str:
        """A security header with an assertion of the moment."""
        return security(self.token)

    @property
    def authorization(self) -> str:
        """The same for plain HTTP."""
        return f"Bearer {urlsafe_b64encode(self.token).rstrip(b'=').decode()}"

    @property
    def token(self) -> bytes:
        """An assertion of the moment."""
        hl7 = f'xmlns="urn:hl7-org:v3" xmlns:xsi="{XSI}"'
        role = f'<Role {hl7} xsi:type="CE" code="{self.role}" codeSystem="2.999.7"/>'
        why = f"<originalText>{self.reason}</originalText>" if self.reason else ""
        purpose = (
            f'<PurposeOfUse {hl7} xsi:type="CE" code="{self.purpose}" codeSystem="2.16.840.1.113883.5.8">'
            f"{why}</PurposeOfUse>"
        )
        identifier = f'<id {hl7} xsi:type="II" root="{self.root}" extension="{self.extension}"/>'
        more = attribute(PROVIDER_IDENTIFIER, identifier)
        if self.organization:
            more += attribute(ORGANIZATION_ID, self.organization)
        text = assertion(
            name_id=f"<saml2:NameID>{self.extension}</saml2:NameID>",
            subject_ids=(f"Dr {self.extension}",),
            roles=(role,),
            purposes=(purpose,),
            statement=authentication(self.assurance),
            more=more,
        )
        return signed(text, keys("idp"))

    def in_emergency(self, reason: str = "") -> "Person":
        return replace(self, purpose="ETREAT", reason=reason)


def patient_himself(patient_id: str) -> Person:
    """The person who is this patient."""
    extension, _, authority = patient_id.partition("^^^&")
    return Person(extension, "PAT", authority.removesuffix("&ISO"))


class Record:
    """One patient's record: what he decides about it, and what others do with it."""

    def __init__(self, platform: Platform, *, opened: bool = True) -> None:
        self.platform = platform
        self.patient_id = platform.add_patient()
        self.patient = patient_himself(self.patient_id)
        if opened:
            self.turn(RecordStatus.OPEN)

    @property
    def configuration(self) -> Configuration:
        return load(self.platform.directory / "coffre.toml", self.platform.environment)

    # What the patient decides.

    def turn(self, status: RecordStatus) -> None:
        asyncio.run(consent.turn(self.configuration, self.patient_id, status, "portal"))

    def reopen(self) -> None:
        asyncio.run(consent.reopen(self.configuration, self.patient_id, "portal"))

    def history(self) -> tuple[Change, ...]:
        return asyncio.run(consent.show(self.configuration, self.patient_id, "portal"))[1]

    def notifications(self) -> list[Notification]:
        found = consent.notifications(self.configuration, self.patient_id, "portal")
        return [*asyncio.run(found)]

    def let(self, directive: Directive) -> None:
        asyncio.run(consent.give(self.configuration, self.patient_id, directive, "portal"))

    def no_longer(self, directive: Directive) -> None:
        assert asyncio.run(consent.take_back(self.configuration, self.patient_id, directive, "portal"))

    def grant(
        self,
        party: Party,
        *rights: Right,
        level: Level = Level.NORMAL,
        origin: Origin = Origin.PORTAL,
        period: Period | None = None,
    ) -> Directive:
        given = Directive(
            Kind.GRANT,
            party,
            rights=frozenset(rights or Right),
            level=level,
            origin=origin,
            period=period or Period(),
        )
        self.let(given)
        return given

    def enter(self, *entries: Listed) -> None:
        """Enter somebody, or where he works, in the domain's directory."""
        for each in entries:
            asyncio.run(directory.put(self.configuration, each, "operator"))

    # What is done with the record.

    def deposit(
        self,
        by: Person,
        *,
        type_code: str = "NOTE",
        level: str = "N",
        replaces: str = "",
        folder: bool = False,
    ) -> Submission:
        """A document that must be accepted."""
        sent = self.document(type_code=type_code, level=level, replaces=replaces, folder=folder)
        answer = self.provide(by, sent)
        assert answer.status_urn == requests.SUCCESS, answer.body
        return sent

    def document(
        self, *, type_code: str = "NOTE", level: str = "N", replaces: str = "", folder: bool = False
    ) -> Submission:
        sent = requests.submission(self.patient_id, replaces=replaces, with_folder=folder)
        text = sent.submit_objects_request.replace('"NOTE"', f'"{type_code}"')
        return replace(sent, submit_objects_request=text.replace('"N"', f'"{level}"'))

    def provide(
        self, by: Person, sent: Submission, content: bytes = b"Dear colleague", mime_type="text/plain"
    ) -> HttpAnswer:
        body = requests.provide(sent.submit_objects_request, ("Document1", include("part@wire")))
        message = mtom(envelope(ITI_41, body, more_headers=by.headers), ("part@wire", mime_type, content))
        return post(self.platform.repository_url, message, MTOM_TYPE)

    def ask(
        self, by: Person | None, query: str, *slots: tuple[str, str], return_type="LeafClass"
    ) -> HttpAnswer:
        action = ITI_51 if query.endswith("ForMultiplePatients") else ITI_18
        body = requests.stored_query(STORED_QUERIES[query], *slots, return_type=return_type)
        headers = by.headers if by else ""
        return post(self.platform.registry_url, envelope(action, body, more_headers=headers))

    def all_of_it(self, by: Person, return_type: str = "LeafClass") -> HttpAnswer:
        statuses = [
            (f"$XDS{kind}Status", EVERY_STATUS) for kind in ("DocumentEntry", "SubmissionSet", "Folder")
        ]
        return self.ask(
            by, "GetAll", ("$patientId", f"'{self.patient_id}'"), *statuses, return_type=return_type
        )

    def seen_by(self, by: Person) -> list[str]:
        """The uniqueIds of the documents that FindDocuments shows."""
        answer = self.ask(
            by,
            "FindDocuments",
            ("$XDSDocumentEntryPatientId", f"'{self.patient_id}'"),
            ("$XDSDocumentEntryStatus", EVERY_STATUS),
        )
        assert answer.status_urn == requests.SUCCESS, answer.body
        return [
            str(one.get("value"))
            for one in answer.found("ExternalIdentifier")
            if one.get("identificationScheme") == UNIQUE_ID
        ]

    def entry_uuid(self, sent: Submission) -> str:
        """The entryUUID of a document, as the patient finds it."""
        answer = self.ask(
            self.patient, "GetDocuments", ("$XDSDocumentEntryUniqueId", f"('{sent.unique_id}')")
        )
        (entry,) = answer.found("ExtrinsicObject")
        return str(entry.get("id"))

    def hide(self, sent: Submission) -> Directive:
        hidden = Directive(Kind.HIDDEN, document=self.entry_uuid(sent))
        self.let(hidden)
        return hidden

    def retrieve(self, by: Person, *unique_ids: str) -> HttpAnswer:
        message = mtom(envelope(ITI_43, requests.retrieve(*unique_ids), more_headers=by.headers))
        return post(self.platform.repository_url, message, MTOM_TYPE)
