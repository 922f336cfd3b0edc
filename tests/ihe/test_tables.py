"""The tables say each fact once, and fit their users (ITI TF-2 and TF-3)."""

import dataclasses
import re

import pytest

from ebxml import model
from ihe import attributes, xua
from ihe.associations import ASSOCIATION_TYPES
from ihe.attributes import Classification, Datatype, ExternalIdentifier, Slot
from ihe.error_codes import ERROR_CODES, Severity
from ihe.object_types import LIMITED_METADATA_NODES
from ihe.stored_queries import STORED_QUERIES, Match
from ihe.transactions import BY_ACTION, TRANSACTIONS

TABLES = {
    "DocumentEntry": attributes.DOCUMENT_ENTRY,
    "SubmissionSet": attributes.SUBMISSION_SET,
    "Folder": attributes.FOLDER,
    "Association": attributes.ASSOCIATION,
}
UUID_URN = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.mark.parametrize("name", TABLES)
def test_every_attribute_has_its_field_in_the_model_and_no_field_lacks_a_row(name):
    """ITI TF-3: 4.2.3.2 to 4.2.3.4."""
    fields = {field.name for field in dataclasses.fields(getattr(model, name))}
    assert {row.field for row in TABLES[name]} == fields - {"extra", "limited_metadata"}


@pytest.mark.parametrize("name", TABLES)
def test_no_two_attributes_share_a_carrier(name):
    """ITI TF-3: 4.2.3.2 to 4.2.3.4."""
    carriers = [row.carrier for row in TABLES[name]]
    assert len(set(carriers)) == len(carriers)


def test_schemes_and_query_ids_are_well_formed_uuids():
    """ITI TF-3: 4.2.5.1, ITI TF-2: 3.18.4.1.2.4."""
    schemes = [
        row.carrier.scheme
        for table in TABLES.values()
        for row in table
        if isinstance(row.carrier, Classification | ExternalIdentifier)
    ]
    for urn in [*schemes, *STORED_QUERIES, *LIMITED_METADATA_NODES.values()]:
        assert UUID_URN.fullmatch(urn), urn
    assert len(set(schemes)) == len(schemes)


def test_a_registry_requires_what_the_framework_requires_of_a_document_repository():
    """ITI TF-3: Table 4.3.1.1-3, column Document Repository."""
    required = {row.name for row in attributes.DOCUMENT_ENTRY if row.iti_42 is attributes.R}
    assert required == {
        "classCode", "confidentialityCode", "creationTime", "entryUUID", "formatCode", "hash",
        "healthcareFacilityTypeCode", "languageCode", "mimeType", "objectType", "patientId",
        "practiceSettingCode", "repositoryUniqueId", "size", "sourcePatientId", "typeCode", "uniqueId",
    }  # fmt: skip


def test_a_source_need_not_know_what_the_repository_adds():
    """ITI TF-3: Table 4.3.1.1-3, column Document Source."""
    rows = {row.name: row.iti_41 for row in attributes.DOCUMENT_ENTRY}
    assert {name for name in ("hash", "size", "repositoryUniqueId") if rows[name] is attributes.O} == {
        "hash", "size", "repositoryUniqueId",
    }  # fmt: skip


def test_query_parameters_compare_attributes_that_exist():
    """ITI TF-2: 3.18.4.1.2.3.7."""
    names = {
        name: {row.name for row in table} | {"authorPerson", "authorInstitution"}
        for name, table in TABLES.items()
    }
    for query in STORED_QUERIES.values():
        for parameter in query.parameters:
            assert parameter.attribute in names[parameter.of], (query.name, parameter.slot)


def test_only_attributes_of_several_values_may_be_conjoined():
    """ITI TF-2: 3.18.4.1.2.3.5: AND across Slots of one name makes sense for these only."""
    conjoined = {
        parameter.attribute
        for query in STORED_QUERIES.values()
        for parameter in query.parameters
        if parameter.conjoined
    }
    assert conjoined == {"eventCodeList", "confidentialityCode", "codeList", "referenceIdList"}


def test_code_parameters_compare_coded_attributes():
    """ITI TF-2: 3.18.4.1.2.3.4."""
    datatypes = {(name, row.name): row.datatype for name, table in TABLES.items() for row in table}
    for query in STORED_QUERIES.values():
        for parameter in query.parameters:
            if parameter.match is Match.ANY_CODE_OF:
                assert datatypes[parameter.of, parameter.attribute] is Datatype.CODE
            if parameter.match in (Match.FROM, Match.BEFORE):
                assert datatypes[parameter.of, parameter.attribute] is Datatype.DTM


def test_actions_are_unique_and_in_the_transactions_namespace():
    """ITI TF-2: Appendix V, Table of actions."""
    assert len(BY_ACTION) == len(TRANSACTIONS)
    for transaction in TRANSACTIONS:
        assert transaction.action.startswith(("urn:ihe:iti:20", "urn:hl7-org:v3:"))


def test_only_repository_transactions_with_documents_travel_as_mtom():
    """ITI TF-2: V.3.6."""
    assert [transaction.number for transaction in TRANSACTIONS if transaction.mtom] == ["ITI-41", "ITI-43"]


def test_a_replacement_deprecates_and_a_derivative_is_deprecated_with_its_original():
    """ITI TF-3: 4.2.2.2.3."""
    assert {row.name for row in ASSOCIATION_TYPES.values() if row.deprecates_target} == {"RPLC", "XFRM_RPLC"}
    assert {row.name for row in ASSOCIATION_TYPES.values() if row.derives_from_target} == {"XFRM", "APND"}


def test_warnings_are_the_codes_that_leave_the_status_success():
    """ITI TF-3: Table 4.2.4.1-2."""
    assert [row.name for row in ERROR_CODES.values() if row.severity is Severity.WARNING] == [
        "XDSExtraMetadataNotSaved"
    ]


def test_the_framework_own_slots_begin_with_its_prefix_or_are_plain_words():
    """ITI TF-3: 4.2.3.1.6."""
    names = [row.carrier.name for table in TABLES.values() for row in table if isinstance(row.carrier, Slot)]
    assert all(name.startswith(attributes.RESERVED_SLOT_PREFIX) or name.isalpha() for name in names)


def test_no_signature_is_made_with_sha_1_or_a_shared_secret():
    """RFC 9231; ITI TF-2: 3.40.4.1.2."""
    names = xua.SIGNATURE_METHODS | xua.DIGEST_METHODS
    assert not [name for name in names if "sha1" in name or "hmac" in name or "dsa-sha1" in name]


def test_every_refusal_of_an_assertion_has_its_own_words_and_a_code_of_ws_security():
    """WSS SOAP Message Security 1.1: 12."""
    assert len({refusal.rule for refusal in xua.REFUSALS}) == len(xua.REFUSALS) == 26
    assert {refusal.subcode[1] for refusal in xua.REFUSALS} == {
        "SecurityTokenUnavailable", "InvalidSecurity", "InvalidSecurityToken", "UnsupportedSecurityToken",
        "UnsupportedAlgorithm", "FailedCheck", "FailedAuthentication", "MessageExpired",
    }  # fmt: skip
