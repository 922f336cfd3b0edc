"""Consent documents take effect in the registry's own transaction, or neither happens (ITI TF-3: 5.1.2)."""

import pytest

from ebxml.model import Association, DocumentEntry
from ebxml.refused import Refused
from exchange.consent_documents import Signatory
from hl7v2.datatypes import CX, DTM
from ihe import stored_queries as q
from ihe.error_codes import REGISTRY_METADATA_ERROR
from registry.iti42_register_document_set import register_document_set
from registry.merge import merge_patients
from registry.patients import add_patient
from tests.messages.registry_objects import (
    APPROVED,
    DEPRECATED,
    OTHER_PATIENT,
    PATIENT,
    RPLC,
    association,
    code,
    document_entry,
    submission,
)

pytestmark = pytest.mark.anyio

A = "urn:uuid:aaaaaaaa-0000-4000-8000-00000000000a"
B = "urn:uuid:bbbbbbbb-0000-4000-8000-00000000000b"
POLICY, OTHER = ("2.999.40.1", "2.999.40"), ("2.999.40.2", "2.999.40")


class Broker:
    """Writes down what it is told, and refuses at the end what it is made to."""

    takes = True

    def __init__(self) -> None:
        self.told: list[tuple[list[str], list[str], str]] = []
        self.wrong = ""
        self.subsumed: set[str] = set()

    def problems_in(self, document, signed):
        if not document.policies:
            yield "eventCodeList", "names no policy"

    async def follow(self, ended, begun, signatory, transaction) -> None:
        self.told.append(([one.unique_id for one in ended], [one.unique_id for one in begun], signatory.by))
        self.subsumed = {each for one in ended for each in one.subsumed}
        if self.wrong:
            raise Refused(REGISTRY_METADATA_ERROR.error(self.wrong))


def consent(unique_id: str, *policies, entry_uuid: str = "", **said) -> DocumentEntry:
    return document_entry(
        entry_uuid,
        unique_id=unique_id,
        format_code=code("urn:ihe:iti:bppc:2007", "1.3.6.1.4.1.19376.1.2.3"),
        service_start_time=DTM("2020"),
        **{"event_code_list": tuple(code(*policy) for policy in policies or (POLICY,)), **said},
    )


async def register(registry, broker, *entries, associations: tuple[Association, ...] = ()):
    return await register_document_set(
        submission(*entries, associations=associations),
        registry.store,
        registry.clock,
        registry.new_uuid,
        signatory=Signatory("anne"),
        consents=broker,
    )


async def documents(registry, status=APPROVED):
    return await registry.found(
        q.FIND_DOCUMENTS, XDSDocumentEntryPatientId=PATIENT, XDSDocumentEntryStatus=[status]
    )


async def refusal(registering) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as refused:
        await registering
    return [(error.code, error.context) for error in refused.value.errors]


async def test_what_begins_and_ends_is_told_once_within_the_registration(registry):
    """A replacement ends one and begins another (ITI TF-3: 4.2.2.2.3)."""
    broker = Broker()
    await register(registry, broker, document_entry())
    assert broker.told == []
    await register(registry, broker, consent("2.999.1.1", entry_uuid=A))
    replacing = association(RPLC, B, A)
    await register(registry, broker, consent("2.999.1.2", entry_uuid=B), associations=(replacing,))
    assert broker.told == [([], ["2.999.1.1"], "anne"), (["2.999.1.1"], ["2.999.1.2"], "anne")]


async def test_a_document_of_another_kind_may_replace_a_consent_document(registry):
    """Then nothing is acknowledged any more."""
    broker = Broker()
    await register(registry, broker, consent("2.999.1.1", entry_uuid=A))
    await register(registry, broker, document_entry(B), associations=(association(RPLC, B, A),))
    assert broker.told[1:] == [(["2.999.1.1"], [], "anne")]


async def test_what_the_broker_refuses_is_not_registered(registry):
    """Nor is what it was to replace Deprecated: all or nothing (ITI TF-2: 3.42.4.1.3)."""
    broker = Broker()
    await register(registry, broker, consent("2.999.1.1", entry_uuid=A))
    broker.wrong = "the record is full"
    replacing = association(RPLC, B, A)
    refused = register(registry, broker, consent("2.999.1.2", entry_uuid=B), associations=(replacing,))
    assert await refusal(refused) == [("XDSRegistryMetadataError", "the record is full")]
    assert await documents(registry) == [A]
    assert await documents(registry, DEPRECATED) == []


async def test_what_keeps_a_document_from_counting_is_an_error_of_its_metadata(registry):
    """ITI TF-3: 5.1.2.1.1."""
    entry = document_entry(
        unique_id="2.999.1.1", format_code=code("urn:ihe:iti:bppc-sd:2007", "1.3.6.1.4.1.19376.1.2.3")
    )
    assert await refusal(register(registry, Broker(), entry)) == [
        ("XDSRegistryMetadataError", f"DocumentEntry {entry.entry_uuid}: eventCodeList names no policy")
    ]


async def test_a_second_entry_of_a_document_says_the_same(registry):
    """A uniqueId names one sequence of bytes, and that says one thing (ITI TF-3: 4.2.3.2.26)."""
    broker = Broker()
    await register(registry, broker, consent("2.999.1.1"))
    await register(registry, broker, consent("2.999.1.1"))
    assert broker.told[1] == ([], [], "anne")
    assert await refusal(register(registry, broker, consent("2.999.1.1", OTHER))) == [
        (
            "XDSRegistryMetadataError",
            "a consent document of that uniqueId says something else, expected another uniqueId",
        )
    ]


async def test_without_policies_they_are_documents_like_others(registry):
    """But what former ones gave is taken back, should the domain have had some."""
    broker = Broker()
    broker.takes = False
    await register(registry, broker, consent("2.999.1.1", entry_uuid=A, event_code_list=()))
    await register(registry, broker, document_entry(B), associations=(association(RPLC, B, A),))
    assert broker.told == [([], ["2.999.1.1"], "anne"), (["2.999.1.1"], [], "anne")]
    await register(registry, None, consent("2.999.1.2"))
    assert len(broker.told) == 2


async def test_a_document_that_came_with_a_merge_ends_in_whose_name_it_was_given(registry):
    """At any remove (ITI TF-2: 3.8.4.2.3)."""
    broker = Broker()
    third = CX("p3^^^&2.999.3&ISO")
    await add_patient(third, registry.store, registry.clock)
    await register(registry, broker, consent("2.999.1.1", entry_uuid=A))
    await merge_patients(PATIENT, OTHER_PATIENT, registry.store)
    await merge_patients(OTHER_PATIENT, third, registry.store)
    replacing = association(RPLC, B, A)
    sent = submission(
        consent("2.999.1.2", entry_uuid=B, patient_id=third), associations=(replacing,), patient_id=third
    )
    await register_document_set(
        sent, registry.store, registry.clock, registry.new_uuid, signatory=Signatory("anne"), consents=broker
    )
    assert broker.told[1:] == [(["2.999.1.1"], ["2.999.1.2"], "anne")]
    assert broker.subsumed == {str(PATIENT), str(OTHER_PATIENT)}
