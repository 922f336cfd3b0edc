import pytest
from lxml import etree

import schemas
from ebxml.model import DocumentRequest, RegistryResponse, RetrieveRequest, Slot, StoredQueryRequest
from ebxml.read import (
    AnswerNotUnderstood,
    ProvidedDocument,
    QueryResponse,
    RetrievedDocument,
    read_query_response,
    read_registry_response,
    read_retrieve_request,
    read_retrieve_response,
    read_stored_query,
    read_submission,
    take_documents,
)
from ebxml.refused import Refused
from ihe.error_codes import RegistryError, ResponseStatus, Severity
from tests.messages.submission_xml import SUBMISSION_XML

SUCCESS = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"
FAILURE = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Failure"
NAMESPACES = (
    'xmlns:xds="urn:ihe:iti:xds-b:2007" xmlns:query="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" '
    'xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0" '
    'xmlns:rs="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" xmlns:xop="http://www.w3.org/2004/08/xop/include"'
)


def element(xml: str) -> etree._Element:
    """Parse, with every prefix declared on the root."""
    return schemas.parse(xml.replace(">", f" {NAMESPACES}>", 1).encode())


def provided(*documents: str) -> etree._Element:
    request = "xds:ProvideAndRegisterDocumentSetRequest"
    return element(f"<{request}>{SUBMISSION_XML}{''.join(documents)}</{request}>")


def test_documents_are_taken_by_reference_or_inline():
    """ITI TF-2: 3.41.4.1.2, V.8: both may come in one message."""
    request = provided(
        '<xds:Document id="a"><xop:Include href="cid:a%40b"/></xds:Document>',
        '<xds:Document id="b">\n <xop:Include href="cid:b"/>\n</xds:Document>',
        '<xds:Document id="c">aGVs\n bG8=\n</xds:Document>',
        '<xds:Document id="d"/>',
    )
    assert take_documents(request) == (
        ProvidedDocument("a", "cid:a%40b", None),
        ProvidedDocument("b", "cid:b", None),
        ProvidedDocument("c", None, b"hello"),
        ProvidedDocument("d", None, b""),
    )
    assert schemas.errors_in(request) == ()
    assert "aGVs" not in etree.tostring(request, encoding="unicode")
    assert read_submission(request[0]).faults == ()


def test_every_document_that_is_no_document_is_refused():
    """ITI TF-2: 3.41.4.1.3: bytes that cannot be had are not guessed at."""
    request = provided(
        '<xds:Document id="a">aGVs!bG8=</xds:Document>',
        '<xds:Document id="b">aGVsb</xds:Document>',
        '<xds:Document id="c">é</xds:Document>',
        '<xds:Document id="d">aGVs<xop:Include href="cid:d"/></xds:Document>',
        '<xds:Document id="e"><xop:Include href="cid:e"/>aGVs</xds:Document>',
        '<xds:Document id="f">aGVs</xds:Document>',
    )
    with pytest.raises(Refused) as refused:
        take_documents(request)
    assert [(error.code, error.context) for error in refused.value.errors] == [
        ("XDSRepositoryMetadataError", "xds:Document a has content that is not base64"),
        ("XDSRepositoryMetadataError", "xds:Document b has content that is not base64"),
        ("XDSRepositoryMetadataError", "xds:Document c has content that is not base64"),
        ("XDSRepositoryMetadataError", "xds:Document d has text beside its xop:Include"),
        ("XDSRepositoryMetadataError", "xds:Document e has text beside its xop:Include"),
    ]


def test_a_stored_query_keeps_repeated_slots_and_values_apart():
    """ITI TF-2: 3.18.4.1.2.3.5."""
    query = element(
        '<query:AdhocQueryRequest><query:ResponseOption returnType="ObjectRef"/>'
        '<rim:AdhocQuery id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d" home="urn:oid:2.999.9">'
        "<rim:Slot name=\"$a\"><rim:ValueList><rim:Value>('1')</rim:Value><rim:Value>('2')</rim:Value>"
        "</rim:ValueList></rim:Slot><rim:Slot name=\"$a\"><rim:ValueList><rim:Value>('3')</rim:Value>"
        "</rim:ValueList></rim:Slot></rim:AdhocQuery></query:AdhocQueryRequest>"
    )
    assert read_stored_query(query) == StoredQueryRequest(
        query_id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d",
        return_type="ObjectRef",
        slots=(Slot("$a", ("('1')", "('2')")), Slot("$a", ("('3')",))),
        home_community_id="urn:oid:2.999.9",
    )


def test_an_absent_return_type_is_what_the_schema_says():
    """ebRS 3.0: 6.1.2; the check refuses it, ITI-18 knows two types only."""
    query = element(
        '<query:AdhocQueryRequest><query:ResponseOption/><rim:AdhocQuery id="a"/></query:AdhocQueryRequest>'
    )
    assert read_stored_query(query).return_type == "RegistryObject"


def test_a_retrieve_request_names_documents_in_order():
    """ITI TF-2: 3.43.4.1.2."""
    request = element(
        "<xds:RetrieveDocumentSetRequest>"
        "<xds:DocumentRequest><xds:RepositoryUniqueId>2.999.2.1</xds:RepositoryUniqueId>"
        "<xds:DocumentUniqueId>\n  2.999.5.1^x\n</xds:DocumentUniqueId></xds:DocumentRequest>"
        "<xds:DocumentRequest><xds:HomeCommunityId>urn:oid:2.999.9</xds:HomeCommunityId>"
        "<xds:RepositoryUniqueId>2.999.2.1</xds:RepositoryUniqueId>"
        "<xds:DocumentUniqueId>2.999.5.2</xds:DocumentUniqueId></xds:DocumentRequest>"
        "</xds:RetrieveDocumentSetRequest>"
    )
    assert read_retrieve_request(request) == RetrieveRequest(
        (
            DocumentRequest("2.999.2.1", "2.999.5.1^x"),
            DocumentRequest("2.999.2.1", "2.999.5.2", "urn:oid:2.999.9"),
        )
    )


ERROR = (
    '<rs:RegistryErrorList><rs:RegistryError errorCode="XDSRegistryBusy" codeContext="later" '
    'severity="urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:{}" location="here"/></rs:RegistryErrorList>'
)


def test_a_response_carries_its_status_and_errors():
    """ITI TF-3: 4.2.4."""
    failure = element(
        f'<rs:RegistryResponse status="{FAILURE}">{ERROR.format("Error")}</rs:RegistryResponse>'
    )
    assert read_registry_response(failure) == RegistryResponse(
        ResponseStatus.FAILURE, (RegistryError("XDSRegistryBusy", "later", Severity.ERROR, "here"),)
    )
    warned = element(
        f'<rs:RegistryResponse status="{SUCCESS}">{ERROR.format("Warning")}</rs:RegistryResponse>'
    )
    assert read_registry_response(warned).errors[0].severity is Severity.WARNING


def test_an_answer_that_is_none_is_not_taken_for_a_success():
    """ITI TF-3: 4.2.4.1."""
    with pytest.raises(AnswerNotUnderstood, match="the answer has no status"):
        read_registry_response(element('<rs:RegistryResponse status="Success"></rs:RegistryResponse>'))
    with pytest.raises(
        AnswerNotUnderstood, match="the answer is a RegistryResponse, expected AdhocQueryResponse"
    ):
        read_query_response(element(f'<rs:RegistryResponse status="{SUCCESS}"></rs:RegistryResponse>'))


def test_a_query_answer_is_objects_or_references():
    """ITI TF-2: 3.18.4.1.2.6."""
    answer = element(
        f'<query:AdhocQueryResponse status="{SUCCESS}"><rim:RegistryObjectList>'
        '<rim:ObjectRef id="urn:uuid:1"/><rim:ObjectRef id="urn:uuid:2" home="urn:oid:2.999.9"/>'
        "</rim:RegistryObjectList></query:AdhocQueryResponse>"
    )
    assert read_query_response(answer) == QueryResponse(
        ResponseStatus.SUCCESS, (), (), ("urn:uuid:1", "urn:uuid:2")
    )
    objects = SUBMISSION_XML[SUBMISSION_XML.index("<rim:RegistryObjectList") : SUBMISSION_XML.index("</lcm:")]
    answer = element(f'<query:AdhocQueryResponse status="{SUCCESS}">{objects}</query:AdhocQueryResponse>')
    kinds = [type(one).__name__ for one in read_query_response(answer).objects]
    assert kinds == ["DocumentEntry", "SubmissionSet", "Folder", "Association"]


def test_retrieved_documents_are_parts_or_inline():
    """ITI TF-2: 3.43.4.1.3."""
    ids = (
        "<xds:RepositoryUniqueId>2.999.2.1</xds:RepositoryUniqueId>"
        "<xds:DocumentUniqueId>{}</xds:DocumentUniqueId>"
    )
    answer = element(
        f'<xds:RetrieveDocumentSetResponse><rs:RegistryResponse status="{SUCCESS}"/>'
        f"<xds:DocumentResponse><xds:HomeCommunityId>urn:oid:2.999.9</xds:HomeCommunityId>{ids.format(1)}"
        '<xds:mimeType>text/plain</xds:mimeType><xds:Document><xop:Include href="cid:1"/></xds:Document>'
        f"</xds:DocumentResponse><xds:DocumentResponse>{ids.format(2)}<xds:mimeType>text/plain</xds:mimeType>"
        "<xds:Document>aGVsbG8=</xds:Document></xds:DocumentResponse></xds:RetrieveDocumentSetResponse>"
    )
    assert read_retrieve_response(answer).documents == (
        RetrievedDocument("2.999.2.1", "1", "text/plain", "urn:oid:2.999.9", "cid:1", None),
        RetrievedDocument("2.999.2.1", "2", "text/plain", None, None, b"hello"),
    )


def test_a_retrieved_document_that_is_not_base64_is_not_understood():
    """ITI TF-2: 3.43.4.1.3."""
    answer = element(
        f'<xds:RetrieveDocumentSetResponse><rs:RegistryResponse status="{SUCCESS}"/><xds:DocumentResponse>'
        "<xds:Document>a</xds:Document></xds:DocumentResponse></xds:RetrieveDocumentSetResponse>"
    )
    with pytest.raises(AnswerNotUnderstood, match="an xds:Document has content that is not base64"):
        read_retrieve_response(answer)
    with pytest.raises(AnswerNotUnderstood, match="the answer has no rs:RegistryResponse"):
        read_retrieve_response(element("<xds:RetrieveDocumentSetResponse></xds:RetrieveDocumentSetResponse>"))
