"""One message of any kind that these profiles know: what it is, and everything wrong with it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from lxml import etree

from conformance.always import findings_in_content
from conformance.answer import Answer
from conformance.judging.assertions import findings_in_assertion, findings_in_security_header
from conformance.judging.audit import findings_in_audit_message
from conformance.judging.clinical_documents import findings_in_clinical_document
from conformance.judging.codes import ValueSets
from conformance.judging.documents import findings_in_documents
from conformance.judging.envelopes import action_of, findings_in_envelope, is_envelope, transaction_of_action
from conformance.judging.found import error
from conformance.judging.identity_v2 import findings_in_identity_feed, read_message
from conformance.judging.identity_v3 import findings_in_feed
from conformance.judging.packages import findings_in_content_type, unpacked
from conformance.judging.queries import (
    findings_in_query,
    findings_in_removal,
    findings_in_retrieval,
    transaction_of_query,
)
from conformance.judging.schema import findings_of_schema
from conformance.judging.submissions import findings_in_submission, transaction_of
from conformance.judging.syslog import is_syslog, read_syslog
from conformance.results import Finding, Severity
from conformance.xml import NotXml, read, select
from ihe.namespaces import HL7, LCM, QUERY, RIM, RMD, RS, SAML2, SOAP12, XDS
from ihe.transactions import ITI_18, ITI_41, ITI_43, TRANSACTIONS, Transaction


@dataclass(frozen=True)
class Judgement:
    """What a message is, and what was found in it; `envelope` and `parts` are what could be read of it."""

    kind: str
    findings: tuple[Finding, ...]
    transaction: str = ""
    envelope: etree._Element | None = field(default=None, repr=False)
    parts: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def good(self) -> bool:
        """Whether no error was found."""
        return not any(one.severity is Severity.ERROR for one in self.findings)


def judge(
    content: bytes, content_type: str = "", allowed: ValueSets | None = None, at: datetime | None = None
) -> Judgement:
    """Judge a message as it was sent, or only its XML; assertions are held against the time `at`."""
    if is_syslog(content):
        syslog = read_syslog(content)
        within = judge(syslog.message, allowed=allowed)
        found_first = (*syslog.findings, *within.findings)
        return replace(within, kind=f"{within.kind} in syslog", findings=found_first)
    if content.lstrip(b"\x0b").startswith(b"MSH"):
        event = read_message(content).event
        return Judgement(
            f"Patient Identity Feed [ITI-8], {event}", tuple(findings_in_identity_feed(content)), "ITI-8"
        )
    package = unpacked(content, content_type)
    if package.parts is not None and not package.root:
        return Judgement("a MIME package that cannot be opened", package.findings)
    try:
        root = read(package.root.lstrip())
    except NotXml as problem:
        place = f"line {problem.line}" if problem.line else "the whole message"
        fix = "Send well-formed XML without a document type."
        found = error(place, "a message is well-formed XML", "XML 1.0", str(problem), "well-formed XML", fix)
        return Judgement("no message that is known here", (*package.findings, found))
    if not is_envelope(root):
        kind, transaction, findings = _of_body(root, "", package.parts, allowed or {}, at)
        return Judgement(kind, (*package.findings, *findings), transaction, root, package.parts or {})
    row, asks = transaction_of_action(action_of(root))
    everything = [*package.findings, *findings_in_envelope(root)]
    if row and asks:
        everything += findings_in_content_type(package, row.mtom)
    for security in select(root, "/soap:Envelope/soap:Header/wsse:Security"):
        everything += findings_in_security_header(security, at)
    body = select(root, "/soap:Envelope/soap:Body/*")
    kind, transaction = "a SOAP envelope", row.number if row else ""
    if len(body) == 1:
        kind, transaction, more = _of_body(
            body[0], row.number if row else "", package.parts, allowed or {}, at
        )
        everything += more
    return Judgement(kind, tuple(everything), transaction, root, package.parts or {})


_NAMES = {row.number: row.name for row in TRANSACTIONS}
Found = tuple[str, str, list[Finding]]


def _of_body(
    node: etree._Element,
    number: str,
    parts: Mapping[str, bytes] | None,
    allowed: ValueSets,
    at: datetime | None,
) -> Found:
    name = etree.QName(node)
    match (name.namespace, name.localname):
        case (namespace, "ProvideAndRegisterDocumentSetRequest") if namespace == XDS:
            submits = select(node, "lcm:SubmitObjectsRequest")
            findings = [*findings_of_schema(node), *findings_in_documents(node, parts)]
            for submit in submits[:1]:
                findings += findings_in_submission(submit, "ITI-41", allowed)
            return _request("ITI-41", findings)
        case (namespace, "SubmitObjectsRequest") if namespace == LCM:
            number = number or transaction_of(node)
            return _request(
                number, [*findings_of_schema(node), *findings_in_submission(node, number, allowed)]
            )
        case (namespace, "AdhocQueryRequest") if namespace == QUERY:
            number = number or transaction_of_query(node)
            return _request(number, [*_of_schema_of_query(node), *findings_in_query(node, number)])
        case (namespace, "RetrieveDocumentSetRequest") if namespace == XDS:
            found = findings_in_retrieval(node, "ITI TF-2: 3.43.4.1.2")
            return _request("ITI-43", [*findings_of_schema(node), *found])
        case (namespace, "RemoveDocumentsRequest") if namespace == RMD:
            found = findings_in_retrieval(node, "RMD supplement: 3.86.4.1.2")
            return _request("ITI-86", [*findings_of_schema(node), *found])
        case (namespace, "RemoveObjectsRequest") if namespace == LCM:
            return _request("ITI-62", [*findings_of_schema(node), *findings_in_removal(node)])
        case (namespace, "RegistryObjectList") if namespace == RIM:
            submit = etree.Element(f"{{{LCM}}}SubmitObjectsRequest", nsmap={"lcm": LCM})
            submit.append(etree.fromstring(etree.tostring(node, with_tail=False)))
            return _of_body(submit, number, parts, allowed, at)
        case (namespace, "RegistryResponse" | "AdhocQueryResponse" | "RetrieveDocumentSetResponse") if (
            namespace in (RS, QUERY, XDS)
        ):
            return _answer(node, number, parts)
        case (namespace, local) if namespace == HL7 and local.startswith("PRPA_IN2013"):
            return _request("ITI-44", [*findings_of_schema(node, "ITI TF-2: 3.44"), *findings_in_feed(node)])
        case (namespace, "MCCI_IN000002UV01") if namespace == HL7:
            return "an acknowledgement of [ITI-44]", "ITI-44", [*findings_of_schema(node, "ITI TF-2: 3.44")]
        case (namespace, "ClinicalDocument") if namespace == HL7:
            return "a CDA document", "", [*findings_in_clinical_document(node)]
        case (namespace, "Assertion") if namespace == SAML2:
            return "a SAML assertion for [ITI-40]", "ITI-40", [*findings_in_assertion(node, at)]
        case (None, "AuditMessage"):
            return "an audit message of [ITI-20]", "ITI-20", [*findings_in_audit_message(node)]
        case (namespace, "Fault") if namespace == SOAP12:
            return "a SOAP fault", number, []
    rule = "the message is one of these profiles"
    fix = "Send a request, an answer, an audit message, an assertion, a consent document or its XML."
    found_no = error(node, rule, "ITI TF-2: V.3", str(name), "an element of XDS.b, XUA, ATNA or BPPC", fix)
    return "no message that is known here", "", [found_no]


def _request(number: str, findings: list[Finding]) -> Found:
    return f"a request of {_NAMES[number]} [{number}]", number, findings


def _of_schema_of_query(node: etree._Element) -> Iterator[Finding]:
    # Long lists are said once, by the rule that says what to do about them.
    return (
        one
        for one in findings_of_schema(node)
        if "LongName" not in one.seen and "maximum length" not in one.seen
    )


def _answer(node: etree._Element, number: str, parts: Mapping[str, bytes] | None) -> Found:
    row = _transaction_of_answer(node, number)
    root = node.getroottree().getroot()
    if root is node:
        root = etree.Element(f"{{{SOAP12}}}Envelope", nsmap={"soap": SOAP12})
        etree.SubElement(root, f"{{{SOAP12}}}Body").append(
            etree.fromstring(etree.tostring(node, with_tail=False))
        )
    answer = Answer(200, {}, b"", root, parts or {})
    named = f"{row.name} [{row.number}]" if number else "one of these transactions"
    found = list(findings_in_content(answer, row))
    if parts is None:
        # Only the XML is here: what lay beside it cannot be missed.
        found = [one for one in found if not one.where.endswith("xop:Include")]
    return f"an answer of {named}", row.number, found


def _transaction_of_answer(node: etree._Element, number: str) -> Transaction:
    named = next((row for row in TRANSACTIONS if row.number == number), None)
    by_root = {"AdhocQueryResponse": ITI_18, "RetrieveDocumentSetResponse": ITI_43}
    return named or by_root.get(etree.QName(node).localname, ITI_41)
