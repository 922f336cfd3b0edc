"""The checklist: what to do with the software under test, and how one sees that it was done."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lxml import etree

from conformance.answer import values_of
from conformance.client.observed import Observation, of
from conformance.judging.documents import contents_of
from conformance.judging.message import judge
from conformance.results import Exchange, Finding, Outcome, Severity, Verdict
from ihe.associations import HAS_MEMBER, RPLC, XFRM_RPLC

Seen = tuple[Observation, ...]

_SUBMISSIONS = ("ITI-41", "ITI-42")
_FOLDER_NODE = "urn:uuid:d9d542f3-6cc4-48b6-8870-ea235fbc94c2"
_FORMATS_OF_CONSENT = {"urn:ihe:iti:bppc:2007", "urn:ihe:iti:bppc-sd:2007"}
_AUDITED = ("ITI-41", "ITI-42", "ITI-18", "ITI-43")


@dataclass(frozen=True)
class Ticked:
    """Whether it was seen, what is missing if not, and the messages that show it or tried to."""

    done: bool
    missing: str = ""
    shown_by: Seen = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Scenario:
    """One line of the checklist; `todo` tells the tester what to do."""

    id: str
    actor: str
    title: str
    section: str
    todo: str
    look: Callable[[Seen], Ticked]


def outcomes(observed: Seen) -> tuple[Outcome, ...]:
    """The checklist as it stands, then every transaction that was seen and whether all of it was right."""
    ticked = [(scenario, scenario.look(observed)) for scenario in SCENARIOS]
    found = [_outcome(scenario, one) for scenario, one in ticked]
    return (*found, *_every_message(observed))


def _outcome(scenario: Scenario, ticked: Ticked) -> Outcome:
    tried = bool(ticked.shown_by)
    verdict = Verdict.PASSED if ticked.done else Verdict.FAILED if tried else Verdict.NOT_RUN
    reason = "" if ticked.done else f"{ticked.missing}. {scenario.todo}"
    exchanges = tuple(one.exchange for one in ticked.shown_by)
    return Outcome(
        scenario.id, "Checklist", scenario.actor, "", scenario.title, scenario.section, verdict, reason,
        exchanges, ticked.findings,
    )  # fmt: skip


def _every_message(observed: Seen) -> Iterator[Outcome]:
    for number in sorted({one.transaction for one in observed}):
        messages = list(of(observed, number))
        wrong = [one for one in messages if not one.good]
        exchanges: tuple[Exchange, ...] = tuple(one.exchange for one in messages)
        reason = f"{len(wrong)} of {len(messages)} messages have errors" if wrong else ""
        verdict = Verdict.FAILED if wrong else Verdict.PASSED
        yield Outcome(
            f"messages-{number.lower()}", "Every message", "", number, f"Every message of {number} is right",
            f"ITI TF-2: 3.{number.removeprefix('ITI-')}", verdict, reason, exchanges,
        )  # fmt: skip


def _done_by(shown: Seen, missing: str, tried: Seen = ()) -> Ticked:
    return Ticked(True, "", shown) if shown else Ticked(False, missing, tried)


def _submit_one(observed: Seen) -> Ticked:
    tried = tuple(one for one in of(observed, *_SUBMISSIONS) if one.find("//rim:ExtrinsicObject"))
    good = tuple(one for one in tried if one.taken)
    return _done_by(good[:1], "No submission of a document was taken", tried)


def _replace(observed: Seen) -> Ticked:
    kinds = f"//rim:Association[@associationType='{RPLC.urn}' or @associationType='{XFRM_RPLC.urn}']"
    tried = tuple(one for one in of(observed, *_SUBMISSIONS) if one.find(kinds))
    return _done_by(
        tuple(one for one in tried if one.taken)[:1], "No replacement of a document was taken", tried
    )


def _with_folder(observed: Seen) -> Ticked:
    tried = tuple(
        one
        for one in of(observed, *_SUBMISSIONS)
        if one.find(f"//rim:RegistryPackage[rim:Classification/@classificationNode='{_FOLDER_NODE}']")
    )
    good = tuple(one for one in tried if one.taken and _puts_a_document_into_a_folder(one))
    return _done_by(good[:1], "No submission put a document into a Folder", tried)


def _puts_a_document_into_a_folder(one: Observation) -> bool:
    folders = {
        node.get("id")
        for node in one.find(
            f"//rim:RegistryPackage[rim:Classification/@classificationNode='{_FOLDER_NODE}']"
        )
    }
    members = one.find(f"//rim:Association[@associationType='{HAS_MEMBER.urn}']")
    return any(node.get("sourceObject") in folders for node in members)


def _query_and_retrieve(observed: Seen) -> Ticked:
    told: set[str] = set()
    query: Observation | None = None
    tried = tuple(of(observed, "ITI-18", "ITI-51", "ITI-43"))
    for one in tried:
        if one.transaction != "ITI-43" and one.taken and one.told:
            told |= one.told
            query = one
        elif one.transaction == "ITI-43" and one.taken and query and one.asked & told:
            return Ticked(True, "", (query, one))
    missing = "Nothing that a query told of was retrieved" if told else "No query found anything"
    return Ticked(False, missing, tried)


def _consent(observed: Seen) -> Ticked:
    tried, findings = [], []
    for one in of(observed, *_SUBMISSIONS):
        entries = [node for node in one.find("//rim:ExtrinsicObject") if _is_consent(node)]
        if not entries:
            continue
        tried.append(one)
        bodies = one.find("/soap:Envelope/soap:Body/*")
        contents = contents_of(bodies[0], one.judgement.parts) if bodies else {}
        judged = [judge(contents[node.get("id", "")]) for node in entries if node.get("id") in contents]
        wrong = [found for each in judged for found in each.findings if found.severity is Severity.ERROR]
        if one.taken and judged and not wrong:
            return Ticked(True, "", (one,))
        findings += wrong
    missing = "The consent document has errors" if findings else "No consent document was taken"
    return Ticked(False, missing, tuple(tried), tuple(findings))


def _is_consent(entry: etree._Element) -> bool:
    codes = values_of(entry, "DocumentEntry", "formatCode")
    return any(code.partition("^^")[0] in _FORMATS_OF_CONSENT for code in codes)


def _trouble(observed: Seen) -> Ticked:
    there = tuple(one for one in observed if one.trouble)
    faults = [number for number, one in enumerate(there) if one.answered == "fault" and one.good]
    after_fault = [one for one in there[faults[0] + 1 :] if one.good] if faults else []
    partial = [number for number, one in enumerate(there) if one.answered == "PartialSuccess" and one.good]
    after_partial = [one for one in there[partial[0] + 1 :] if one.good] if partial else []
    if after_fault and after_partial:
        return Ticked(True, "", (there[faults[0]], after_fault[0], there[partial[0]], after_partial[0]))
    missing = [
        *([] if faults else ["no query was sent to /trouble/registry"]),
        *(["nothing came after the fault"] if faults and not after_fault else []),
        *([] if partial else ["no retrieval of two documents was sent to /trouble/repository"]),
        *(["nothing came after the partial success"] if partial and not after_partial else []),
    ]
    return Ticked(False, "; ".join(missing).capitalize(), there)


def _tls_and_xua(observed: Seen) -> Ticked:
    tried = tuple(one for one in observed if one.tls or one.find("//saml:Assertion"))
    good = tuple(one for one in tried if one.certificate and one.taken and one.find("//saml:Assertion"))
    return _done_by(
        good[:1], "No message came over TLS with a client certificate and an assertion", tried[:1]
    )


def _audit(observed: Seen) -> Ticked:
    records = tuple(of(observed, "ITI-20"))
    done = {one.transaction for one in of(observed, *_AUDITED) if one.taken}
    recorded = {
        node.get("csd-code", "")
        for one in records
        if one.good
        for node in one.find("/AuditMessage/EventIdentification/EventTypeCode")
    }
    if done and done <= recorded:
        return Ticked(True, "", records)
    if not done:
        return Ticked(False, "Nothing was done yet that could be recorded", ())
    missing = ", ".join(sorted(done - recorded))
    return Ticked(False, f"No right record came of {missing}", records)


SCENARIOS = (
    Scenario("submit", "Document Source", "Submit one document", "ITI TF-2: 3.41",
             "Send a document to the repository by Provide and Register Document Set-b.", _submit_one),
    Scenario("replace", "Document Source", "Replace it", "ITI TF-3: 4.2.2.2.3",
             "Send a new version of a document sent before, with an RPLC association.", _replace),
    Scenario("folder", "Document Source", "Submit with a folder", "ITI TF-3: 4.2.1",
             "Send a document in a Folder, joined to it by HasMember.", _with_folder),
    Scenario("query-and-retrieve", "Document Consumer", "Query and retrieve", "ITI TF-2: 3.18, 3.43",
             "Find the documents of the patient, and retrieve one that was found.", _query_and_retrieve),
    Scenario("consent", "Content Creator", "Send a consent", "ITI TF-3: 5.1",
             "Send a privacy policy acknowledgement (BPPC) as a document.", _consent),
    Scenario("trouble", "Document Consumer", "Cope with partial success and faults", "ITI TF-3: 4.2.4.1",
             "Work with /trouble/registry and /trouble/repository: query, and again after the fault; "
             "retrieve two documents at once, and go on.", _trouble),
    Scenario("tls-and-xua", "X-Service User", "Use TLS and XUA", "ITI TF-2: 3.19, 3.40",
             "Use the TLS address with your client certificate, and show the user's assertion.",
             _tls_and_xua),
    Scenario("audit", "Secure Node", "Audit what you did", "ITI TF-2: 3.20",
             "Send the audit record of everything that you did to the audit port.", _audit),
)  # fmt: skip
