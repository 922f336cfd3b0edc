import schemas
from ebxml.model import Association, Author, Code, DocumentEntry, Folder, LocalizedString, Slot, SubmissionSet
from ebxml.read import read_submission
from hl7v2.datatypes import CX, DTM, XCN
from tests.messages.submission_xml import changed

DOCUMENT = "urn:uuid:aaaaaaaa-0000-4000-8000-000000000001"


def test_the_message_under_test_is_valid():
    """ITI TF-2: 3.42.4.1.2."""
    assert schemas.errors_in(changed()) == ()
    assert read_submission(changed()).faults == ()


def test_an_extrinsic_object_is_read_into_a_document_entry():
    """ITI TF-3: 4.2.3.2."""
    assert read_submission(changed()).document_entries == (
        DocumentEntry(
            entry_uuid=DOCUMENT,
            object_type="urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1",
            mime_type="text/xml",
            home_community_id="urn:oid:2.999.9",
            creation_time=DTM("20240102030405"),
            language_code="fr-LU",
            source_patient_id=CX("MRN7^^^&2.999.7&ISO"),
            source_patient_info=("PID-5|Doe^Jane", "PID-8|F"),
            extra=(Slot("urn:example:room", ("12", "14")),),
            title=(LocalizedString('Rapport "A\nB"', "fr", "UTF-8"), LocalizedString("Bericht")),
            comments=(LocalizedString("comment"),),
            version="1",
            class_code=Code("REPORT", "2.999.1", (LocalizedString("Report"),)),
            event_code_list=(
                Code("E1", "2.999.1", (LocalizedString("Event 1"),)),
                Code("E2", "2.999.1", (LocalizedString("Event 2"),)),
            ),
            author=(
                Author(
                    person=XCN("^Author^Ann^^^Dr."),
                    institution=("Hospital^^^^^^^^^2.999.61", "Clinic"),
                    extra=(Slot("authorSpeciality", ("Surgery",)),),
                ),
            ),
            patient_id=CX("P1^^^&2.999.3&ISO"),
            unique_id="2.999.5.1",
        ),
    )


def test_a_registry_package_is_what_its_label_says_inside_it_or_beside_it():
    """ITI TF-3: 4.2.1."""
    submission = read_submission(changed())
    assert submission.submission_sets == (
        SubmissionSet(
            entry_uuid="ss1",
            submission_time=DTM("20240102"),
            content_type_code=Code("episode", "2.999.1", (LocalizedString("Episode"),)),
            patient_id=CX("P1^^^&2.999.3&ISO"),
            source_id="2.999.6",
            unique_id="2.999.4.1",
        ),
    )
    assert submission.folders == (
        Folder(
            entry_uuid="fol1",
            title=(LocalizedString("Pregnancy"),),
            code_list=(Code("pregnancy", "2.999.1", (LocalizedString("Pregnancy"),)),),
            patient_id=CX("P1^^^&2.999.3&ISO"),
            unique_id="2.999.8.1",
        ),
    )


def test_an_association_keeps_its_type_ends_and_slots():
    """ITI TF-3: 4.2.2."""
    assert read_submission(changed()).associations == (
        Association(
            entry_uuid="as1",
            association_type="urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember",
            source_object="ss1",
            target_object=DOCUMENT,
            submission_set_status="Original",
        ),
    )


def test_datatypes_keep_the_wire_text_and_know_their_parts():
    """ITI TF-3: 4.2.3.1.7."""
    entry = read_submission(changed()).document_entries[0]
    assert entry.patient_id is not None
    assert entry.patient_id.assigning_authority == "2.999.3"
    assert entry.creation_time is not None
    assert entry.creation_time.lower_bound == 20240102030405
    assert entry.author[0].person is not None
    assert entry.author[0].person.family == "Author"


def test_a_slot_without_values_is_an_absent_attribute():
    """ITI TF-3: 4.2.3.1."""
    assert read_submission(changed()).document_entries[0].service_start_time is None


def test_an_absent_mime_type_is_not_the_default_of_the_schema():
    """ITI TF-3: 4.2.3.2.15."""
    element = changed((' mimeType="text/xml"', ""))
    assert read_submission(element).document_entries[0].mime_type is None


def test_composed_elements_may_lack_their_id():
    """ITI TF-3: 4.2.3.1.5: real senders leave them out, a tolerant domain lets them."""
    element = changed((' id="c1"', ""), (' id="c6"', ""), (' id="c8"', ""), (' id="i1"', ""))
    assert read_submission(element).faults == ()


def test_an_association_without_id_gets_a_symbolic_one_that_nothing_else_has():
    """ITI TF-3: 4.2.3.1.5."""
    association = (
        '<rim:Association sourceObject="ss1" targetObject="fol1" '
        'associationType="urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"/>'
    )
    element = changed(
        ('id="as1"', 'id="unnamed-1"'),
        ("</rim:RegistryObjectList>", association * 2 + "</rim:RegistryObjectList>"),
    )
    submission = read_submission(element)
    assert [one.entry_uuid for one in submission.associations] == ["unnamed-1", "unnamed-2", "unnamed-3"]
    assert submission.faults == ()


def test_limited_metadata_is_read_from_its_label():
    """ITI TF-3: 4.2.3.2.33."""
    node = "urn:uuid:ab9b591b-83ab-4d03-8f5d-f93b1fb92e85"
    label = f'<rim:Classification id="x" classifiedObject="{DOCUMENT}" classificationNode="{node}"/>'
    report = '<rim:Classification id="c1"'
    inside = read_submission(changed((report, label + report)))
    assert inside.document_entries[0].limited_metadata
    assert inside.faults == ()
    beside = read_submission(changed(("</rim:RegistryObjectList>", label + "</rim:RegistryObjectList>")))
    assert beside.document_entries[0].limited_metadata
