"""An On-Demand Document Source announces what it can make, by ITI-61 (ITI TF-2: 3.61)."""

import pytest

from tests.messages import requests
from tests.messages.requests import (
    APPROVED,
    DEPRECATED,
    FAILURE,
    ITI_61,
    ON_DEMAND,
    REPOSITORY,
    RPLC,
    STABLE,
    SUCCESS,
    association,
    find_documents,
    fresh_oid,
    slot,
    submit,
)
from tests.wire import envelope, post

CREATED = slot("creationTime", "20240102030405")
OF_REPOSITORY = slot("repositoryUniqueId", REPOSITORY)
STABLE_SLOTS = requests.registered("da39a3ee5e6b4b0d3255bfef95601890afd80709", 0)


def on_demand_entry(patient_id, unique_id, slots=OF_REPOSITORY):
    entry = requests.document_entry(patient_id, unique_id, slots=slots, object_type=ON_DEMAND)
    return entry.replace(CREATED, "", 1)


def announce(platform, patient_id, entry, *more):
    members = [association("SubmissionSet1", "Document1", status="Original")] if entry else []
    body = submit(requests.submission_set(patient_id, fresh_oid()), entry, *members, *more)
    return post(platform.registry_url, envelope(ITI_61, body))


def entries(platform, patient_id, *types, status=APPROVED):
    slots = [("$XDSDocumentEntryType", "('" + "','".join(types) + "')")] if types else []
    answer = platform.query(find_documents(patient_id, *slots, status=status))
    assert answer.status_urn == SUCCESS
    return answer.found("ExtrinsicObject")


def stable(platform, unique_id):
    patient_id = platform.add_patient()
    body = submit(
        requests.submission_set(patient_id, fresh_oid()),
        requests.document_entry(patient_id, unique_id, slots=STABLE_SLOTS),
        association("SubmissionSet1", "Document1", status="Original"),
    )
    assert platform.register(body).status_urn == SUCCESS
    return patient_id


def test_an_on_demand_entry_is_found_by_who_asks_for_its_type(platform):
    """ITI TF-2: 3.61.4.1.3, 3.18.4.1.2.3.7.1."""
    patient_id = platform.add_patient()
    answer = announce(platform, patient_id, on_demand_entry(patient_id, fresh_oid()))
    assert answer.status_urn == SUCCESS
    (action,) = answer.envelope.iter("{http://www.w3.org/2005/08/addressing}Action")
    assert action.text == "urn:ihe:iti:2010:RegisterOnDemandDocumentResponse"
    assert entries(platform, patient_id) == []
    (entry,) = entries(platform, patient_id, ON_DEMAND)
    assert (entry.get("objectType"), entry.get("status")) == (ON_DEMAND, APPROVED)
    assert len(entries(platform, patient_id, STABLE, ON_DEMAND)) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("creationTime", "20240102030405"),
        ("hash", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("size", "12"),
    ],
)
def test_what_only_a_made_document_has_is_refused(platform, name, value):
    """ITI TF-3: Table 4.3.1.1-3, column On-Demand Document Source."""
    patient_id = platform.add_patient()
    entry = on_demand_entry(patient_id, fresh_oid())
    answer = announce(platform, patient_id, entry.replace(OF_REPOSITORY, OF_REPOSITORY + slot(name, value)))
    assert (answer.status_urn, answer.codes) == (FAILURE, ["XDSRegistryMetadataError"])
    assert name in answer.errors[0][1]


def test_the_sources_own_id_is_required(platform):
    """ITI TF-3: Table 4.3.1.1-3: repositoryUniqueId says whom to ask for the document."""
    patient_id = platform.add_patient()
    answer = announce(platform, patient_id, on_demand_entry(patient_id, fresh_oid(), slots=""))
    assert (answer.status_urn, answer.codes) == (FAILURE, ["XDSRegistryMetadataError"])
    assert "repositoryUniqueId" in answer.errors[0][1]


def test_a_stable_entry_is_not_announced(platform):
    """ITI TF-2: 3.61.4.1.2."""
    patient_id = platform.add_patient()
    entry = requests.document_entry(patient_id, fresh_oid(), slots=STABLE_SLOTS)
    answer = announce(platform, patient_id, entry)
    assert (answer.status_urn, answer.codes) == (FAILURE, ["XDSRegistryMetadataError"])


def test_nothing_is_announced_without_an_entry(platform):
    """ITI TF-2: 3.61.4.1.2: at least one on-demand DocumentEntry."""
    patient_id = platform.add_patient()
    folder = requests.folder(patient_id, fresh_oid())
    answer = announce(platform, patient_id, "", folder, association("SubmissionSet1", "Folder1"))
    assert (answer.status_urn, answer.codes) == (FAILURE, ["XDSRegistryMetadataError"])


def test_an_on_demand_entry_is_not_registered_as_a_stable_one(platform):
    """ITI TF-2: 3.42.4.1.3."""
    patient_id = platform.add_patient()
    answer = platform.register(
        submit(
            requests.submission_set(patient_id, fresh_oid()),
            on_demand_entry(patient_id, fresh_oid()),
            association("SubmissionSet1", "Document1", status="Original"),
        )
    )
    assert (answer.status_urn, answer.codes) == (FAILURE, ["XDSRegistryMetadataError"])


def test_one_unique_id_may_be_announced_twice(platform):
    """ITI TF-2: 3.61.4.1.3."""
    patient_id, unique_id = platform.add_patient(), fresh_oid()
    for _ in range(2):
        assert announce(platform, patient_id, on_demand_entry(patient_id, unique_id)).status_urn == SUCCESS
    assert len(entries(platform, patient_id, ON_DEMAND)) == 2


def test_the_unique_id_of_a_document_is_not_announced(platform):
    """ITI TF-2: 3.61.4.1.3: an on-demand uniqueId never denotes an actual document."""
    unique_id = fresh_oid()
    patient_id = stable(platform, unique_id)
    answer = announce(platform, patient_id, on_demand_entry(patient_id, unique_id))
    assert (answer.status_urn, answer.codes) == (FAILURE, ["XDSDuplicateUniqueIdInRegistry"])
    assert unique_id in answer.errors[0][1]


def test_an_on_demand_entry_may_replace_a_stable_one(platform):
    """ITI TF-2: 3.61.4.1.2."""
    patient_id = stable(platform, fresh_oid())
    (original,) = entries(platform, patient_id)
    replaces = association("Document1", str(original.get("id")), RPLC, id="Replaces1")
    answer = announce(platform, patient_id, on_demand_entry(patient_id, fresh_oid()), replaces)
    assert answer.status_urn == SUCCESS
    assert entries(platform, patient_id) == []
    (deprecated,) = entries(platform, patient_id, status=DEPRECATED)
    assert deprecated.get("id") == original.get("id")


def test_the_patient_must_be_known(platform):
    """ITI TF-2: 3.61.4.1.3: all rules of a registration hold."""
    nobody = requests.fresh_patient_id()
    answer = announce(platform, nobody, on_demand_entry(nobody, fresh_oid()))
    assert (answer.status_urn, answer.errors) == (FAILURE, [("XDSUnknownPatientId", nobody)])
