"""Each root of a message: what it accepts, and what it refuses with which words."""

import pytest

import schemas

NAMESPACES = (
    'xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0" '
    'xmlns:rs="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" '
    'xmlns:lcm="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0" '
    'xmlns:query="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" '
    'xmlns:xds="urn:ihe:iti:xds-b:2007" '
    'xmlns:rmd="urn:ihe:iti:rmd:2017" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)


def errors_in(text: str) -> list[str]:
    root_name = text[1:].replace(">", " ").replace("/", " ").split()[0]
    element = schemas.parse(text.replace(f"<{root_name}", f"<{root_name} {NAMESPACES}", 1).encode())
    return [error.message for error in schemas.errors_in(element)]


def submit(objects: str) -> str:
    return (
        f"<lcm:SubmitObjectsRequest><rim:RegistryObjectList>{objects}"
        "</rim:RegistryObjectList></lcm:SubmitObjectsRequest>"
    )


def provide(documents: str, objects: str = "") -> str:
    name = "xds:ProvideAndRegisterDocumentSetRequest"
    return f"<{name}>{submit(objects)}{documents}</{name}>"


def retrieve(requests: str) -> str:
    return f"<xds:RetrieveDocumentSetRequest>{requests}</xds:RetrieveDocumentSetRequest>"


def retrieved(responses: str) -> str:
    return f"<xds:RetrieveDocumentSetResponse>{responses}</xds:RetrieveDocumentSetResponse>"


def value(content: str) -> str:
    value_list = f"<rim:ValueList><rim:Value>{content}</rim:Value></rim:ValueList>"
    return f'<rim:ObjectRef id="o"><rim:Slot name="n">{value_list}</rim:Slot></rim:ObjectRef>'


def title(attributes: str) -> str:
    name = f"<rim:Name><rim:LocalizedString {attributes}/></rim:Name>"
    return f'<rim:ExtrinsicObject id="d">{name}</rim:ExtrinsicObject>'


def ask(option: str, query: str) -> str:
    return f"<query:AdhocQueryRequest>{option}{query}</query:AdhocQueryRequest>"


def answer(attributes: str, content: str) -> str:
    return f"<query:AdhocQueryResponse {attributes}>{content}</query:AdhocQueryResponse>"


def failure(errors: str) -> str:
    return f'<rs:RegistryResponse status="urn:s">{errors}</rs:RegistryResponse>'


def remove(references: str) -> str:
    references = f"<rim:ObjectRefList>{references}</rim:ObjectRefList>"
    return f"<lcm:RemoveObjectsRequest>{references}</lcm:RemoveObjectsRequest>"


OPTION = '<query:ResponseOption returnType="LeafClass" returnComposedObjects="true"/>'
QUERY = '<rim:AdhocQuery id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d"/>'
SUCCESS = '<rs:RegistryResponse status="urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"/>'
REQUEST = (
    "<xds:DocumentRequest><xds:RepositoryUniqueId>2.999.1</xds:RepositoryUniqueId>"
    "<xds:DocumentUniqueId>2.999.2</xds:DocumentUniqueId></xds:DocumentRequest>"
)
RESPONSE = (
    "<xds:DocumentResponse><xds:RepositoryUniqueId>2.999.1</xds:RepositoryUniqueId>"
    "<xds:DocumentUniqueId>2.999.2</xds:DocumentUniqueId><xds:mimeType>text/plain</xds:mimeType>"
    "<xds:Document>YWJj</xds:Document></xds:DocumentResponse>"
)
HOME = "<xds:HomeCommunityId>urn:oid:2.999</xds:HomeCommunityId>"

ACCEPTED = {
    # ITI-18, 51
    "query": ask(OPTION, QUERY),
    "query with defaults left to the receiver": ask("<query:ResponseOption/>", QUERY),
    "query with slots of the request": ask("<rs:RequestSlotList/>" + OPTION, QUERY),
    "answer without objects": answer('status="urn:s"', "<rim:RegistryObjectList/>"),
    "answer with errors": answer(
        'status="urn:s"',
        '<rs:RegistryErrorList><rs:RegistryError errorCode="XDSRegistryError" codeContext=""/>'
        "</rs:RegistryErrorList><rim:RegistryObjectList/>",
    ),
    # ITI-42, 57, 61, 92
    "nothing submitted": submit(""),
    "objects in any order": submit(
        '<rim:Association id="a" associationType="urn:t" sourceObject="s" targetObject="t"/>'
        '<rim:ObjectRef id="o"/><rim:ExtrinsicObject id="d"/><rim:RegistryPackage id="p"/>'
        '<rim:Classification id="c" classifiedObject="p"/>'
    ),
    "a type named by xsi:type": submit(
        '<rim:Identifiable xsi:type="rim:ExtrinsicObjectType" id="d" mimeType="text/xml"/>'
    ),
    "a slot value of 256 characters, counted in Unicode": submit(value("é" * 256)),
    # ITI-41
    "metadata and no document": provide(""),
    "metadata and documents": provide(
        '<xds:Document id="d1">YWJj</xds:Document><xds:Document id="d2"> YW\n Jj </xds:Document>'
    ),
    # ITI-43
    "documents asked for": retrieve(REQUEST + REQUEST),
    "documents of another community": retrieve(
        REQUEST.replace("<xds:RepositoryUniqueId>", HOME + "<xds:RepositoryUniqueId>")
    ),
    "documents handed out": retrieved(SUCCESS + RESPONSE + RESPONSE),
    "no document handed out": retrieved(SUCCESS),
    "a document made on demand": retrieved(
        SUCCESS
        + RESPONSE.replace(
            "<xds:mimeType>", "<xds:NewDocumentUniqueId>2.999.3</xds:NewDocumentUniqueId><xds:mimeType>"
        )
    ),
    # ITI-62
    "objects to remove": remove('<rim:ObjectRef id="urn:uuid:1"/>'),
    # ITI-86
    "documents to remove": f"<rmd:RemoveDocumentsRequest>{REQUEST}{REQUEST}</rmd:RemoveDocumentsRequest>",
    # answers of 41, 42, 57, 61, 62, 86, 92
    "success": SUCCESS,
}

REFUSED = {
    "another root": ("<rim:Slot2/>", ["rim:Slot2 is not the root of any message known here"]),
    "a root of no namespace": (
        "<AdhocQueryRequest/>",
        ["AdhocQueryRequest is not the root of any message known here"],
    ),
    "query without option": (
        ask("", QUERY),
        ["rim:AdhocQuery does not belong here, expected is rs:RequestSlotList, query:ResponseOption"],
    ),
    "query without query": (
        ask(OPTION, ""),
        ["query:AdhocQueryRequest is not complete, next is expected rim:AdhocQuery"],
    ),
    "query of an unknown return type": (
        ask('<query:ResponseOption returnType="Leaf"/>', QUERY),
        [
            "query:ResponseOption/@returnType is 'Leaf', allowed are "
            "'LeafClass', 'ObjectRef', 'LeafClassWithRepositoryItem', 'RegistryObject'"
        ],
    ),
    "query without id": (ask(OPTION, "<rim:AdhocQuery/>"), ["rim:AdhocQuery needs the attribute id"]),
    "answer without list": (
        answer('status="urn:s"', ""),
        [
            "query:AdhocQueryResponse is not complete, next is expected "
            "rs:ResponseSlotList, rs:RegistryErrorList, rim:RegistryObjectList"
        ],
    ),
    "answer without status": (
        answer("", "<rim:RegistryObjectList/>"),
        ["query:AdhocQueryResponse needs the attribute status"],
    ),
    "a list of no errors": (
        failure("<rs:RegistryErrorList/>"),
        ["rs:RegistryErrorList is not complete, next is expected rs:RegistryError"],
    ),
    "an error without code": (
        failure("<rs:RegistryErrorList><rs:RegistryError/></rs:RegistryErrorList>"),
        [
            "rs:RegistryError needs the attribute errorCode",
            "rs:RegistryError needs the attribute codeContext",
        ],
    ),
    "two lists of objects": (
        "<lcm:SubmitObjectsRequest><rim:RegistryObjectList/><rim:RegistryObjectList/></lcm:SubmitObjectsRequest>",
        ["rim:RegistryObjectList does not belong here"],
    ),
    "a slot among references": (
        remove('<rim:Slot name="n"/>'),
        ["rim:Slot does not belong here, expected is rim:ObjectRef"],
    ),
    "a name before a slot": (
        submit('<rim:RegistryPackage id="p"><rim:Name/><rim:Slot name="n"/></rim:RegistryPackage>'),
        [
            "rim:Slot does not belong here, expected is rim:Description, rim:VersionInfo, "
            "rim:Classification, rim:ExternalIdentifier, rim:RegistryObjectList"
        ],
    ),
    "a slot without list of values": (
        submit('<rim:ObjectRef id="o"><rim:Slot name="n"/></rim:ObjectRef>'),
        ["rim:Slot is not complete, next is expected rim:ValueList"],
    ),
    "a slot value of 257 characters": (
        submit(value("é" * 257)),
        ["rim:Value is 257 characters long, at most 256 are allowed"],
    ),
    "a title of 1025 characters": (
        submit(title(f'value="{"x" * 1025}"')),
        ["rim:LocalizedString/@value is 1025 characters long, at most 1024 are allowed"],
    ),
    "elements in a value": (submit(value("<b/>")), ["rim:Value must not contain elements"]),
    "text among objects": (submit("text"), ["rim:RegistryObjectList must not contain text"]),
    "elements where nothing may stand": (
        submit('<rim:ExtrinsicObject id="d"><rim:VersionInfo><b/></rim:VersionInfo></rim:ExtrinsicObject>'),
        ["rim:VersionInfo must be empty"],
    ),
    "an attribute of nobody": (
        submit('<rim:ObjectRef id="o" ID="o"/>'),
        ["rim:ObjectRef/@ID is not allowed here"],
    ),
    "an id that is no URI": (
        submit('<rim:ObjectRef id="%"/>'),
        ["rim:ObjectRef/@id is '%', which is no xs:anyURI"],
    ),
    "a language that is none": (
        submit(title('xml:lang="français" value=""')),
        ["rim:LocalizedString/@xml:lang is 'français', which is not allowed"],
    ),
    "an association without ends": (
        submit('<rim:Association id="a"/>'),
        [
            "rim:Association needs the attribute associationType",
            "rim:Association needs the attribute sourceObject",
            "rim:Association needs the attribute targetObject",
        ],
    ),
    "an object of another namespace": (
        submit('<rim:RegistryPackage id="p"><x:Extra xmlns:x="urn:example:other"/></rim:RegistryPackage>'),
        [
            "Extra (of urn:example:other) does not belong here, expected is rim:Slot, rim:Name, "
            "rim:Description, rim:VersionInfo, rim:Classification, rim:ExternalIdentifier, "
            "rim:RegistryObjectList"
        ],
    ),
    "documents before metadata": (
        provide("").replace("<lcm:", '<xds:Document id="d"/><lcm:', 1),
        ["xds:Document does not belong here, expected is lcm:SubmitObjectsRequest"],
    ),
    "a document without id": (provide("<xds:Document/>"), ["xds:Document needs the attribute id"]),
    "a document that is no base64": (
        provide(f'<xds:Document id="d">{"YWJj" * 25}YWJ</xds:Document>'),
        [f"xds:Document is '{'YWJj' * 15}YWJ…', which is no xs:base64Binary"],
    ),
    "no document asked for": (
        retrieve(""),
        ["xds:RetrieveDocumentSetRequest is not complete, next is expected xds:DocumentRequest"],
    ),
    "a document asked for without repository": (
        retrieve("<xds:DocumentRequest><xds:DocumentUniqueId>1</xds:DocumentUniqueId></xds:DocumentRequest>"),
        [
            "xds:DocumentUniqueId does not belong here, expected is "
            "xds:HomeCommunityId, xds:RepositoryUniqueId"
        ],
    ),
    "documents without an outcome": (
        retrieved(RESPONSE),
        ["xds:DocumentResponse does not belong here, expected is rs:RegistryResponse"],
    ),
    "a document without mime type": (
        retrieved(SUCCESS + RESPONSE.replace("<xds:mimeType>text/plain</xds:mimeType>", "")),
        [
            "xds:Document does not belong here, expected is "
            "xds:NewRepositoryUniqueId, xds:NewDocumentUniqueId, xds:mimeType"
        ],
    ),
    "no document to remove": (
        "<rmd:RemoveDocumentsRequest/>",
        ["rmd:RemoveDocumentsRequest is not complete, next is expected xds:DocumentRequest"],
    ),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name):
    """ebRIM 3.0, ebRS 3.0, ITI TF-2: 3.18, 3.41, 3.42, 3.43, 3.62, 3.86."""
    assert errors_in(ACCEPTED[name]) == []


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    """ebRIM 3.0, ebRS 3.0, ITI TF-2: 3.18, 3.41, 3.42, 3.43, 3.62, 3.86."""
    message, words = REFUSED[name]
    assert errors_in(message) == words


MEMBERS = {
    "Identifiable": "",
    "ObjectRef": 'createReplica="false"',
    "RegistryObject": 'lid="l" objectType="t" status="s"',
    "ExtrinsicObject": 'mimeType="text/xml" isOpaque="true"',
    "RegistryPackage": "",
    "Association": 'associationType="t" sourceObject="s" targetObject="t"',
    "Classification": 'classifiedObject="c"',
    "ExternalIdentifier": 'registryObject="r" identificationScheme="s" value="v"',
    "AdhocQuery": "",
    "ClassificationScheme": 'isInternal="true" nodeType="t"',
    "ClassificationNode": 'parent="p" code="c" path="/p"',
    "ExternalLink": 'externalURI="http://example.org/"',
    "Person": "",
    "User": "",
    "Organization": 'parent="p" primaryContact="c"',
    "Service": "",
    "ServiceBinding": 'service="s"',
    "SpecificationLink": 'serviceBinding="b" specificationObject="o"',
    "Registry": 'operator="o" specificationVersion="3.0" conformanceProfile="registryFull"',
    "Federation": 'replicationSyncLatency="P1D"',
    "Subscription": 'selector="q" startTime="2026-01-01T00:00:00Z" notificationInterval="PT1H"',
}


@pytest.mark.parametrize("name", MEMBERS)
def test_a_list_accepts_every_kind_of_object(name):
    """ebRIM 3.0: the substitution group of Identifiable."""
    assert errors_in(submit(f'<rim:{name} id="urn:uuid:1" home="urn:oid:2.999" {MEMBERS[name]}/>')) == []


def test_a_list_accepts_an_auditable_event_and_no_notification():
    """ebRIM 3.0: an event names what it touched; a Notification is no member of the group."""
    event = (
        '<rim:AuditableEvent id="e" eventType="t" timestamp="2026-01-01T00:00:00Z" user="u" requestId="r">'
        "<rim:affectedObjects/></rim:AuditableEvent>"
    )
    assert errors_in(submit(event)) == []
    assert errors_in(submit('<rim:Notification id="n" subscription="s"/>'))[0].startswith(
        "rim:Notification does not belong here"
    )
