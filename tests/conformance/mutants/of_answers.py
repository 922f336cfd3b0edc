"""Mutants that know the answer and cannot write it: HTTP, SOAP, addressing, schema, statuses, objects."""

from lxml import etree

from tests.conformance.mutants.mutant import (
    ERROR,
    FAILURE,
    PARTIAL,
    SUCCESS,
    Mutant,
    header,
    http,
    put,
    remove,
    says,
    tree,
)

FIND = "query-finddocuments-approved-leafclass"
REFERENCES = "query-finddocuments-approved-objectref"
RETRIEVE = "retrieve-document"
REFUSED = "document-without-classcode"
ENTRY = "//rim:ExtrinsicObject"


def twice(node: etree._Element) -> None:
    node.addnext(etree.fromstring(etree.tostring(node)))


MUTANTS = (
    Mutant("answers with HTTP 202", FIND, answer=http(202)),
    Mutant("sends faults with HTTP 200", "envelope-unknown-action", answer=http(200)),
    Mutant("answers in SOAP 1.1", FIND, answer=says("http://www.w3.org/2003/05/soap-envelope", "http://schemas.xmlsoap.org/soap/envelope/")),
    Mutant("answers with the action of the request", FIND, answer=says("RegistryStoredQueryResponse</", "RegistryStoredQuery</")),
    Mutant("does not say which message it answers", FIND, answer=remove("//wsa:RelatesTo")),
    Mutant("answers another message", FIND, answer=says("(RelatesTo[^>]*>)[^<]*<", r"\1urn:uuid:00000000-0000-4000-8000-000000000000<")),
    Mutant("answers as text/xml", FIND, answer=header("content-type", "application/soap.xml", "text/xml")),
    Mutant("answers MTOM without saying so", RETRIEVE, answer=header("content-type", "application/xop.xml", "text/xml")),
    Mutant("answers MTOM without start-info", RETRIEVE, answer=header("content-type", '; *start-info="[^"]*"', "")),
    Mutant("names a boundary that is not there", RETRIEVE, answer=header("content-type", 'boundary="?[^";]*"?', "boundary=other")),
    Mutant("includes a part that is not there", RETRIEVE, answer=says('href="cid:[^"]*"', 'href="cid:nothing@here"')),
    Mutant("answers twice in one Body", FIND, answer=tree(twice, "//query:AdhocQueryResponse")),
    Mutant("answers with nothing in the Body", FIND, answer=remove("//query:AdhocQueryResponse")),
    Mutant("answers what another transaction does", "register-document", answer=says("rs:RegistryResponse|RegistryResponse", "AdhocQueryResponse"), when=b"SubmitObjectsRequest"),
    Mutant("is cut off", FIND, answer=says("</[A-Za-z0-9]*:?Envelope>.*$", "")),
    Mutant("leaves out the list of objects", "query-of-nothing-finddocuments", answer=remove("//rim:RegistryObjectList")),
    Mutant("writes an element that no schema knows", FIND, answer=tree(lambda node: etree.SubElement(node, "extra"), ENTRY)),
    Mutant("has a status of its own", FIND, answer=put("//query:AdhocQueryResponse", "status", "Success")),
    Mutant("has the status of another namespace", "retrieve-some-of-several", answer=says(PARTIAL, PARTIAL.replace("ihe:iti:2007", "oasis:names:tc:ebxml-regrep"))),
    Mutant("calls an error a success", REFUSED, answer=says(FAILURE, SUCCESS)),
    Mutant("fails without saying why", REFUSED, answer=remove("//rs:RegistryErrorList")),
    Mutant("says an error without a text", REFUSED, answer=put("//rs:RegistryError", "codeContext", "")),
    Mutant("calls every error a warning", REFUSED, answer=says(ERROR, ERROR.replace(":Error", ":Warning"))),
    Mutant("has a severity of its own", REFUSED, answer=put("//rs:RegistryError", "severity", "Error")),
    Mutant("has a highest severity below its errors", REFUSED, answer=put("//rs:RegistryErrorList", "highestSeverity", ERROR.replace(":Error", ":Warning"))),
    Mutant("registers a part of a submission", "register-atomically", answer=says(FAILURE, PARTIAL), when=b"SubmitObjectsRequest"),
    Mutant("returns objects without their status", FIND, answer=tree(lambda node: node.attrib.pop("status"), ENTRY)),
    Mutant("returns documents without a hash", FIND, answer=remove(f"{ENTRY}/rim:Slot[@name='hash']")),
    Mutant("returns documents without a classCode", FIND, answer=remove(f"{ENTRY}/rim:Classification[@classificationScheme='urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a']")),
    Mutant("returns Classifications without their type", FIND, answer=tree(lambda node: node.attrib.pop("objectType"), f"{ENTRY}/rim:Classification")),
    Mutant("returns Classifications of another object", FIND, answer=put(f"{ENTRY}/rim:Classification", "classifiedObject", "urn:uuid:00000000-0000-4000-8000-000000000000")),
    Mutant("returns ExternalIdentifiers without their type", FIND, answer=tree(lambda node: node.attrib.pop("objectType"), f"{ENTRY}/rim:ExternalIdentifier")),
    Mutant("returns limited metadata", FIND, answer=put(f"{ENTRY}/rim:Classification", "classificationNode", "urn:uuid:ab9b591b-83ab-4d03-8f5d-f93b1fb92e85")),
    Mutant("returns one object twice", FIND, answer=tree(twice, ENTRY)),
    Mutant("returns references that are no UUIDs", REFERENCES, answer=put("//rim:ObjectRef", "id", "Document01")),
)  # fmt: skip
