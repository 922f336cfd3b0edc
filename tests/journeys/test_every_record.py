"""The audit record of each side of every transaction, field by field, when it succeeds and when it fails.

ITI TF-2: 3.18.5.1 to 3.92.5.1 with the tables of 3.8, 3.41 to 3.44; DICOM PS3.15 A.5.
"""

import hashlib

import pytest
from lxml import etree

from atna_audit.spool import stored_records
from conformance.judging.message import judge
from tests.journeys.test_identity_feeds import MERGE_V3, merged_v3
from tests.journeys.test_on_demand import announce, on_demand_entry
from tests.journeys.test_remove_metadata import record_of, remove
from tests.journeys.test_validation import errors_in
from tests.messages import requests
from tests.messages.every_request import ITI_86
from tests.messages.requests import ITI_42, ITI_57, ITI_92, SUCCESS, submission
from tests.wire import envelope, post

REVISE_V3 = "urn:hl7-org:v3:PRPA_IN201302UV02"
SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
SHA1_OF_LETTER = hashlib.sha1(b"Dear colleague", usedforsecurity=False).hexdigest()

# Type code, role, kind of id, life cycle, details.
OBJECTS = {
    "PAT": ("1", "1", "2 RFC-3881 Patient Number", "", ()),
    "PAT-II": ("1", "1", "2 RFC-3881 Patient Number", "", ("II",)),
    "SET": (
        "2",
        "20",
        "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd IHE XDS Metadata submission set classificationNode",
        "",
        (),
    ),
    "NEW": ("2", "3", "9 RFC-3881 Report Number", "1", ()),
    "DOC": ("2", "3", "9 RFC-3881 Report Number", "", ("Repository Unique Id",)),
    "GONE": ("2", "3", "9 RFC-3881 Report Number", "15", ("Repository Unique Id",)),
    "OBJ": ("2", "3", "urn:ihe:iti:2017:ObjectRef IHE XDS Metadata registry object reference", "15", ()),
    "QRY": ("2", "24", "ITI-18 IHE Transactions Registry Stored Query", "", ("QueryEncoding",)),
    "QRYS": ("2", "24", "ITI-51 IHE Transactions Multi-Patient Query", "", ("QueryEncoding",)),
}
# `!` asked, `*` is the process that records.
ASKED = "source! destination*"
ASKING = "source!* destination"
SENDING = "source* destination!"
EVENTS = {
    "export": "110106 DCM Export",
    "import": "110107 DCM Import",
    "record": "110110 DCM Patient Record",
    "query": "110112 DCM Query",
}
NAMES = {
    "ITI-18": "Registry Stored Query",
    "ITI-41": "Provide and Register Document Set-b",
    "ITI-42": "Register Document Set-b",
    "ITI-43": "Retrieve Document Set",
    "ITI-44": "Patient Identity Feed",
    "ITI-51": "Multi-Patient Query",
    "ITI-57": "Update Document Set",
    "ITI-61": "Register On-Demand Document Entry",
    "ITI-62": "Remove Metadata",
    "ITI-86": "Remove Documents",
    "ITI-92": "Restricted Update Document Set",
}


UNKNOWN = "nobody^^^&2.999.5&ISO"

# What is done, and the records of it: outcome, transaction, event, action, ends, objects.
CASES = {
    "an ITI-18": ("query", [(0, "ITI-18", "query", "E", ASKED, "PAT QRY")]),
    "a bad ITI-18": ("query_badly", [(4, "ITI-18", "query", "E", ASKED, "PAT QRY")]),
    "an ITI-41": (
        "provide",
        [
            (0, "ITI-42", "import", "C", ASKED, "PAT SET NEW"),
            (0, "ITI-42", "export", "R", ASKING, "PAT SET NEW"),
            (0, "ITI-41", "import", "C", ASKED, "PAT SET NEW"),
        ],
    ),
    "a bad ITI-41": (
        "provide_badly",
        [
            (4, "ITI-42", "import", "C", ASKED, "PAT SET NEW"),
            (4, "ITI-42", "export", "R", ASKING, "PAT SET NEW"),
            (4, "ITI-41", "import", "C", ASKED, "PAT SET NEW"),
        ],
    ),
    "an ITI-42": ("register", [(0, "ITI-42", "import", "C", ASKED, "PAT SET NEW")]),
    "a bad ITI-42": ("register_badly", [(4, "ITI-42", "import", "C", ASKED, "PAT SET NEW")]),
    "an ITI-43": ("retrieve", [(0, "ITI-43", "export", "R", SENDING, "PAT DOC")]),
    "a bad ITI-43": ("retrieve_badly", [(4, "ITI-43", "export", "R", SENDING, "DOC")]),
    "a half ITI-43": (
        "retrieve_half",
        [
            (0, "ITI-43", "export", "R", SENDING, "PAT DOC"),
            (4, "ITI-43", "export", "R", SENDING, "DOC"),
        ],
    ),
    "an ITI-44": ("feed", [(0, "ITI-44", "record", "C", ASKED, "PAT-II")]),
    "an ITI-44 about a patient of elsewhere": (
        "feed_from_elsewhere",
        [(0, "ITI-44", "record", "C", ASKED, "PAT-II")],
    ),
    "an ITI-44 that merges nobody": (
        "merge_badly",
        [
            (4, "ITI-44", "record", "D", ASKED, "PAT-II"),
            (4, "ITI-44", "record", "U", ASKED, "PAT-II"),
        ],
    ),
    "an ITI-44 that revises": ("revise", [(0, "ITI-44", "record", "U", ASKED, "PAT-II")]),
    "an ITI-44 that merges": (
        "merge",
        [
            (0, "ITI-44", "record", "D", ASKED, "PAT-II"),
            (0, "ITI-44", "record", "U", ASKED, "PAT-II"),
        ],
    ),
    "an ITI-51": ("query_several", [(0, "ITI-51", "query", "E", ASKED, "PAT QRYS")]),
    "a bad ITI-51": ("query_several_badly", [(4, "ITI-51", "query", "E", ASKED, "PAT QRYS")]),
    "an ITI-57": ("update", [(0, "ITI-57", "import", "U", ASKED, "PAT SET NEW")]),
    "a bad ITI-57": ("update_badly", [(4, "ITI-57", "import", "U", ASKED, "PAT SET NEW")]),
    "an ITI-61": ("announce", [(0, "ITI-61", "import", "C", ASKED, "PAT SET NEW")]),
    "a bad ITI-61": ("announce_badly", [(4, "ITI-61", "import", "C", ASKED, "PAT SET NEW")]),
    "an ITI-62": ("remove", [(0, "ITI-62", "record", "D", ASKED, "PAT OBJ OBJ OBJ")]),
    "a bad ITI-62": ("remove_badly", [(4, "ITI-62", "record", "D", ASKED, "OBJ")]),
    "an ITI-86": ("erase", [(0, "ITI-86", "record", "D", ASKED, "PAT GONE")]),
    "a bad ITI-86": ("erase_badly", [(4, "ITI-86", "record", "D", ASKED, "GONE")]),
    "an ITI-92": ("restricted_update", [(0, "ITI-92", "import", "U", ASKED, "PAT SET NEW")]),
    "a bad ITI-92": ("restricted_update_badly", [(4, "ITI-92", "import", "U", ASKED, "PAT SET NEW")]),
}


class Doing:
    """One patient's record, in which each transaction can be done well and badly."""

    def __init__(self, platform):
        self.platform = platform
        self.patient = platform.add_patient()
        self.sent = submission(self.patient)
        assert platform.provide(self.sent, b"Dear colleague").status_urn == SUCCESS
        self.objects = record_of(platform, self.patient)

    def registry(self, action, body):
        return post(self.platform.registry_url, envelope(action, body))

    def query(self, status=requests.APPROVED):
        return self.platform.query(requests.find_documents(self.patient, status=status))

    def query_badly(self):
        return self.query("no status")

    def query_several(self, status=requests.APPROVED):
        return self.platform.ask(
            "FindDocumentsForMultiplePatients",
            ("$XDSDocumentEntryPatientId", f"('{self.patient}')"),
            ("$XDSDocumentEntryStatus", f"('{status}')"),
            ("$XDSDocumentEntryClassCode", "('REPORT^^2.999.1')"),
        )

    def query_several_badly(self):
        return self.query_several("no status")

    def provide(self, patient=""):
        return self.platform.provide(submission(patient or self.patient), b"Dear colleague")

    def provide_badly(self):
        return self.provide(UNKNOWN)

    def register(self, patient=""):
        sent = submission(patient or self.patient, slots=requests.registered(SHA1, 0))
        return self.registry(ITI_42, sent.submit_objects_request)

    def register_badly(self):
        return self.register(UNKNOWN)

    def retrieve(self):
        return self.platform.retrieve(self.sent.unique_id)

    def retrieve_badly(self):
        return self.platform.retrieve("2.999.404")

    def retrieve_half(self):
        return self.platform.retrieve(self.sent.unique_id, "2.999.404")

    def feed(self):
        self.platform.add_patient()

    def feed_from_elsewhere(self):
        return self.registry(requests.ITI_44, requests.patient_added("x^^^&2.999.404&ISO"))

    def revise(self):
        body = requests.patient_added(self.patient).replace("201301", "201302")
        return self.registry(REVISE_V3, body)

    def merge(self):
        other = self.platform.add_patient()
        self.began = len(records_in(self.platform))
        return self.registry(MERGE_V3, merged_v3(self.patient, other))

    def merge_badly(self):
        return self.registry(MERGE_V3, merged_v3(self.patient, UNKNOWN))

    def update(self, action=ITI_57, previous="1"):
        entry = requests.document_entry(
            self.patient, self.sent.unique_id, slots=requests.registered(SHA1_OF_LETTER, 14)
        ).replace("<rim:ExtrinsicObject ", f'<rim:ExtrinsicObject lid="{self.objects[1]}" ', 1)
        member = requests.association(
            "SubmissionSet1", "Document1", status="Original", more=requests.slot("PreviousVersion", previous)
        )
        return self.registry(
            action,
            requests.submit(requests.submission_set(self.patient, requests.fresh_oid()), entry, member),
        )

    def update_badly(self):
        return self.update(previous="7")

    def restricted_update(self):
        return self.update(ITI_92)

    def restricted_update_badly(self):
        return self.update(ITI_92, previous="7")

    def announce(self, patient=""):
        entry = on_demand_entry(patient or self.patient, requests.fresh_oid())
        return announce(self.platform, patient or self.patient, entry)

    def announce_badly(self):
        return self.announce(UNKNOWN)

    def remove(self):
        return remove(self.platform, *self.objects)

    def remove_badly(self):
        return remove(self.platform, requests.fresh_uuid())

    def erase(self, unique_id=""):
        body = (
            '<rmd:RemoveDocumentsRequest xmlns:rmd="urn:ihe:iti:rmd:2017" xmlns:xds="urn:ihe:iti:xds-b:2007">'
            f"<xds:DocumentRequest><xds:RepositoryUniqueId>{requests.REPOSITORY}</xds:RepositoryUniqueId>"
            f"<xds:DocumentUniqueId>{unique_id or self.sent.unique_id}</xds:DocumentUniqueId>"
            "</xds:DocumentRequest></rmd:RemoveDocumentsRequest>"
        )
        return post(self.platform.repository_url, envelope(ITI_86, body))

    def erase_badly(self):
        return self.erase("2.999.404")


@pytest.mark.parametrize("name", CASES)
def test_each_side_records_what_the_table_of_the_transaction_says(platform, name):
    """The records of one request, whole: nothing is missing, and nothing else is there."""
    deed, expected = CASES[name]
    doing = Doing(platform)
    doing.began = len(records_in(platform))
    getattr(doing, deed)()
    written = records_in(platform)[doing.began :]
    assert [one for record in written for one in errors_in(judge(record))] == []
    assert [fields(etree.fromstring(one)) for one in written] == [spelt_out(row) for row in expected]


def records_in(platform):
    """In the order in which they were written."""
    (spool,) = platform.audit_spools
    return [one for one in stored_records(spool) if b"IHE Transactions" in one]


def spelt_out(row):
    """A row of the table above as `fields` has it."""
    outcome, number, event, action, ends, objects = row
    return {
        "outcome": str(outcome),
        "event": EVENTS[event],
        "type": f"{number} IHE Transactions {NAMES[number]}",
        "action": action,
        "says why": outcome != 0,
        "source": "coffre",
        "ends": ends,
        "objects": [OBJECTS[one] for one in objects.split()],
    }


def fields(root):
    """What the tables speak of."""
    event = root.find("EventIdentification")
    return {
        "outcome": event.get("EventOutcomeIndicator"),
        "event": coded(event.find("EventID")),
        "type": " ".join(coded(one) for one in event.findall("EventTypeCode")),
        "action": event.get("EventActionCode"),
        "says why": bool(event.findtext("EventOutcomeDescription")),
        "source": root.find("AuditSourceIdentification").get("AuditSourceID"),
        "ends": " ".join(end(one) for one in root.findall("ActiveParticipant")),
        "objects": [
            (
                one.get("ParticipantObjectTypeCode"),
                one.get("ParticipantObjectTypeCodeRole"),
                coded(one.find("ParticipantObjectIDTypeCode")),
                one.get("ParticipantObjectDataLifeCycle", ""),
                # Why somebody was let in is ours to say.
                tuple(
                    each.get("type")
                    for each in one.findall("ParticipantObjectDetail")
                    if each.get("type") != "Access Decision"
                ),
            )
            for one in root.findall("ParticipantObjectIdentification")
        ],
    }


def coded(element):
    return " ".join(element.get(name) for name in ("csd-code", "codeSystemName", "originalText"))


def end(participant):
    """Which end it is, whether it asked, whether it is the process that records; where it is must be said."""
    assert participant.get("UserID")
    assert participant.get("NetworkAccessPointID")
    assert participant.get("NetworkAccessPointTypeCode") in ("1", "2")
    role = {"110153 DCM Source Role ID": "source", "110152 DCM Destination Role ID": "destination"}
    asked = "!" * (participant.get("UserIsRequestor") == "true")
    ours = "*" * bool(participant.get("AlternativeUserID", "").isdecimal())
    return role[coded(participant.find("RoleIDCode"))] + asked + ours
