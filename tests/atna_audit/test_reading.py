"""Stored records in short (ITI TF-2: 3.20.7)."""

from datetime import UTC, datetime

from atna_audit.reading import AuditSummary, summaries
from audit_message.write import write_audit_message
from exchange.audit_trail import AuditedDocument, Happening, actor_started, audit_messages_of
from ihe.audit_events import Outcome
from ihe.transactions import ITI_41, ITI_43, Transaction

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
PATIENT = "p1^^^&2.999.5&ISO"


def records(
    transaction: Transaction | None, outcome: Outcome, text: str = "", reply_to: str = ""
) -> list[bytes]:
    happening = Happening(
        transaction=transaction,
        at=NOON,
        outcome=outcome,
        outcome_text=text,
        we_are="server",
        peer_user_id=reply_to or "http://www.w3.org/2005/08/addressing/anonymous",
        peer_address="10.0.0.5",
        endpoint="https://server.example/xds",
        endpoint_address="10.0.0.6",
        process_id="4711",
        audit_source_id="server.example",
        patient_ids=(PATIENT,),
        submission_set_unique_id="2.999.20.9",
        documents=(AuditedDocument("2.999.3.77", "2.999.2.1"), AuditedDocument("2.999.3.78", "2.999.2.1")),
    )
    return [write_audit_message(message) for message in audit_messages_of(happening)]


def test_a_submission_shows_who_gave_what_for_whom() -> None:
    """ITI TF-2: 3.41.5.1."""
    assert list(summaries(records(ITI_41, Outcome.SUCCESS))) == [
        AuditSummary(
            at=NOON,
            event="ITI-41 Provide and Register Document Set-b",
            action="C",
            outcome=Outcome.SUCCESS,
            who=("10.0.0.5",),
            patients=("p1^^^&2.999.5&ISO",),
            submission_sets=("2.999.20.9",),
            documents=("2.999.3.77", "2.999.3.78"),
            audit_source="server.example",
        )
    ]


def test_a_failed_retrieve_shows_the_documents_and_the_reason() -> None:
    """ITI TF-2: 3.43.5.1."""
    failed = records(ITI_43, Outcome.MINOR, "XDSDocumentUniqueIdError", "https://peer.example/answers")
    assert list(summaries(failed)) == [
        AuditSummary(
            at=NOON,
            event="ITI-43 Retrieve Document Set",
            action="R",
            outcome=Outcome.MINOR,
            outcome_description="XDSDocumentUniqueIdError",
            who=("https://peer.example/answers at 10.0.0.5",),
            patients=("p1^^^&2.999.5&ISO",),
            documents=("2.999.3.77", "2.999.3.78"),
            audit_source="server.example",
        )
    ]


def test_an_alert_shows_the_peer_it_is_about() -> None:
    """DICOM PS3.15 A.5.3.11: there the requestor is who reports."""
    (summary,) = summaries(records(None, Outcome.MINOR, "no SOAP message"))
    assert (summary.event, summary.who, summary.outcome_description) == (
        "Unreadable Message",
        ("10.0.0.5",),
        "no SOAP message",
    )


def test_the_start_of_an_actor_shows_the_actor() -> None:
    """DICOM PS3.15 A.5.3.1."""
    started = write_audit_message(actor_started(NOON, "coffre", "server.example", "4711", "server.example"))
    (summary,) = summaries([started])
    assert (summary.event, summary.who) == ("Application Start", ("coffre at server.example",))


def test_a_record_that_cannot_be_read_does_not_hide_the_next() -> None:
    """ITI TF-2: 3.20.4.1: a repository keeps what it cannot parse."""
    first, second = summaries([b"<Bundle/>", *records(ITI_41, Outcome.SUCCESS)])
    assert first == AuditSummary(problem="the root is Bundle, AuditMessage was expected")
    assert second.problem == ""
