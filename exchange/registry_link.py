"""The repository's way to its registry: a whole ITI-42 message, wherever the registry is (ITI TF-2: 3.42)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import schemas
from ebxml.model import RegistryResponse, Submission
from ebxml.read import AnswerNotUnderstood, read_registry_response
from ebxml.write import write_submit_objects_request
from exchange.audit_trail import Happening, audit_messages_of
from exchange.diary import Node
from exchange.ports import AuditTrail, Clock, NewUuid, RegistryUnreachable
from exchange.replies import SOAP_CONTENT_TYPE
from ihe.audit_events import Outcome
from ihe.error_codes import ResponseStatus
from ihe.transactions import ITI_42
from soap.envelope import ENVELOPE_TAIL, envelope_head, read_envelope
from soap.fault import FaultCode, SoapFault, read_fault

Send = Callable[[bytes, str], Awaitable[bytes]]
"""Posts a message of this content type and returns the answer's bytes; raises RegistryUnreachable."""


@dataclass(frozen=True, slots=True)
class RegistryLink:
    """Speaks ITI-42 as the repository, and keeps the source's side of its audit record (3.42.5.1)."""

    send: Send
    registry_url: str
    registry_address: str
    our_address: str
    repository_url: str
    node: Node
    audit: AuditTrail
    clock: Clock
    new_uuid: NewUuid

    async def register(self, submission: Submission) -> RegistryResponse:
        """Send the submission and return the registry's answer unchanged."""
        head = envelope_head(action=ITI_42.action, message_id=self.new_uuid(), to=self.registry_url)
        message = head + write_submit_objects_request(submission) + ENVELOPE_TAIL
        try:
            response = _understand(await self.send(message, f'{SOAP_CONTENT_TYPE}; action="{ITI_42.action}"'))
        except RegistryUnreachable as problem:
            await self._record(submission, Outcome.SERIOUS, str(problem))
            raise
        failed = response.status is ResponseStatus.FAILURE
        text = "; ".join(error.code for error in response.errors) if failed else ""
        await self._record(submission, Outcome.MINOR if failed else Outcome.SUCCESS, text)
        return response

    async def _record(self, submission: Submission, outcome: Outcome, text: str) -> None:
        submission_set = submission.submission_set
        happening = Happening(
            transaction=ITI_42,
            at=self.clock(),
            outcome=outcome,
            outcome_text=text,
            we_are="client",
            peer_user_id=self.repository_url,
            peer_address=self.registry_address,
            endpoint=self.registry_url,
            endpoint_address=self.our_address,
            process_id=self.node.process_id,
            audit_source_id=self.node.audit_source_id,
            patient_ids=(submission_set.patient_id,) if submission_set.patient_id else (),
            submission_set_unique_id=submission_set.unique_id or "",
        )
        await self.audit.record(*audit_messages_of(happening))


def _understand(answer: bytes) -> RegistryResponse:
    try:
        envelope = read_envelope(
            schemas.parse(answer), fallback_action=ITI_42.response_action, message_id_required=False
        )
    except (schemas.NotParsable, SoapFault) as problem:
        raise RegistryUnreachable(f"the registry's answer cannot be read: {problem}", sent=True) from problem
    if fault := read_fault(envelope.body):
        # A Sender fault says that the message was not taken in; a Receiver fault may come after the commit.
        raise RegistryUnreachable(
            f"the registry answered with a fault: {fault.reason}", sent=fault.code is not FaultCode.SENDER
        )
    try:
        return read_registry_response(envelope.body)
    except AnswerNotUnderstood as problem:
        raise RegistryUnreachable(
            f"the registry answered with something else: {problem}", sent=True
        ) from problem
