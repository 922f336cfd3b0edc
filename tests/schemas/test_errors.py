"""What an error carries, how many are reported, and that callers do not disturb each other."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from lxml import etree

import schemas
from schemas import SchemaError, validator

RIM = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"
LCM = "urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"


def submission(objects: str) -> etree._Element:
    return schemas.parse(
        f'<SubmitObjectsRequest xmlns="{LCM}">\n<RegistryObjectList xmlns="{RIM}">{objects}'
        "</RegistryObjectList></SubmitObjectsRequest>".encode()
    )


MISSING_ID = ("SCHEMAV_CVC_COMPLEX_TYPE_4", "Classification", "id")
LONG_VALUE = ("SCHEMAV_CVC_MAXLENGTH_VALID", "Value", None)


def long_values(count: int) -> str:
    value = "<Value>" + "x" * 300 + "</Value>"
    return f'<ObjectRef id="o"><Slot name="n"><ValueList>{value * count}</ValueList></Slot></ObjectRef>'


def test_an_error_names_rule_place_and_reason():
    element = submission(
        '<ExtrinsicObject id="d"/>\n<ExtrinsicObject id="e">\n<Classification id="c" classifiedObject="e"/>'
        '\n<Classification classifiedObject="e"/></ExtrinsicObject>\n' + long_values(1)
    )
    assert schemas.errors_in(element) == (
        SchemaError(
            rule="SCHEMAV_CVC_COMPLEX_TYPE_4",
            element="Classification",
            attribute="id",
            line=5,
            path="/SubmitObjectsRequest/RegistryObjectList[1]/ExtrinsicObject[2]/Classification[2]",
            message="rim:Classification needs the attribute id",
        ),
        SchemaError(
            rule="SCHEMAV_CVC_MAXLENGTH_VALID",
            element="Value",
            attribute=None,
            line=6,
            path="/SubmitObjectsRequest/RegistryObjectList[1]/ObjectRef[1]/Slot[1]/ValueList[1]/Value[1]",
            message="rim:Value is 300 characters long, at most 256 are allowed",
        ),
    )


def test_text_in_the_wrong_place_is_laid_to_its_parent():
    element = submission(
        '<ObjectRef id="a"/><ObjectRef id="b">text<Slot name="n"><ValueList/></Slot></ObjectRef>'
    )
    (error,) = schemas.errors_in(element)
    assert (error.element, error.path) == (
        "ObjectRef",
        "/SubmitObjectsRequest/RegistryObjectList[1]/ObjectRef[2]",
    )


def test_a_body_is_judged_inside_its_envelope():
    """SOAP 1.2 part 1: 5.3: prefixes may be declared on the Envelope only, also those used in xsi:type."""
    envelope = schemas.parse(
        f'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:lcm="{LCM}" xmlns:rim="{RIM}" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><s:Header/><s:Body><lcm:SubmitObjectsRequest>'
        '<rim:RegistryObjectList><rim:Identifiable xsi:type="rim:ExtrinsicObjectType" id="d" mimeType="a/b"/>'
        "</rim:RegistryObjectList></lcm:SubmitObjectsRequest></s:Body></s:Envelope>".encode()
    )
    body = envelope[1][0]
    assert schemas.errors_in(body) == ()
    body[0][0].set("mimeType", "x" * 257)
    (error,) = schemas.errors_in(body)
    assert error.path == "/SubmitObjectsRequest/RegistryObjectList[1]/Identifiable[1]"
    assert error.message == "rim:Identifiable/@mimeType is 257 characters long, at most 256 are allowed"


def test_what_a_domain_tolerates_is_not_reported():
    element = submission('<Classification classifiedObject="a"/>' * 100 + "<ObjectRef/>" + long_values(100))
    (error,) = schemas.errors_in(element, tolerated={MISSING_ID, LONG_VALUE})
    assert (error.element, error.attribute) == ("ObjectRef", "id")


def test_a_message_with_tolerated_faults_only_is_accepted():
    assert schemas.errors_in(submission(long_values(2_000)), tolerated={LONG_VALUE}) == ()


def test_the_report_ends_after_fifty_errors_and_says_so():
    errors = schemas.errors_in(submission("<ObjectRef/>" * 200))
    assert len(errors) == 51
    assert errors[-1].rule == "TOO_MANY_ERRORS"
    assert errors[-2].path == "/SubmitObjectsRequest/RegistryObjectList[1]/ObjectRef[50]"


def test_tolerated_faults_are_not_read_past_without_end(monkeypatch):
    monkeypatch.setattr(validator, "MAX_ERRORS_READ", 100)
    assert schemas.errors_in(submission(long_values(99)), tolerated={LONG_VALUE}) == ()
    (error,) = schemas.errors_in(submission(long_values(100)), tolerated={LONG_VALUE})
    assert error.rule == "TOO_MANY_ERRORS"


LARGE = 30_000


@pytest.mark.parametrize("position", [0, 1, LARGE // 2, LARGE - 1])
def test_one_error_in_a_large_message_is_found_at_its_place(position):
    objects = ['<ObjectRef id="o"/>'] * LARGE
    objects[position] = "\n<ObjectRef/>"
    (error,) = schemas.errors_in(submission("".join(objects)))
    assert (error.line, error.path) == (
        3,
        f"/SubmitObjectsRequest/RegistryObjectList[1]/ObjectRef[{position + 1}]",
    )


def test_a_large_message_without_errors_is_accepted():
    assert schemas.errors_in(submission('<ObjectRef id="o"/>' * LARGE)) == ()
    document = "QUFB" * 4_000_000
    request = schemas.parse(
        '<p:ProvideAndRegisterDocumentSetRequest xmlns:p="urn:ihe:iti:xds-b:2007">'
        f'<SubmitObjectsRequest xmlns="{LCM}"><RegistryObjectList xmlns="{RIM}"/></SubmitObjectsRequest>'
        f'<p:Document id="d">{document}</p:Document>'
        "</p:ProvideAndRegisterDocumentSetRequest>".encode()
    )
    assert schemas.errors_in(request) == ()


def test_a_large_message_full_of_errors_is_left_early():
    """libxml2 alone would count 400,000 siblings for each of 400,000 errors."""
    assert len(schemas.errors_in(submission("<ObjectRef/>" * 400_000))) == 51


def test_validating_changes_nothing():
    element = submission(
        '<ExtrinsicObject id="d"><Name><LocalizedString value="x"/></Name></ExtrinsicObject>'
    )
    before = etree.tostring(element)
    schemas.errors_in(element)
    assert etree.tostring(element) == before


def test_a_hint_to_another_schema_is_not_followed(tmp_path):
    """XML Schema part 1: 4.3.2 leaves schemaLocation in a message to the receiver."""
    other = tmp_path / "other.xsd"
    other.write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:other">'
        '<xs:element name="x"/></xs:schema>'
    )
    element = schemas.parse(
        '<o:x xmlns:o="urn:other" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="urn:other {other.as_uri()}"/>'.encode()
    )
    assert [error.rule for error in schemas.errors_in(element)] == ["SCHEMAV_CVC_ELT_1"]


def test_threads_see_their_own_errors_only():
    def judge(number: int) -> tuple[int, tuple[SchemaError, ...]]:
        wrong = number % 7
        element = submission("<ObjectRef/>" * wrong + '<ObjectRef id="o"/>' * (number % 50))
        return wrong, schemas.errors_in(element)

    with ThreadPoolExecutor(8) as threads:
        for wrong, errors in threads.map(judge, range(800)):
            assert [error.path for error in errors] == [
                f"/SubmitObjectsRequest/RegistryObjectList[1]/ObjectRef[{n + 1}]" for n in range(wrong)
            ]
