"""One step of a plan: its message built from its words, sent, answered, and judged."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from conformance.always import findings_always
from conformance.answer import NotAnAnswer, read_answer
from conformance.expectations import Memory, Question, findings_in
from conformance.means import Means
from conformance.messages.changes import change
from conformance.messages.envelope import Message, Part, envelope, include, mtom, simple
from conformance.messages.requests import (
    identity_feed,
    removal_of_documents,
    removal_of_metadata,
    retrieval,
    stored_query,
)
from conformance.messages.submissions import Submission, submission
from conformance.names import Names
from conformance.plan import BadPlan, Plan, Step
from conformance.results import Exchange, Finding, Severity
from conformance.side_steps import SENDS, take_beside
from conformance.target import KEPT_BYTES, Reply, Target
from ihe.namespaces import XDS
from ihe.transactions import (
    ITI_18,
    ITI_41,
    ITI_42,
    ITI_43,
    ITI_44_ADD,
    ITI_44_MERGE,
    ITI_44_REVISE,
    ITI_51,
    ITI_57,
    ITI_61,
    ITI_62,
    ITI_86,
    ITI_92,
    Transaction,
)

TRANSACTIONS: Mapping[str, Transaction] = {
    "query": ITI_18,
    "multi-patient-query": ITI_51,
    "provide": ITI_41,
    "register": ITI_42,
    "register-on-demand": ITI_61,
    "update": ITI_57,
    "restricted-update": ITI_92,
    "remove-metadata": ITI_62,
    "retrieve": ITI_43,
    "remove-documents": ITI_86,
    "patient": ITI_44_ADD,
}
_SUBMITTING = {"provide", "register", "register-on-demand", "update", "restricted-update"}
_FEEDS = {"301": ITI_44_ADD, "302": ITI_44_REVISE, "304": ITI_44_MERGE}


_EVERYWHERE = {"title", "change", "envelope", "assertion", "packaging", "content_type", "to", "raw", "name"}
_OF_SUBMISSIONS = _EVERYWHERE | {"documents", "folders", "associations", "set"}
_OF_QUERIES = _EVERYWHERE | {"query", "return_type", "slots", "with", "home"}
_OF_DOCUMENTS = _EVERYWHERE | {"documents"}
# What a step of each kind may say; anything else is misspelt, and the plan would ask for something else.
WORDS_OF: Mapping[str, frozenset[str]] = {
    send: frozenset(words)
    for send, words in {
        **dict.fromkeys(_SUBMITTING, _OF_SUBMISSIONS),
        **dict.fromkeys(("query", "multi-patient-query"), _OF_QUERIES),
        **dict.fromkeys(("retrieve", "remove-documents"), _OF_DOCUMENTS),
        "remove-metadata": _EVERYWHERE | {"objects"},
        "patient": _EVERYWHERE | {"into", "root", "prior_root", "kind"},
        "adt": {"title", "name", "event", "into", "root", "without", "segments"},
        "handshake": {"title", "to", "version", "certificate", "ciphers", "verify"},
        "audit": {"title", "of", "mentions"},
    }.items()
}


@dataclass
class Walk:
    """A plan under way: its names, what it has submitted, and the exchanges so far."""

    plan: Plan
    names: Names
    target: Target
    means: Means = field(default_factory=Means)
    memory: Memory = field(default_factory=Memory)
    exchanges: list[Exchange] = field(default_factory=list)

    def take(self, step: Step, number: int) -> bool:
        """Do one step; whether its answer is as it must be."""
        if unknown := set(step.said) - WORDS_OF.get(step.send, frozenset()):
            raise BadPlan(f"{self.plan.id}: {step.send!r} knows no {', '.join(sorted(unknown))}")
        said = self.names.filled(dict(step.said))
        expect = self.names.filled(dict(step.expect)) or _EXPECTED_OF_PREPARATION.get(step.send, {})
        if step.send in SENDS:
            beside = (step.send, said, expect)
            exchange = take_beside(self.plan, self.names, self.target, self.means, beside, number)
        else:
            exchange = self._exchange(step.send, said, expect, number)
        self.exchanges.append(exchange)
        return not any(finding.severity is Severity.ERROR for finding in exchange.findings)

    def _exchange(
        self, send: str, said: Mapping[str, Any], expect: Mapping[str, Any], number: int
    ) -> Exchange:
        transaction = _transaction(self.plan.id, send, said)
        message_id = self.names.message_id(str(number))
        message, url = self._message(send, transaction, said, number, message_id)
        reply = self.target.post(url, message)
        related = "" if _unreadable(said) else message_id
        findings = tuple(self._judged(reply, transaction, expect, related))
        return Exchange(
            str(said.get("title", f"{transaction.number} {transaction.name}")),
            transaction.actor,
            transaction.action,
            message.body[:KEPT_BYTES],
            reply.body[:KEPT_BYTES],
            reply.started,
            reply.seconds,
            findings,
        )

    def _judged(
        self, reply: Reply, transaction: Transaction, expect: Mapping[str, Any], message_id: str
    ) -> Iterator[Finding]:
        try:
            answer = read_answer(reply.http, reply.headers, reply.body)
        except NotAnAnswer as problem:
            if set(expect) == {"http"} and reply.http in _as_list(expect["http"]):
                return
            yield Finding(
                Severity.ERROR, "HTTP body", "an answer is a SOAP message", "ITI TF-2: V.3", str(problem),
                "a SOAP 1.2 envelope", "Answer every request with an envelope, a fault where it was refused.",
            )  # fmt: skip
            return
        yield from findings_always(answer, transaction, message_id)
        yield from findings_in(
            Question(answer, expect, self.names, self.memory, self.plan.requirement, self.plan.section)
        )

    def _message(
        self, send: str, transaction: Transaction, said: Mapping[str, Any], number: int, message_id: str
    ) -> tuple[Message, str]:
        endpoints = self.target.endpoints
        url = endpoints.repository if transaction.actor == "repository" else endpoints.registry
        if send == "patient":
            url = endpoints.identity
        url = {"registry": endpoints.registry, "repository": endpoints.repository}.get(
            said.get("to", ""), url
        )
        if "raw" in said:
            return Message(
                str(said.get("content_type", "application/soap+xml")), str(said["raw"]).encode()
            ), url
        body, parts = self._body(send, said, number)
        change(self.plan.id, body, said.get("change", []))
        issuer = self.means.issuer
        # What identity sources send has no user (ITI TF-1: 13).
        security = issuer.security(said.get("assertion", {})) if issuer and send != "patient" else None
        root = envelope(body, transaction.action, message_id, url, said.get("envelope", {}), security)
        packaging = said.get("packaging", "mtom" if transaction.mtom else "simple")
        message = (simple if packaging == "simple" else mtom)(
            root, transaction.action, *(() if packaging == "simple" else (parts,))
        )
        return Message(str(said.get("content_type", message.content_type)), message.body), url

    def _body(self, send: str, said: Mapping[str, Any], number: int) -> tuple[etree._Element, list[Part]]:
        names = self.names
        match send:
            case "query" | "multi-patient-query":
                return stored_query(names, said), []
            case "retrieve":
                return retrieval(names, said), []
            case "remove-documents":
                return removal_of_documents(names, said), []
            case "remove-metadata":
                return removal_of_metadata(names, said), []
            case "patient":
                return identity_feed(names, said, number), []
            case "provide":
                return self._provided(submission(names, said, send, number), said)
            case _:
                submitted = submission(names, said, send, number)
                self._remember(submitted, said)
                return submitted.request, []

    def _provided(self, submitted: Submission, said: Mapping[str, Any]) -> tuple[etree._Element, list[Part]]:
        self._remember(submitted, said)
        root = etree.Element(f"{{{XDS}}}ProvideAndRegisterDocumentSetRequest", nsmap={"xds": XDS})
        root.append(submitted.request)
        parts = []
        for number, (id, content) in enumerate(submitted.documents.items(), 1):
            document = etree.SubElement(root, f"{{{XDS}}}Document", id=id)
            if said.get("packaging") in ("inline", "simple"):
                document.text = _base64(content)
            else:
                part = Part(f"document{number}@conformance.kit", "application/octet-stream", content)
                document.append(include(part.id))
                parts.append(part)
        return root, parts

    def _remember(self, submitted: Submission, said: Mapping[str, Any]) -> None:
        for name, attributes in submitted.attributes.items():
            self.memory.attributes[name] = attributes
            id = str(attributes["entryUUID"]) if "entryUUID" in attributes else ""
            self.memory.kinds[name] = id
            if id in submitted.documents:
                self.memory.contents[name] = submitted.documents[id]


# A step that says nothing of its answer prepares for another one, and must succeed.
_EXPECTED_OF_PREPARATION: Mapping[str, Mapping[str, Any]] = {
    "patient": {"ack": "CA"},
    "adt": {"msa": "AA"},
    **{
        send: {"status": "Success"}
        for send in (*_SUBMITTING, "remove-metadata", "remove-documents", "query", "retrieve")
    },
}


def _transaction(plan: str, send: str, said: Mapping[str, Any]) -> Transaction:
    if send == "patient":
        return _FEEDS["304" if "into" in said else str(said.get("kind", "301"))]
    if send not in TRANSACTIONS:
        raise BadPlan(f"{plan}: nothing is sent by {send!r}")
    return TRANSACTIONS[send]


def _unreadable(said: Mapping[str, Any]) -> bool:
    """Whether nobody can be asked to find the MessageID of this message."""
    envelope_said = said.get("envelope", {})
    no_id = "MessageID" in envelope_said.get("without", ()) or envelope_said.get("version") == "1.1"
    return no_id or "raw" in said or "multipart" in said.get("content_type", "")


def _base64(content: bytes) -> str:
    from base64 import b64encode

    return b64encode(content).decode()


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
