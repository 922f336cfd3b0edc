"""What becomes known about one request on its way, kept for its audit record (ITI TF-2: 3.20)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from exchange.audit_trail import AuditedDocument, Happening
from exchange.call import Call
from exchange.subject import Software
from ihe.audit_events import Outcome
from ihe.http_transactions import HttpTransaction
from ihe.namespaces import ANONYMOUS
from ihe.transactions import ITI_41, Transaction
from xua.user import User


@dataclass(frozen=True, slots=True)
class Node:
    """This process, as audit records name it."""

    process_id: str
    audit_source_id: str


# What the record says of a change after which nothing more was heard of its request. The change of an
# ITI-41 is that its documents are stored, and the submission may yet have been refused.
CUT_OFF = "done, and cut off before it was answered"
CUT_OFF_STORED = "its documents were stored; cut off before it was answered, if registered, so by an ITI-42"


@dataclass(slots=True)
class Diary:
    """Filled in step by step; whatever is known when the request ends goes into its record."""

    call: Call
    node: Node
    at: datetime | None = None
    """When it was done, once that has begun; its record tells the same time whenever it is written."""
    transaction: Transaction | HttpTransaction | None = None
    reply_to: str = ANONYMOUS
    outcome: Outcome = Outcome.SUCCESS
    outcome_text: str = ""
    patient_ids: tuple[str, ...] = ()
    obsolete_patient_ids: tuple[str, ...] = ()
    submission_set_unique_id: str = ""
    query_id: str = ""
    query_xml: bytes = b""
    home_community_id: str = ""
    message_id: str = ""
    change: str = ""
    removed_entry_uuids: tuple[str, ...] = ()
    removed_titles: Mapping[str, str] = field(default_factory=dict)
    access_reasons: tuple[str, ...] = ()
    opened_by_emergency: tuple[str, ...] = ()
    documents: tuple[AuditedDocument, ...] = ()
    failed_documents: tuple[AuditedDocument, ...] = field(default=())
    failure_text: str = ""
    user: User | None = None
    user_refused: bool = False
    software: Software | None = None
    software_refused: bool = False

    def failed(self, outcome: Outcome, text: str) -> None:
        """The whole request failed, for this reason."""
        self.outcome, self.outcome_text = outcome, text

    def cut_off(self, at: datetime) -> Happening:
        """What there is to tell if nothing more is heard of the request from now on."""
        self.at = at
        if self.transaction is ITI_41:
            return self._happening(at, Outcome.SERIOUS, CUT_OFF_STORED, self.documents)
        return self._happening(at, Outcome.SUCCESS, CUT_OFF, self.documents)

    def happenings(self, at: datetime) -> tuple[Happening, ...]:
        """One happening, and a second for the documents that could not be had where others could."""
        at = self.at or at
        whole = self._happening(at, self.outcome, self.outcome_text, self.documents)
        if not self.failed_documents:
            return (whole,)
        rest = self._happening(at, Outcome.MINOR, self.failure_text, self.failed_documents)
        return (whole, rest) if self.documents else (rest,)

    def _happening(
        self, at: datetime, outcome: Outcome, text: str, documents: tuple[AuditedDocument, ...]
    ) -> Happening:
        return Happening(
            transaction=self.transaction,
            at=at,
            outcome=outcome,
            outcome_text=text,
            we_are="server",
            peer_user_id=self.reply_to,
            peer_address=self.call.peer_address,
            peer_name=self.call.peer_certificate.subject if self.call.peer_certificate else "",
            endpoint=self.call.endpoint,
            endpoint_address=self.call.endpoint_address,
            process_id=self.node.process_id,
            audit_source_id=self.node.audit_source_id,
            patient_ids=self.patient_ids,
            obsolete_patient_ids=self.obsolete_patient_ids,
            submission_set_unique_id=self.submission_set_unique_id,
            query_id=self.query_id,
            query_xml=self.query_xml,
            home_community_id=self.home_community_id,
            documents=documents,
            removed_entry_uuids=self.removed_entry_uuids,
            removed_titles=self.removed_titles,
            access_reasons=self.access_reasons,
            opened_by_emergency=self.opened_by_emergency,
            message_id=self.message_id,
            change=self.change,
            user=self.user,
            user_refused=self.user_refused,
            software=str(self.software or ""),
            software_refused=self.software_refused,
        )
