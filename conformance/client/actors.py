"""The registry and the repository of a session: each message is judged, then answered as they would."""

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

from lxml import etree

from conformance.client.answers import (
    acknowledgement,
    fault,
    packed,
    query_response,
    registry_response,
    retrieve_response,
)
from conformance.client.finding import found_by
from conformance.client.observed import Observation
from conformance.client.store import Refusal, Store
from conformance.judging.codes import ValueSets
from conformance.judging.documents import contents_of
from conformance.judging.envelopes import action_of, transaction_of_action
from conformance.judging.message import Judgement, judge
from conformance.messages.envelope import Message
from conformance.results import Exchange, Finding, Severity
from conformance.xml import select
from ihe.transactions import Transaction

# Of what is wrong, a response tells so much; the report tells all of it.
MAX_ERRORS_TOLD = 20
# Of what went over the wire a report keeps so much.
KEPT_BYTES = 1_000_000

_TROUBLE = "/trouble/"
_SUBMITTING = ("ITI-41", "ITI-42")
_UNKNOWN = "ITI-?"


@dataclass(frozen=True, slots=True)
class Peer:
    """Who talks to us: over TLS or not, and by what certificate, if one was shown."""

    tls: bool = False
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """An answer, what it comes to, and the ids that were told and asked."""

    message: Message
    answered: str
    told: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()


@dataclass
class Actors:
    """Registry, repository and identity source's receiver over one store.

    At addresses that begin with /trouble/ the first query gets a SOAP fault, and one of the documents of each
    retrieval is missing: what stands there serves to see how software copes.
    """

    store: Store
    allowed: ValueSets = field(default_factory=dict)
    _faulted: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def answer(
        self, path: str, content_type: str, content: bytes, peer: Peer
    ) -> tuple[int, Message, Observation]:
        """Judge one message and answer it: the HTTP status, the answer, and what there was to see."""
        started, clock = datetime.now(UTC), time.monotonic()
        judgement = judge(content, content_type, self.allowed, started)
        envelope = judgement.envelope
        row = transaction_of_action(action_of(envelope))[0] if envelope is not None else None
        relates_to = _text(envelope, "/soap:Envelope/soap:Header/wsa:MessageID")
        trouble = urlsplit(path).path.startswith(_TROUBLE)
        known = row is not None and transaction_of_action(row.action)[1] and _is_request(judgement)
        if row is None or envelope is None or not known:
            given = Given(
                packed(fault("Sender", "no transaction of these endpoints"), "", relates_to), "fault"
            )
        elif trouble and row.number == "ITI-18" and self._first_trouble():
            reason = "a fault on purpose: ask again"
            given = Given(packed(fault("Receiver", reason), row.response_action, relates_to), "fault")
        else:
            given = self._perform(row, envelope, judgement, relates_to, trouble)
        exchange = Exchange(
            f"{row.number} {row.name}" if row else "a message that is none of ours",
            peer.subject,
            row.action if row else "",
            given.message.body[:KEPT_BYTES],
            content[:KEPT_BYTES],
            started,
            time.monotonic() - clock,
            judgement.findings,
        )
        number = row.number if row else _UNKNOWN
        seen = Observation(
            number,
            judgement,
            exchange,
            peer.tls,
            bool(peer.subject),
            trouble,
            given.answered,
            given.told,
            given.asked,
        )
        return 400 if given.answered == "fault" else 200, given.message, seen

    def _first_trouble(self) -> bool:
        with self._lock:
            first, self._faulted = not self._faulted, True
        return first

    def _perform(
        self, row: Transaction, envelope: etree._Element, judgement: Judgement, relates_to: str, trouble: bool
    ) -> Given:
        body = select(envelope, "/soap:Envelope/soap:Body/*")[0]
        refusals = _refusals(judgement.findings, row)
        if row.number in _SUBMITTING:
            refusals = refusals or self._submit(body, judgement)
            answer = packed(
                registry_response(refusals), row.response_action, relates_to, () if row.mtom else None
            )
            return Given(answer, "Failure" if refusals else "Success")
        if row.number in ("ITI-18", "ITI-51"):
            found = [] if refusals else found_by(body, self.store)
            option = next(iter(select(body, "query:ResponseOption")), None)
            return_type = option.get("returnType", "") if option is not None else ""
            response = query_response(found, return_type, refusals)
            ids = frozenset(value for one in found for value in (one.id, *one.values("uniqueId")))
            status = "Failure" if refusals else "Success"
            return Given(packed(response, row.response_action, relates_to), status, ids)
        if row.number == "ITI-43":
            return self._retrieve(body, row, relates_to, refusals, trouble)
        if row.number == "ITI-44":
            self._merge(body)
            return Given(packed(acknowledgement(body), row.response_action, relates_to), "Success")
        reason = f"{row.number} is not offered in a session with practice software"
        return Given(packed(fault("Sender", reason), row.response_action, relates_to), "fault")

    def _submit(self, body: etree._Element, judgement: Judgement) -> list[Refusal]:
        submits = select(body, "self::lcm:SubmitObjectsRequest | lcm:SubmitObjectsRequest")
        if not submits:
            return [Refusal("XDSRepositoryError", "no SubmitObjectsRequest")]
        return self.store.submit(submits[0], contents_of(body, judgement.parts))

    def _retrieve(
        self, body: etree._Element, row: Transaction, relates_to: str, refusals: list[Refusal], trouble: bool
    ) -> Given:
        asked = [(one.text or "").strip() for one in select(body, "xds:DocumentRequest/xds:DocumentUniqueId")]
        with self.store.lock:
            found = {id: self.store.documents[id] for id in asked if id in self.store.documents}
        if refusals:
            found = {}
        elif trouble and found:
            found.pop(list(found)[-1])
        missing = [] if refusals else [id for id in asked if id not in found]
        refusals = refusals + [Refusal("XDSDocumentUniqueIdError", f"{id} is not here") for id in missing]
        response, parts = retrieve_response(self.store.repository, found, refusals)
        status = "Success" if not refusals else "PartialSuccess" if found else "Failure"
        answer = packed(response, row.response_action, relates_to, parts)
        return Given(answer, status, frozenset(found), frozenset(asked))

    def _merge(self, body: etree._Element) -> None:
        path = ".//hl7:replacementOf/hl7:priorRegistration/hl7:subject1/hl7:priorRegisteredRole/hl7:id"
        for one in select(body, path):
            self.store.merge(f"{one.get('extension')}^^^&{one.get('root')}&ISO")


def _is_request(judgement: Judgement) -> bool:
    return judgement.kind.startswith("a request")


def _refusals(findings: tuple[Finding, ...], row: Transaction) -> list[Refusal]:
    """What a receiver would refuse, in the code that it would use (ITI TF-3: 4.2.4)."""
    codes = {
        "ITI-41": "XDSRepositoryMetadataError",
        "ITI-42": "XDSRegistryMetadataError",
        "ITI-43": "XDSRepositoryError",
    }
    code = codes.get(row.number, "XDSRegistryError")
    errors = [one for one in findings if one.severity is Severity.ERROR]
    return [
        Refusal(code, f"{one.rule} ({one.section}): {one.seen} where {one.expected} was expected", one.where)
        for one in errors[:MAX_ERRORS_TOLD]
    ]


def _text(envelope: etree._Element | None, path: str) -> str:
    found = select(envelope, path) if envelope is not None else []
    return (found[0].text or "").strip() if found else ""
