"""What every answer must be, whatever it was asked: HTTP, SOAP, addressing, statuses, errors and objects."""

from collections.abc import Iterator

from lxml import etree

from conformance.answer import Answer, values_of
from conformance.results import Finding, Severity
from conformance.schemas import errors_of
from conformance.xml import select, where
from ihe.namespaces import FAULT_ACTION, SOAP12
from ihe.transactions import Transaction

_STATUS = {
    "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success": "Success",
    "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Failure": "Failure",
    "urn:ihe:iti:2007:ResponseStatusType:PartialSuccess": "PartialSuccess",
}
_ERROR = "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"
_WARNING = "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Warning"
# Who may do a part of what is asked (ITI TF-3: 4.2.4.1; RMD supplement: 3.86).
_MAY_BE_PARTIAL = {"ITI-43", "ITI-86"}
# What a registry always tells of a document (ITI TF-3: Table 4.3.2.1-3).
_TOLD = (
    "availabilityStatus", "classCode", "confidentialityCode", "entryUUID", "formatCode",
    "healthcareFacilityTypeCode", "languageCode", "mimeType", "objectType", "patientId",
    "practiceSettingCode", "repositoryUniqueId", "sourcePatientId", "typeCode", "uniqueId",
)  # fmt: skip
_TOLD_OF_BYTES = ("creationTime", "hash", "size")
_STABLE = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
_STATUSES_OF_OBJECTS = {
    "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved",
    "urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated",
}
_PART_TYPES = {
    "Classification": "urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:Classification",
    "ExternalIdentifier": "urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:ExternalIdentifier",
}
_LIMITED_METADATA = (
    "urn:uuid:5003a9db-8d8d-49e6-bf0c-990e34ac7707",
    "urn:uuid:ab9b591b-83ab-4d03-8f5d-f93b1fb92e85",
    "urn:uuid:2c144a76-29a9-4b7c-af54-b25409fe7d03",
)


def findings_always(answer: Answer, transaction: Transaction, message_id: str) -> Iterator[Finding]:
    """Yield what is wrong in an answer of this transaction, whether it says yes or no."""
    yield from _of_http(answer, transaction)
    yield from _of_envelope(answer, transaction, message_id)
    yield from findings_in_content(answer, transaction)


def findings_in_content(answer: Answer, transaction: Transaction) -> Iterator[Finding]:
    """Yield what is wrong in the Body of an answer of this transaction."""
    content = answer.content
    if content is None or answer.fault is not None:
        return
    for line in errors_of(content):
        yield _wrong(
            line.path, "the answer is valid against its schema", "ebRS 3.0, XML schema", line.reason, ""
        )
    yield from _of_status(answer, transaction)
    yield from _of_errors(answer)
    for one in answer.objects:
        yield from _of_object(one.kind, one.node)
    yield from _of_documents(answer)


def _of_http(answer: Answer, transaction: Transaction) -> Iterator[Finding]:
    rule, section = "a response comes with HTTP 200, a fault with 400 or 500", "SOAP 1.2 Part 2: 7.5"
    fault = answer.fault
    if fault is None and answer.http != 200:
        yield _wrong("HTTP status", rule, section, str(answer.http), "200")
    if fault is not None and answer.http not in (400, 500):
        yield _wrong("HTTP status", rule, section, str(answer.http), "400 or 500")
    content_type = answer.headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    rule, section = "an answer is packed as its transaction has it", "ITI TF-2: V.3.6"
    if transaction.mtom and fault is None and media_type == "multipart/related":
        for word in ("application/xop+xml", "start-info"):
            if word not in content_type:
                yield _wrong("content-type", rule, section, content_type, f"with {word}")
        root_type = answer.root_headers.get("content-type", "")
        if not root_type.startswith("application/xop+xml"):
            yield _wrong("content-type of the root part", rule, section, root_type, "application/xop+xml")
    elif transaction.mtom and fault is None:
        yield _wrong("content-type", rule, section, content_type, "multipart/related")
    elif media_type not in ("application/soap+xml", "multipart/related"):
        yield _wrong("content-type", rule, section, content_type, "application/soap+xml")


def _of_envelope(answer: Answer, transaction: Transaction, message_id: str) -> Iterator[Finding]:
    name = etree.QName(answer.envelope)
    if name.namespace != SOAP12:
        yield _wrong("/*", "an answer is SOAP 1.2", "ITI TF-2: V.3", name.namespace or "nothing", SOAP12)
        return
    action = answer.text("/soap:Envelope/soap:Header/wsa:Action")
    section = "ITI TF-2: V.3; WS-Addressing 1.0: 3"
    wanted = transaction.response_action
    if answer.fault is not None:
        if action not in (FAULT_ACTION, "http://www.w3.org/2005/08/addressing/soap/fault"):
            yield _wrong(
                "/soap:Envelope/soap:Header/wsa:Action", "a fault says so", section, action, FAULT_ACTION
            )
    elif action != wanted:
        yield _wrong(
            "/soap:Envelope/soap:Header/wsa:Action", "an answer has the action of its transaction", section,
            action or "nothing", wanted,
        )  # fmt: skip
    related = answer.text("/soap:Envelope/soap:Header/wsa:RelatesTo")
    if message_id and related != message_id:
        yield _wrong(
            "/soap:Envelope/soap:Header/wsa:RelatesTo", "an answer names its question", section,
            related or "nothing", message_id,
        )  # fmt: skip
    content = answer.content
    if content is None:
        yield _wrong(
            "/soap:Envelope/soap:Body", "there is one element in the Body", "ITI TF-2: V.3", "none", "one"
        )
    elif answer.fault is None:
        root = (etree.QName(content).namespace, etree.QName(content).localname)
        if root != transaction.response_root:
            yield _wrong(
                where(content), "the Body is what the transaction answers", "ITI TF-2: V.3",
                str(content.tag), "{{{}}}{}".format(*transaction.response_root),
            )  # fmt: skip


def _of_status(answer: Answer, transaction: Transaction) -> Iterator[Finding]:
    if transaction.number == "ITI-44":
        return
    path, section = "/soap:Envelope/soap:Body//@status", "ITI TF-3: 4.2.4.1"
    status = _STATUS.get(answer.status)
    errors = [one for one in answer.errors if one.severity == _ERROR]
    if status is None:
        yield _wrong(
            path, "the status is one of three", section, answer.status or "nothing", ", ".join(_STATUS)
        )
    if status == "Success" and errors:
        yield _wrong(path, "a success has no errors", section, errors[0].code, "Failure, or no error")
    if status in ("Failure", "PartialSuccess") and not errors:
        yield _wrong(path, "what failed says why", section, "no error", "at least one RegistryError")
    if status == "PartialSuccess" and transaction.number not in _MAY_BE_PARTIAL:
        yield _wrong(
            path, "this transaction does all or nothing", section, "PartialSuccess", "Success or Failure"
        )
    if status == "Failure" and (answer.objects or answer.documents):
        yield _wrong(path, "a failure returns nothing else", section, "objects or documents", "none")


def _of_errors(answer: Answer) -> Iterator[Finding]:
    section = "ITI TF-3: 4.2.4.2"
    path = "//rs:RegistryErrorList/rs:RegistryError"
    for node in select(answer.envelope, path):
        if not node.get("codeContext", "").strip():
            yield _wrong(
                where(node), "an error says what is wrong", section, "an empty codeContext", "a text"
            )
        if node.get("severity") not in (_ERROR, _WARNING):
            yield _wrong(
                where(node), "a severity is Error or Warning", section, node.get("severity", ""), _ERROR
            )
    for errors in select(answer.envelope, "//rs:RegistryErrorList"):
        severities = {node.get("severity", "") for node in select(errors, "rs:RegistryError")}
        highest = errors.get("highestSeverity")
        wanted = _ERROR if _ERROR in severities else _WARNING
        if highest is not None and highest != wanted:
            yield _wrong(f"{where(errors)}/@highestSeverity", "it is the highest", section, highest, wanted)


def _of_object(kind: str, node: etree._Element) -> Iterator[Finding]:
    if kind == "ObjectRef":
        if not node.get("id", "").startswith("urn:uuid:"):
            yield _wrong(
                where(node), "a reference is a UUID", "ITI TF-3: 4.2.3.1.5", node.get("id", ""), "urn:uuid:"
            )
        return
    section = "ITI TF-3: Table 4.3.2.1-3"
    if node.get("status") not in _STATUSES_OF_OBJECTS:
        yield _wrong(
            where(node), "an object has its status", section, node.get("status", "nothing"), "Approved"
        )
    if not node.get("id", "").startswith("urn:uuid:"):
        yield _wrong(where(node), "an id is a UUID", "ITI TF-3: 4.2.3.1.5", node.get("id", ""), "urn:uuid:")
    if kind == "DocumentEntry":
        stable = node.get("objectType") == _STABLE
        for name in (*_TOLD, *(_TOLD_OF_BYTES if stable else ())):
            if not values_of(node, kind, name):
                rule = f"a registry tells {name} of every document"
                yield _wrong(where(node), rule, section, f"no {name}", name)
    for part, object_type in _PART_TYPES.items():
        of = "classifiedObject" if part == "Classification" else "registryObject"
        for one in select(node, f"rim:{part}"):
            rule, section = "the parts of an object name it and their type", "ITI TF-2: 3.18.4.1.3"
            if one.get(of) != node.get("id"):
                yield _wrong(f"{where(one)}/@{of}", rule, section, one.get(of, "nothing"), node.get("id", ""))
            if one.get("objectType") != object_type:
                seen = one.get("objectType", "nothing")
                yield _wrong(f"{where(one)}/@objectType", rule, section, seen, object_type)
            if one.get("classificationNode") in _LIMITED_METADATA:
                rule = "a registry returns no limited metadata"
                yield _wrong(where(one), rule, "ITI TF-3: 4.2.3.1", "limitedMetadata", "none")


def _of_documents(answer: Answer) -> Iterator[Finding]:
    for node in select(answer.envelope, "//xds:DocumentResponse/xds:Document/xop:Include"):
        id = node.get("href", "").removeprefix("cid:")
        if id.replace("%40", "@") not in answer.parts:
            rule = "an Include names a part that is there"
            yield _wrong(where(node), rule, "XOP 1.0: 4.1", id, ", ".join(answer.parts) or "no part")


def _wrong(where: str, rule: str, section: str, seen: str, expected: str) -> Finding:
    return Finding(
        Severity.ERROR, where, rule, section, seen, expected, f"Send {expected or 'what the schema allows'}."
    )
