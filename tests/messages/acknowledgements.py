"""Consent documents as a foreign practice would write them, and their submissions (ITI TF-3: 5.1.2)."""

from base64 import b64encode
from dataclasses import dataclass, field

from tests.messages import requests
from tests.messages.requests import (
    RPLC,
    Submission,
    association,
    author,
    codes,
    document_entry,
    fresh_oid,
    slot,
    submission_set,
    submit,
)

POLICIES = "2.999.40"
FORMATS = "1.3.6.1.4.1.19376.1.2.3"
CLINIC = "2.999.61"
PDF = b"%PDF-1.4 a page with a signature\n%%EOF\n"


@dataclass(frozen=True)
class Acknowledgement:
    """What a consent document says; `policies` by the last number of their OIDs."""

    patient_id: str
    policies: tuple[int, ...]
    start: str = "20200101"
    stop: str = ""
    scanned: bool = False
    signed: bool = True
    unique_id: str = field(default_factory=fresh_oid)
    institution: str = CLINIC

    @property
    def document(self) -> bytes:
        extension, _, authority = self.patient_id.partition("^^^&")
        patient = f'<id root="{authority.removesuffix("&ISO")}" extension="{extension}"/>'
        name = "<name><given>Jeanne</given><family>Muller</family></name>"
        high = f'<high value="{self.stop}"/>' if self.stop else ""
        events = "".join(
            f'<documentationOf typeCode="DOC"><serviceEvent classCode="ACT" moodCode="EVN">'
            f'<templateId root="1.3.6.1.4.1.19376.1.5.3.1.2.6"/><id root="{self.unique_id}.{number}"/>'
            f'<code code="{POLICIES}.{number}" codeSystem="{POLICIES}" displayName="A policy"/>'
            f'<effectiveTime><low value="{self.start}"/>{high}</effectiveTime>'
            f"</serviceEvent></documentationOf>"
            for number in self.policies
        )
        signature = (
            f'<legalAuthenticator><time value="20240102"/><signatureCode code="S"/><assignedEntity>{patient}'
            f"<assignedPerson>{name}</assignedPerson></assignedEntity></legalAuthenticator>"
        )
        page = b64encode(PDF).decode()
        body = (
            f'<nonXMLBody><text mediaType="application/pdf" representation="B64">{page}</text></nonXMLBody>'
            if self.scanned
            else "<structuredBody><component><section><title>Consent</title><text>I agree.</text></section>"
            "</component></structuredBody>"
        )
        scan = '<templateId root="1.3.6.1.4.1.19376.1.2.20"/>' if self.scanned else ""
        return (
            '<?xml version="1.0" encoding="UTF-8"?><ClinicalDocument xmlns="urn:hl7-org:v3">'
            '<typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>'
            '<templateId root="1.3.6.1.4.1.19376.1.5.3.1.1.1"/>'
            f'<templateId root="1.3.6.1.4.1.19376.1.5.3.1.1.7{".1" if self.scanned else ""}"/>{scan}'
            f'<id root="{self.unique_id}"/><code code="57016-8" codeSystem="2.16.840.1.113883.6.1"/>'
            '<title>Consent</title><effectiveTime value="20240102030405+0000"/>'
            '<confidentialityCode code="N" codeSystem="2.999.1"/><languageCode code="fr-LU"/>'
            f"<recordTarget><patientRole>{patient}<patient>{name}</patient></patientRole></recordTarget>"
            f'<author><time value="20240102"/><assignedAuthor><id root="2.999.4" extension="A"/>'
            f'<assignedPerson>{name}</assignedPerson><representedOrganization><id root="{self.institution}"/>'
            "<name>Clinic</name></representedOrganization></assignedAuthor></author>"
            '<custodian><assignedCustodian><representedCustodianOrganization><id root="2.999.61"/>'
            "</representedCustodianOrganization></assignedCustodian></custodian>"
            f"{signature if self.signed else ''}{events}<component>{body}</component></ClinicalDocument>"
        ).encode()

    def submission(self, *, replaces: str = "", more: str = "", **attributes: str) -> Submission:
        """Metadata that say the same; `attributes` are what stands instead."""
        extension, _, authority = self.patient_id.partition("^^^&")
        said = {
            "formatCode": codes(
                "Document1", "formatCode", f"urn:ihe:iti:bppc{'-sd' if self.scanned else ''}:2007^^{FORMATS}"
            ),
            "eventCodeList": codes(
                "Document1", "eventCodeList", *(f"{POLICIES}.{each}^^{POLICIES}" for each in self.policies)
            ),
            "serviceStartTime": slot("serviceStartTime", self.start),
            "serviceStopTime": slot("serviceStopTime", self.stop) if self.stop else "",
            "typeCode": codes("Document1", "typeCode", "CONSENT^^2.999.1"),
            "legalAuthenticator": slot("legalAuthenticator", f"{extension}^Muller^Jeanne^^^^^^&{authority}")
            if self.signed
            else "",
            "author": author(
                "Document1",
                requests.AUTHOR_OF_DOCUMENT,
                slot("authorPerson", "^Muller^Jeanne"),
                slot("authorInstitution", f"Clinic^^^^^^^^^{self.institution}"),
            ),
        }
        set_id = fresh_oid()
        objects = [
            submission_set(self.patient_id, set_id),
            document_entry(self.patient_id, self.unique_id, mime_type="text/xml", **(said | attributes)),
            association("SubmissionSet1", "Document1", status="Original"),
        ]
        if replaces:
            objects.append(association("Document1", replaces, RPLC, id="Replaces1"))
        return Submission(self.patient_id, submit(*objects, more), set_id, (self.unique_id,))
