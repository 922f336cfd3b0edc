"""A practice's software against the kit: what it does right is ticked, what it does wrong is told."""

import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from conformance.client.scenarios import SCENARIOS
from conformance.client.session import Ports, Session, session
from conformance.judging.message import judge
from conformance.results import Outcome, Run, Verdict
from conformance.sink import contexts
from tests.conformance.judging.samples import changed
from tests.conformance.judging.test_clinical_documents import GOOD as CONSENT
from tests.conformance.judging.test_messages import ADDED
from tests.messages import requests
from tests.messages.assertions import assertion, security, signed
from tests.messages.audit import HEADER, on_the_wire
from tests.services.certificates import Authority
from tests.services.ports import free_port
from tests.wire import ANSWER_TIMEOUT_SECONDS, MTOM_TYPE, HttpAnswer, envelope, include, mtom, post

PATIENT = "p1^^^&2.999.5&ISO"
TEXT = ("part1@wire", "text/plain", b"Dear colleague")


class Practice:
    """Software under test: it sends what a test wants, and every answer that it gets is judged as well."""

    def __init__(self, here: Session, tls: ssl.SSLContext | None = None) -> None:
        self.at = dict(here.endpoints)
        self.tls = tls
        self.wrong: list[object] = []

    def send(self, actor: str, body: bytes, content_type: str = "application/soap+xml") -> HttpAnswer:
        answer = post(self.at[actor], body, content_type, tls=self.tls if "(TLS)" in actor else None)
        judged = judge(answer.body, answer.headers["content-type"])
        self.wrong += [one for one in judged.findings if one.severity == "error"]
        return answer

    def provide(self, submit: str, *parts: tuple[str, str, bytes], actor: str = "repository") -> HttpAnswer:
        parts = parts or (TEXT,)
        includes = [(f"Document{n}", include(one[0])) for n, one in enumerate(parts, 1)]
        message = envelope(requests.ITI_41, requests.provide(submit, *includes))
        return self.send(actor, mtom(message, *parts), MTOM_TYPE)

    def find(self, actor: str = "registry", headers: str = "") -> HttpAnswer:
        asked = requests.find_documents(PATIENT)
        return self.send(actor, envelope(requests.ITI_18, asked, more_headers=headers))

    def retrieve(self, *ids: str, actor: str = "repository") -> HttpAnswer:
        message = mtom(envelope(requests.ITI_43, requests.retrieve(*ids, repository="2.999.352.2")))
        return self.send(actor, message, MTOM_TYPE)


@contextmanager
def opened(**ports: int) -> Iterator[tuple[Session, Practice]]:
    with session("Praxis", "4.2", "127.0.0.1", Ports(**ports), None, "2.999.352.2", {}, _hear) as here:
        practice = Practice(here)
        yield here, practice
        assert practice.wrong == []


def _hear(seen: object, standing: tuple[Outcome, ...]) -> None:
    assert {one.id for one in SCENARIOS} <= {one.plan for one in standing}


class Awaited:
    """Hears of a message, and that a line of the checklist is ticked."""

    def __init__(self, plan: str) -> None:
        self._plan = plan
        self.ticked = threading.Event()

    def hear(self, seen: object, standing: tuple[Outcome, ...]) -> None:
        if any(one.plan == self._plan and one.verdict is Verdict.PASSED for one in standing):
            self.ticked.set()


def verdicts(run: Run) -> dict[str, str]:
    return {one.plan: one.verdict.value for one in run.outcomes}


def record_of(transaction: str, name: str, event: str, action: str, objects: str) -> bytes:
    """The client's audit record of a transaction."""
    sides = {"110153": "Source Role ID", "110152": "Destination Role ID"}
    participants = "".join(
        f'<ActiveParticipant UserID="{role}" AlternativeUserID="1" UserIsRequestor="true" '
        f'NetworkAccessPointID="10.0.0.1" NetworkAccessPointTypeCode="2"><RoleIDCode csd-code="{role}" '
        f'codeSystemName="DCM" originalText="{text}"/></ActiveParticipant>'
        for role, text in sides.items()
    )
    return HEADER + on_the_wire(
        f'<AuditMessage><EventIdentification EventDateTime="2030-01-01T12:00:00Z" EventActionCode="{action}" '
        f'EventOutcomeIndicator="0"><EventID csd-code="{event}" codeSystemName="DCM" originalText="x"/>'
        f'<EventTypeCode csd-code="{transaction}" codeSystemName="IHE Transactions" originalText="{name}"/>'
        f"</EventIdentification>{participants}"
        f'<AuditSourceIdentification AuditSourceID="praxis"/>{objects}</AuditMessage>'
    )


def about(type: str, role: str, id: str, kind: tuple[str, str, str], inside: str = "") -> str:
    code, system, text = kind
    return (
        f'<ParticipantObjectIdentification ParticipantObjectID="{id.replace("&", "&amp;")}" '
        f'ParticipantObjectTypeCode="{type}" ParticipantObjectTypeCodeRole="{role}">'
        f'<ParticipantObjectIDTypeCode csd-code="{code}" codeSystemName="{system}" originalText="{text}"/>'
        f"{inside}</ParticipantObjectIdentification>"
    )


def detail(type: str, value: str) -> str:
    return f'<ParticipantObjectDetail type="{type}" value="{b64encode(value.encode()).decode()}"/>'


OF_PATIENT = about("1", "1", PATIENT, ("2", "RFC-3881", "Patient Number"))
OF_SET = about(
    "2", "20", "2.999.4.1",
    ("urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd", "IHE XDS Metadata",
     "submission set classificationNode"),
)  # fmt: skip
OF_QUERY = about(
    "2", "24", requests.FIND_DOCUMENTS, ("ITI-18", "IHE Transactions", "Registry Stored Query"),
    f"<ParticipantObjectQuery>{b64encode(b'<AdhocQueryRequest/>').decode()}</ParticipantObjectQuery>"
    + detail("QueryEncoding", "UTF-8"),
)  # fmt: skip
OF_DOCUMENT = about(
    "2", "3", "2.999.3.1", ("9", "RFC-3881", "Report Number"), detail("Repository Unique Id", "2.999.352.2")
)
RECORDS = (
    record_of("ITI-41", "Provide and Register Document Set-b", "110106", "R", OF_PATIENT + OF_SET),
    record_of("ITI-18", "Registry Stored Query", "110112", "E", OF_PATIENT + OF_QUERY),
    record_of("ITI-43", "Retrieve Document Set", "110107", "C", OF_PATIENT + OF_DOCUMENT),
)


def entries_of(answer: HttpAnswer) -> dict[str, str]:
    """uniqueId by entryUUID of a query's answer."""
    return {
        str(one.get("registryObject")): str(one.get("value"))
        for one in answer.found("ExternalIdentifier")
        if one.get("identificationScheme") == "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"
    }


def test_software_that_does_all_of_it_passes(tmp_path):
    authority = Authority(tmp_path)
    kit, practice_node = authority.issue("kit"), authority.issue("practice")
    tls = contexts(kit.certificate, kit.key, authority.certificate)
    theirs = ssl.create_default_context(cafile=str(authority.certificate))
    theirs.load_cert_chain(practice_node.certificate, practice_node.key)
    ports = Ports(https=0, mllp=0, audit_udp=free_port())
    audited = Awaited("audit")
    with session("Praxis", "4.2", "127.0.0.1", ports, tls, "2.999.352.2", {}, audited.hear) as here:
        practice = Practice(here, theirs)
        practice.at["registry (TLS)"] = practice.at["registry (TLS)"].replace("127.0.0.1", "localhost")
        assert (
            practice.send("registry", envelope(requests.ITI_44, requests.patient_added(PATIENT))).status
            == 200
        )
        with socket.create_connection(
            ("127.0.0.1", int(practice.at["identity (HL7 v2)"].rsplit(":")[-1]))
        ) as feed:
            feed.sendall(b"\x0b" + ADDED.encode() + b"\x1c\r")
            assert b"\rMSA|AA|m1\r" in feed.recv(4096)

        practice.provide(requests.submission(PATIENT).submit_objects_request)
        practice.provide(requests.submission(PATIENT, with_folder=True).submit_objects_request)
        (first, _) = entries_of(practice.find()).items()
        replacing = requests.association("Document1", first[0], requests.RPLC, id="rplc")
        new = changed(
            requests.submission(PATIENT).submit_objects_request,
            ("</rim:RegistryObjectList>", f"{replacing}</rim:RegistryObjectList>"),
        )
        assert practice.provide(new).status_urn == requests.SUCCESS
        found = entries_of(practice.find())
        assert first[0] not in found
        assert practice.retrieve(*found.values()).parts[1][1] == TEXT[2]

        consent = changed(
            requests.submission(PATIENT).submit_objects_request,
            ('nodeRepresentation="TEXT"', 'nodeRepresentation="urn:ihe:iti:bppc:2007"'),
            ("text/plain", "text/xml"),
        )
        practice.provide(consent, ("part1@wire", "text/xml", CONSENT.encode()))

        assert practice.find("registry in trouble").fault[0] == "Receiver"
        assert len(entries_of(practice.find("registry in trouble"))) == 3
        partial = practice.retrieve(*found.values(), actor="repository in trouble")
        assert (partial.status_urn, partial.codes) == (requests.PARTIAL_SUCCESS, ["XDSDocumentUniqueIdError"])
        practice.find("registry in trouble")

        practice.find("registry (TLS)", security(signed(assertion())))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for record in RECORDS:
                sender.sendto(record, ("127.0.0.1", ports.audit_udp or 0))
        assert audited.ticked.wait(ANSWER_TIMEOUT_SECONDS), verdicts(here.run())
        run = here.run()
        assert practice.wrong == []
    failed = {one.plan: one.reason for one in run.outcomes if one.verdict is not Verdict.PASSED}
    assert failed == {}
    assert run.passed
    assert {one.id for one in SCENARIOS} | {"messages-iti-8", "messages-iti-44"} <= verdicts(run).keys()


def test_nothing_done_is_nothing_said():
    with opened() as (here, _):
        run = here.run()
        assert set(verdicts(run).values()) == {"not run"}
        assert not run.passed


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("20240102030405", "2024-01-02", "creationTime is spelled as DTM"),
        (
            'classificationScheme="urn:uuid:41a5887f',
            'classificationScheme="urn:uuid:41a5887e',
            "requires classCode",
        ),
        (">Original<", ">Fresh<", "a membership says whether its document is new"),
    ],
)
def test_a_wrong_submission_is_refused_with_the_reason_and_not_ticked(old, new, rule):
    with opened() as (here, practice):
        answer = practice.provide(changed(requests.submission(PATIENT).submit_objects_request, (old, new)))
        assert answer.status_urn == requests.FAILURE
        assert {code for code, _ in answer.errors} == {"XDSRepositoryMetadataError"}
        assert any(rule in context for _, context in answer.errors)
        run = here.run()
        assert (verdicts(run)["submit"], verdicts(run)["messages-iti-41"]) == ("failed", "failed")
        (exchange,) = next(one for one in run.outcomes if one.plan == "submit").exchanges
        assert any(rule in one.rule for one in exchange.findings)
        practice.provide(requests.submission(PATIENT).submit_objects_request)
        assert verdicts(here.run())["submit"] == "passed"


def test_a_consent_document_with_errors_is_no_consent():
    with opened() as (here, practice):
        consent = changed(
            requests.submission(PATIENT).submit_objects_request,
            ('nodeRepresentation="TEXT"', 'nodeRepresentation="urn:ihe:iti:bppc:2007"'),
        )
        practice.provide(consent, ("part1@wire", "text/xml", CONSENT.replace("57016-8", "57016-7").encode()))
        outcome = next(one for one in here.run().outcomes if one.plan == "consent")
        assert (outcome.verdict, outcome.reason.split(".")[0]) == (
            Verdict.FAILED,
            "The consent document has errors",
        )
        assert [one.rule for one in outcome.findings] == ["an acknowledgement has its code"]


@pytest.mark.parametrize("body", [b"", b"no XML", b"<a/>", envelope("urn:unknown", "<x/>")])
def test_what_is_no_transaction_gets_a_fault(body):
    with opened() as (here, practice):
        answer = post(practice.at["registry"], body)
        assert (answer.status, answer.fault[0]) == (400, "Sender")
        assert "failed" in verdicts(here.run()).values()


def test_what_a_registry_refuses_is_refused():
    """ITI TF-2: 3.42.4.1.3."""
    with opened() as (_, practice):
        sent = requests.submission(PATIENT, with_folder=True).submit_objects_request
        assert practice.provide(sent).status_urn == requests.SUCCESS
        assert set(practice.provide(sent).codes) == {"XDSDuplicateUniqueIdInRegistry"}
        other = ("part1@wire", "text/plain", b"other bytes")
        assert "XDSNonIdenticalHash" in practice.provide(sent, other).codes
        nowhere = requests.association("Document1", requests.fresh_uuid(), requests.RPLC, id="rplc")
        new = requests.submission(PATIENT).submit_objects_request
        new = new.replace("</rim:RegistryObjectList>", f"{nowhere}</rim:RegistryObjectList>")
        assert practice.provide(new).codes == ["UnresolvedReferenceException"]
        assert practice.retrieve("2.999.404").codes == ["XDSDocumentUniqueIdError"]


def test_a_body_may_come_in_chunks_and_not_be_endless(monkeypatch):
    """RFC 9112: 7.1."""
    with opened() as (_, practice):
        message = envelope(requests.ITI_18, requests.find_documents(PATIENT))
        pieces = [message[:100], message[100:]]
        answer = post(practice.at["registry"], pieces, "application/soap+xml")
        assert (answer.status, answer.status_urn) == (200, requests.SUCCESS)
        monkeypatch.setattr("conformance.client.endpoints.MAX_BODY_BYTES", len(message) - 1)
        assert post(practice.at["registry"], message).status == 413
        assert post(practice.at["registry"], pieces).status == 413


def test_who_comes_when_all_places_are_taken_is_let_go(monkeypatch):
    monkeypatch.setattr("conformance.client.endpoints.MAX_CONNECTIONS", 1)
    with opened() as (_, practice):
        address = ("127.0.0.1", int(practice.at["registry"].split(":")[2].split("/")[0]))
        with socket.create_connection(address) as first:
            first.sendall(b"POST /registry HTTP/1.1\r\n")
            with socket.create_connection(address, ANSWER_TIMEOUT_SECONDS) as second:
                assert second.recv(1) == b""
