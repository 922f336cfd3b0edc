"""The published WSDLs, read by a foreign SOAP stack from a local port."""

import pytest
import zeep
from lxml import etree

import schemas
import wsdl
from tests.messages.published import published_files

WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
SOAP12 = "{http://schemas.xmlsoap.org/wsdl/soap12/}"
ACTION = "{http://www.w3.org/2007/05/addressing/metadata}Action"

EXPECTED = {
    "registry": {
        "service": "DocumentRegistry_Service",
        "port type": "DocumentRegistry_PortType",
        "operations": {
            "DocumentRegistry_RegistryStoredQuery": (
                "urn:ihe:iti:2007:RegistryStoredQuery",
                "urn:ihe:iti:2007:RegistryStoredQueryResponse",
                "query:AdhocQueryRequest",
                "query:AdhocQueryResponse",
            ),
            "DocumentRegistry_MultiPatientStoredQuery": (
                "urn:ihe:iti:2009:MultiPatientStoredQuery",
                "urn:ihe:iti:2009:MultiPatientStoredQueryResponse",
                "query:AdhocQueryRequest",
                "query:AdhocQueryResponse",
            ),
            "DocumentRegistry_RegisterDocumentSet-b": (
                "urn:ihe:iti:2007:RegisterDocumentSet-b",
                "urn:ihe:iti:2007:RegisterDocumentSet-bResponse",
                "lcm:SubmitObjectsRequest",
                "rs:RegistryResponse",
            ),
            "DocumentRegistry_RegisterOnDemandDocumentEntry": (
                "urn:ihe:iti:2010:RegisterOnDemandDocumentEntry",
                "urn:ihe:iti:2010:RegisterOnDemandDocumentResponse",
                "lcm:SubmitObjectsRequest",
                "rs:RegistryResponse",
            ),
            "DocumentRegistry_UpdateDocumentSet": (
                "urn:ihe:iti:2010:UpdateDocumentSet",
                "urn:ihe:iti:2010:UpdateDocumentSetResponse",
                "lcm:SubmitObjectsRequest",
                "rs:RegistryResponse",
            ),
            "UpdateResponder_RestrictedUpdateDocumentSet": (
                "urn:ihe:iti:2018:RestrictedUpdateDocumentSet",
                "urn:ihe:iti:2018:RestrictedUpdateDocumentSetResponse",
                "lcm:SubmitObjectsRequest",
                "rs:RegistryResponse",
            ),
            "DocumentRegistry_DeleteDocumentSet": (
                "urn:ihe:iti:2010:DeleteDocumentSet",
                "urn:ihe:iti:2010:DeleteDocumentSetResponse",
                "lcm:RemoveObjectsRequest",
                "rs:RegistryResponse",
            ),
            "DocumentRegistry_PRPA_IN201301UV02": (
                "urn:hl7-org:v3:PRPA_IN201301UV02",
                "urn:hl7-org:v3:MCCI_IN000002UV01",
                "hl7:PRPA_IN201301UV02",
                "hl7:MCCI_IN000002UV01",
            ),
            "DocumentRegistry_PRPA_IN201302UV02": (
                "urn:hl7-org:v3:PRPA_IN201302UV02",
                "urn:hl7-org:v3:MCCI_IN000002UV01",
                "hl7:PRPA_IN201302UV02",
                "hl7:MCCI_IN000002UV01",
            ),
            "DocumentRegistry_PRPA_IN201304UV02": (
                "urn:hl7-org:v3:PRPA_IN201304UV02",
                "urn:hl7-org:v3:MCCI_IN000002UV01",
                "hl7:PRPA_IN201304UV02",
                "hl7:MCCI_IN000002UV01",
            ),
        },
    },
    "repository": {
        "service": "DocumentRepository_Service",
        "port type": "DocumentRepository_PortType",
        "operations": {
            "DocumentRepository_ProvideAndRegisterDocumentSet-b": (
                "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b",
                "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-bResponse",
                "xds:ProvideAndRegisterDocumentSetRequest",
                "rs:RegistryResponse",
            ),
            "DocumentRepository_RetrieveDocumentSet": (
                "urn:ihe:iti:2007:RetrieveDocumentSet",
                "urn:ihe:iti:2007:RetrieveDocumentSetResponse",
                "xds:RetrieveDocumentSetRequest",
                "xds:RetrieveDocumentSetResponse",
            ),
            "DocumentRepository_RemoveDocuments": (
                "urn:ihe:iti:2017:RemoveDocuments",
                "urn:ihe:iti:2017:RemoveDocumentsResponse",
                "rmd:RemoveDocumentsRequest",
                "rs:RegistryResponse",
            ),
        },
    },
}


@pytest.mark.parametrize("actor", EXPECTED)
def test_operations_actions_and_bodies_are_those_of_the_framework(actor):
    """ITI TF-2: 3.18.6.1, 3.41.5.1, 3.42.5.1, 3.43.5.1."""
    root = etree.fromstring(wsdl.document(actor, "https://xds.example.org/" + actor))
    bodies = {message.get("name"): message[0].get("element") for message in root.iter(WSDL + "message")}
    (port_type,) = root.iter(WSDL + "portType")
    operations = {}
    for operation in port_type.iter(WSDL + "operation"):
        sent, answered = next(operation.iter(WSDL + "input")), next(operation.iter(WSDL + "output"))
        operations[operation.get("name")] = (
            sent.get(ACTION),
            answered.get(ACTION),
            bodies[sent.attrib["message"].removeprefix("xds:")],
            bodies[answered.attrib["message"].removeprefix("xds:")],
        )
    assert port_type.get("name") == EXPECTED[actor]["port type"]
    assert operations == EXPECTED[actor]["operations"]
    assert root.get("targetNamespace") == "urn:ihe:iti:xds-b:2007"
    (service,) = root.iter(WSDL + "service")
    assert service.get("name") == EXPECTED[actor]["service"]


@pytest.mark.parametrize("actor", EXPECTED)
def test_the_binding_is_soap_1_2_document_literal_without_soap_action(actor):
    """ITI TF-2: Appendix V.3.2."""
    root = etree.fromstring(wsdl.document(actor, "https://xds.example.org/"))
    (binding,) = root.iter(SOAP12 + "binding")
    assert (binding.get("style"), binding.get("transport")) == (
        "document",
        "http://schemas.xmlsoap.org/soap/http",
    )
    assert {operation.get("soapActionRequired") for operation in root.iter(SOAP12 + "operation")} == {"false"}
    assert {body.get("use") for body in root.iter(SOAP12 + "body")} == {"literal"}
    bound = {
        operation.get("name") for operation in next(root.iter(WSDL + "binding")).iter(WSDL + "operation")
    }
    assert bound == set(EXPECTED[actor]["operations"])


def test_the_address_is_written_as_given():
    root = etree.fromstring(wsdl.document("registry", 'https://xds.example.org/registry?a=1&b="2"'))
    assert next(root.iter(SOAP12 + "address")).get("location") == 'https://xds.example.org/registry?a=1&b="2"'


@pytest.mark.parametrize("actor", EXPECTED)
def test_every_schema_it_names_is_published(actor):
    root = etree.fromstring(wsdl.document(actor, "https://xds.example.org/"))
    places = [one.attrib["schemaLocation"] for one in root.iter("{http://www.w3.org/2001/XMLSchema}import")]
    assert places
    for place in places:
        content = schemas.file(place.removeprefix("schemas/"))
        for inner in etree.fromstring(content or b"").iter("{http://www.w3.org/2001/XMLSchema}import"):
            assert schemas.file(inner.attrib["schemaLocation"]) is not None


SIGNATURES = {
    "registry": {
        "DocumentRegistry_RegistryStoredQuery": ["ResponseOption", "AdhocQuery", "maxResults"],
        "DocumentRegistry_MultiPatientStoredQuery": ["ResponseOption", "AdhocQuery", "maxResults"],
        "DocumentRegistry_RegisterDocumentSet-b": ["RegistryObjectList", "comment"],
        "DocumentRegistry_RegisterOnDemandDocumentEntry": ["RegistryObjectList", "comment"],
        "DocumentRegistry_UpdateDocumentSet": ["RegistryObjectList", "comment"],
        "UpdateResponder_RestrictedUpdateDocumentSet": ["RegistryObjectList", "comment"],
        "DocumentRegistry_DeleteDocumentSet": ["ObjectRefList", "deletionScope"],
        "DocumentRegistry_PRPA_IN201301UV02": ["id", "receiver", "sender", "controlActProcess"],
        "DocumentRegistry_PRPA_IN201302UV02": ["id", "receiver", "sender", "controlActProcess"],
        "DocumentRegistry_PRPA_IN201304UV02": ["id", "receiver", "sender", "controlActProcess"],
    },
    "repository": {
        "DocumentRepository_ProvideAndRegisterDocumentSet-b": ["SubmitObjectsRequest", "Document"],
        "DocumentRepository_RetrieveDocumentSet": ["DocumentRequest"],
        "DocumentRepository_RemoveDocuments": ["DocumentRequest"],
    },
}


def test_zeep_reads_both_wsdls_from_the_network():
    """ITI TF-2: Appendix V: a peer's tools build their client from these files."""
    with published_files() as base:
        for actor, operations in SIGNATURES.items():
            client = zeep.Client(f"{base}/{actor}?wsdl")
            (service,) = client.wsdl.services.values()
            (port,) = service.ports.values()
            assert port.binding_options["address"] == f"{base}/{actor}"
            assert set(port.binding.all()) == set(operations)
            for name, parameters in operations.items():
                signature = port.binding.get(name).input.signature()
                for parameter in parameters:
                    assert f"{parameter}: " in signature


def test_zeep_builds_a_stored_query_that_our_schema_accepts():
    """ITI TF-2: 3.18.4.1.2."""
    with published_files() as base:
        client = zeep.Client(f"{base}/registry?wsdl")
    envelope = client.create_message(
        client.service,
        "DocumentRegistry_RegistryStoredQuery",
        ResponseOption={"returnType": "LeafClass", "returnComposedObjects": True},
        AdhocQuery={
            "id": "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d",
            "Slot": [{"name": "$XDSDocumentEntryPatientId", "ValueList": {"Value": ["'P1^^^&2.999.3&ISO'"]}}],
        },
    )
    (body,) = schemas.parse(etree.tostring(envelope)).iter("{http://www.w3.org/2003/05/soap-envelope}Body")
    assert etree.QName(body[0]).localname == "AdhocQueryRequest"
    assert schemas.errors_in(body[0]) == ()
