"""Steps beside web services: TLS handshakes, HL7 v2 messages, and the audit records of what was done."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from conformance.handshakes import handshake
from conformance.means import Means
from conformance.messages.hl7v2 import acknowledgement, adt
from conformance.names import Names
from conformance.plan import BadPlan, Plan
from conformance.results import Exchange, Finding, Severity
from conformance.schemas import errors_of
from conformance.target import Target

SENDS = frozenset({"handshake", "adt", "audit"})


def take_beside(
    plan: Plan,
    names: Names,
    target: Target,
    means: Means,
    step: tuple[str, Mapping[str, Any], Mapping[str, Any]],
    number: int,
) -> Exchange:
    """Do one of these steps, and judge what came of it."""
    send, said, expect = step
    started = datetime.now(UTC)
    match send:
        case "handshake":
            url = target.endpoints.repository if said.get("to") == "repository" else target.endpoints.registry
            outcome = handshake(target, url, said)
            findings = tuple(_of_handshake(plan, outcome, expect))
            sent, received, title = _in_words(said), outcome.encode(), "TLS handshake"
        case "adt":
            sent = adt(names, said, number)
            received = target.mllp(means.mllp, sent).body
            findings = tuple(_of_acknowledgement(plan, sent, received, expect))
            title = f"ITI-8 ADT {said.get('event', 'A01')}"
        case _:
            record = means.sink.find(str(said["of"]), str(said["mentions"])) if means.sink else None
            sent = b""
            received = b"" if record is None else etree.tostring(record)
            findings = tuple(_of_record(plan, record, expect))
            title = f"Audit record of {said['of']}"
    ended = datetime.now(UTC)
    actor = "audit" if send == "audit" else "registry"
    return Exchange(title, actor, send, sent, received, started, (ended - started).total_seconds(), findings)


def _of_handshake(plan: Plan, outcome: str, expect: Mapping[str, Any]) -> Iterator[Finding]:
    wanted = str(expect["handshake"])
    if not outcome.startswith(wanted):
        fix = (
            "Speak with such a node." if wanted == "accepted" else "Refuse such a node during the handshake."
        )
        yield _wrong(plan, "TLS", outcome, wanted, fix)


def _of_acknowledgement(
    plan: Plan, sent: bytes, received: bytes, expect: Mapping[str, Any]
) -> Iterator[Finding]:
    code, control = acknowledgement(received)
    if code not in str(expect.get("msa", "AA")).split("|"):
        yield _wrong(plan, "MSA-1", code or "no MSA", str(expect.get("msa", "AA")), "Acknowledge so.")
    asked = sent.split(b"|")[9].decode() if sent.startswith(b"MSH") else ""
    if control != asked:
        yield _wrong(plan, "MSA-2", control, asked, "Repeat MSH-10 of the message.")


def _of_record(plan: Plan, record: etree._Element | None, expect: Mapping[str, Any]) -> Iterator[Finding]:
    """The record is valid, and these XPaths are true of it."""
    if record is None:
        yield _wrong(plan, "ITI-20", "no record came", "a record", "Record what was done, and deliver it.")
        return
    for error in errors_of(record):
        yield Finding(
            Severity.ERROR, error.path, "a record is valid against its schema", "DICOM PS3.15 A.5",
            error.reason, "what the schema allows", "Write the record as the schema has it.",
        )  # fmt: skip
    for word, wanted in expect.items():
        if word != "matches":
            raise BadPlan(f"{plan.id}: {word!r} is no expectation of an audit record")
        for path in wanted:
            if record.xpath(f"boolean({path})") is not True:
                yield _wrong(
                    plan, path, "this is not so", "this is so", "Record it as DICOM PS3.15 and IHE say."
                )


def _in_words(said: Mapping[str, Any]) -> bytes:
    return ", ".join(f"{word} {value}" for word, value in said.items() if word != "title").encode()


def _wrong(plan: Plan, where: str, seen: str, expected: str, fix: str) -> Finding:
    return Finding(Severity.ERROR, where, plan.requirement, plan.section, seen, expected, fix)
