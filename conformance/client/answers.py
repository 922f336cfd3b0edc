"""What the endpoints answer: responses, objects, documents, faults, acknowledgements (ITI TF-2: V.3)."""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from uuid import uuid4

from lxml import etree

from conformance.client.store import Held, Refusal
from conformance.messages.envelope import Message, Part, include, mtom, simple
from ihe.error_codes import ResponseStatus, Severity
from ihe.namespaces import FAULT_ACTION, HL7, QUERY, RIM, RS, SOAP12, WSA, XDS

_SUCCESS, _PARTIAL, _FAILURE = ResponseStatus.SUCCESS, ResponseStatus.PARTIAL_SUCCESS, ResponseStatus.FAILURE
_HL7_INTERACTIONS = "2.16.840.1.113883.1.6"


def registry_response(refusals: Sequence[Refusal]) -> etree._Element:
    """Success, or Failure with every reason (ITI TF-3: 4.2.4)."""
    root = etree.Element(f"{{{RS}}}RegistryResponse", nsmap={"rs": RS})
    root.set("status", _FAILURE if refusals else _SUCCESS)
    _add_errors(root, refusals)
    return root


def query_response(found: Iterable[Held], return_type: str, refusals: Sequence[Refusal]) -> etree._Element:
    """The objects, or their ids alone (ITI TF-2: 3.18.4.1.3)."""
    root = etree.Element(f"{{{QUERY}}}AdhocQueryResponse", nsmap={"query": QUERY, "rim": RIM, "rs": RS})
    root.set("status", _FAILURE if refusals else _SUCCESS)
    _add_errors(root, refusals)
    objects = etree.SubElement(root, f"{{{RIM}}}RegistryObjectList")
    for one in () if refusals else found:
        if return_type == "ObjectRef":
            etree.SubElement(objects, f"{{{RIM}}}ObjectRef", id=one.id)
        else:
            objects.append(deepcopy(one.node))
    return root


def retrieve_response(
    repository: str, found: Mapping[str, tuple[str, bytes]], refusals: Sequence[Refusal]
) -> tuple[etree._Element, list[Part]]:
    """The documents, each in a part of its own (ITI TF-2: 3.43.4.1.3)."""
    root = etree.Element(f"{{{XDS}}}RetrieveDocumentSetResponse", nsmap={"xds": XDS, "rs": RS})
    response = registry_response(refusals)
    if refusals and found:
        response.set("status", _PARTIAL)
    root.append(response)
    parts = []
    for number, (unique_id, (mime_type, content)) in enumerate(found.items()):
        part = Part(f"document{number}@conformance.kit", mime_type, content)
        one = etree.SubElement(root, f"{{{XDS}}}DocumentResponse")
        etree.SubElement(one, f"{{{XDS}}}RepositoryUniqueId").text = repository
        etree.SubElement(one, f"{{{XDS}}}DocumentUniqueId").text = unique_id
        etree.SubElement(one, f"{{{XDS}}}mimeType").text = mime_type
        etree.SubElement(one, f"{{{XDS}}}Document").append(include(part.id))
        parts.append(part)
    return root, parts


def acknowledgement(message: etree._Element) -> etree._Element:
    """The accept acknowledgement of a feed (ITI TF-2: 3.44.4.1.3)."""
    ids = message.find(f"{{{HL7}}}id")
    root, extension = (ids.get("root", ""), ids.get("extension")) if ids is not None else ("", None)
    answer = etree.Element(f"{{{HL7}}}MCCI_IN000002UV01", nsmap={None: HL7})
    answer.set("ITSVersion", "XML_1.0")

    def add(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
        return etree.SubElement(parent, f"{{{HL7}}}{name}", attributes)

    add(answer, "id", root=str(uuid4()))
    add(answer, "creationTime", value=f"{datetime.now(UTC):%Y%m%d%H%M%S}")
    add(answer, "interactionId", root=_HL7_INTERACTIONS, extension="MCCI_IN000002UV01")
    for name, code in (("processingCode", "P"), ("processingModeCode", "T"), ("acceptAckCode", "NE")):
        add(answer, name, code=code)
    for name, type in (("receiver", "RCV"), ("sender", "SND")):
        device = add(add(answer, name, typeCode=type), "device", classCode="DEV", determinerCode="INSTANCE")
        add(device, "id", root="2.999.352.9")
    told = add(answer, "acknowledgement")
    add(told, "typeCode", code="CA")
    target = add(add(told, "targetMessage"), "id", root=root)
    if extension:
        target.set("extension", extension)
    return answer


def fault(code: str, reason: str) -> etree._Element:
    """A SOAP fault (SOAP 1.2 Part 1: 5.4)."""
    root = etree.Element(f"{{{SOAP12}}}Fault", nsmap={"soap": SOAP12})
    etree.SubElement(etree.SubElement(root, f"{{{SOAP12}}}Code"), f"{{{SOAP12}}}Value").text = f"soap:{code}"
    text = etree.SubElement(etree.SubElement(root, f"{{{SOAP12}}}Reason"), f"{{{SOAP12}}}Text")
    text.set("{http://www.w3.org/XML/1998/namespace}lang", "en")
    text.text = reason
    return root


def packed(
    body: etree._Element, action: str, relates_to: str, parts: Sequence[Part] | None = None
) -> Message:
    """An answer in its envelope, and in MTOM where its transaction wants that."""
    root = etree.Element(f"{{{SOAP12}}}Envelope", nsmap={"soap": SOAP12, "wsa": WSA})
    header = etree.SubElement(root, f"{{{SOAP12}}}Header")
    is_fault = etree.QName(body).localname == "Fault"
    etree.SubElement(header, f"{{{WSA}}}Action").text = FAULT_ACTION if is_fault else action
    if relates_to:
        etree.SubElement(header, f"{{{WSA}}}RelatesTo").text = relates_to
    etree.SubElement(root, f"{{{SOAP12}}}Body").append(body)
    return simple(root, action) if parts is None or is_fault else mtom(root, action, parts)


def _add_errors(root: etree._Element, refusals: Sequence[Refusal]) -> None:
    if not refusals:
        return
    listed = etree.SubElement(root, f"{{{RS}}}RegistryErrorList", highestSeverity=Severity.ERROR)
    for one in refusals:
        error = etree.SubElement(listed, f"{{{RS}}}RegistryError")
        error.set("errorCode", one.code)
        error.set("codeContext", one.context)
        error.set("location", one.location)
        error.set("severity", Severity.ERROR)
