"""What a clinical document says of itself (CDA R2: 4.2; PCC TF-2: 4.1.1)."""

import pytest

import schemas
from cda.header import Header, HeaderAuthor, HeaderCode, read_header
from hl7v2.datatypes import CX, DTM, XCN, XON, XTN

DOCUMENT = """<?xml version="1.0"?>
<ClinicalDocument xmlns="urn:hl7-org:v3">
  <typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
  <templateId root="1.3.6.1.4.1.19376.1.5.3.1.1.1"/>
  <templateId root="1.3.6.1.4.1.19376.1.3.3"/>
  <id root="2.999.10" extension="R-77"/>
  <code code="11502-2" codeSystem="2.16.840.1.113883.6.1" displayName="Laboratory report"/>
  <title>Blood
     count</title>
  <effectiveTime value="20240305103000.1234+0100"/>
  <confidentialityCode code="R" codeSystem="2.16.840.1.113883.5.25"/>
  <languageCode code="de-LU"/>
  <recordTarget><patientRole>
    <id nullFlavor="UNK"/><id root="2.999.1" extension="P&amp;1"/><id root="2.999.2" extension="77"/>
  </patientRole></recordTarget>
  <author><time value="20240305"/><assignedAuthor>
    <id root="2.999.20" extension="D5"/>
    <code code="221" codeSystem="2.999.21"/>
    <telecom value="tel:+352123"/><telecom value="mailto:anne@example.lu"/>
    <assignedPerson><name><prefix>Dr</prefix><given>Anne</given><given>Marie</given><family>Muller</family>
      <suffix>jr</suffix></name></assignedPerson>
    <representedOrganization><id root="2.999.30"/><name>Lab^1</name></representedOrganization>
  </assignedAuthor></author>
  <author><assignedAuthor><assignedAuthoringDevice/></assignedAuthor></author>
  <legalAuthenticator><assignedEntity><id root="2.999.20" extension="D6"/>
    <assignedPerson><name>Jean Weber</name></assignedPerson></assignedEntity></legalAuthenticator>
  <documentationOf><serviceEvent><effectiveTime>
    <low value="202403050001+0100"/><high value="20240305"/></effectiveTime></serviceEvent></documentationOf>
  <componentOf><encompassingEncounter><location><healthCareFacility>
    <code code="22232009" codeSystem="2.16.840.1.113883.6.96" displayName="Hospital"/>
  </healthCareFacility></location></encompassingEncounter></componentOf>
</ClinicalDocument>"""


SCANNED = "1.3.6.1.4.1.19376.1.2.20"
CONSENT = "1.3.6.1.4.1.19376.1.5.3.1.1.7"


def header(document: str = DOCUMENT) -> Header:
    found = read_header(schemas.parse(document.encode()))
    assert found is not None
    return found


def test_every_attribute_is_read_from_its_element():
    """PCC TF-2: 4.1.1."""
    assert header() == Header(
        unique_id="2.999.10^R-77",
        title="Blood count",
        type_code=HeaderCode("11502-2", "2.16.840.1.113883.6.1", "Laboratory report"),
        creation_time=DTM("20240305093000"),
        language_code="de-LU",
        confidentiality_code=(HeaderCode("R", "2.16.840.1.113883.5.25"),),
        author=(
            HeaderAuthor(
                person=XCN("D5^Muller^Anne^Marie^jr^Dr^^^&2.999.20&ISO"),
                institution=(XON("Lab\\S\\1^^^^^^^^^2.999.30"),),
                role=("221^^^&2.999.21&ISO",),
                telecommunication=(XTN("^^Internet^anne@example.lu"),),
            ),
        ),
        legal_authenticator=XCN("D6^Jean Weber^^^^^^^&2.999.20&ISO"),
        patient_ids=(CX("P\\T\\1^^^&2.999.1&ISO"), CX("77^^^&2.999.2&ISO")),
        healthcare_facility_type_code=HeaderCode("22232009", "2.16.840.1.113883.6.96", "Hospital"),
        service_start_time=DTM("202403042301"),
        service_stop_time=DTM("20240305"),
        format_codes=("urn:ihe:lab:xd-lab:2008",),
    )


def test_an_empty_header_leaves_everything_unsaid():
    """ITI TF-3: 4.2.3.2: nothing is made up."""
    assert header('<ClinicalDocument xmlns="urn:hl7-org:v3"/>') == Header()


@pytest.mark.parametrize(
    "root", ['<ClinicalDocument xmlns="urn:other"/>', '<Bundle xmlns="http://hl7.org/fhir"/>']
)
def test_other_xml_has_no_header(root):
    """CDA R2: 4.2: the root is ClinicalDocument of urn:hl7-org:v3."""
    assert read_header(schemas.parse(root.encode())) is None


@pytest.mark.parametrize(
    ("in_document", "in_metadata"),
    [
        ("20240229", "20240229"),
        ("202402291230", "202402291230"),
        ("20240301003000+0100", "20240229233000"),
        ("20240229233000-0100", "20240301003000"),
        ("2024022923+0200", "2024022921"),
        ("20240229+0100", "20240229"),
        ("20240230", None),
        ("yesterday", None),
        ("99991231235959-1400", None),
    ],
)
def test_times_are_turned_to_utc_and_never_more_precise_than_they_were(in_document, in_metadata):
    """ITI TF-3: Table 4.2.3.1.7-2, DTM."""
    text = (
        f'<ClinicalDocument xmlns="urn:hl7-org:v3"><effectiveTime value="{in_document}"/></ClinicalDocument>'
    )
    assert header(text).creation_time == in_metadata


@pytest.mark.parametrize(
    ("templates", "media_type", "format_codes"),
    [
        ([SCANNED], "application/pdf", ("urn:ihe:iti:xds-sd:pdf:2008",)),
        ([SCANNED], "text/plain", ("urn:ihe:iti:xds-sd:text:2008",)),
        ([CONSENT], "", ("urn:ihe:iti:bppc:2007",)),
        ([SCANNED, CONSENT], "application/pdf", ("urn:ihe:iti:bppc-sd:2007",)),
        (["2.999.1"], "", ()),
    ],
)  # fmt: skip
def test_the_template_says_the_format(templates, media_type, format_codes):
    """ITI TF-3: 5.1.2, 5.2.2."""
    ids = "".join(f'<templateId root="{one}"/>' for one in templates)
    body = (
        f'<component><nonXMLBody><text mediaType="{media_type}"/></nonXMLBody></component>'
        if media_type
        else ""
    )
    assert (
        header(f'<ClinicalDocument xmlns="urn:hl7-org:v3">{ids}{body}</ClinicalDocument>').format_codes
        == format_codes
    )
