"""The only place where an exception becomes an answer (ITI TF-3: 4.2.4; SOAP 1.2 Part 1: 5.4)."""

import base64
import logging
import traceback
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from itertools import zip_longest
from pathlib import Path

from ebxml.refused import Refused
from exchange.call import Answer, Interrupted
from exchange.conversation import AnyConversation, Message, Reply
from exchange.diary import Diary
from exchange.ports import NewUuid, OutcomeUnknown
from exchange.software import NotAttested
from ihe.audit_events import Outcome
from ihe.error_codes import LOCAL_POLICY_RESTRICTION_ERROR, REGISTRY_ERROR, REPOSITORY_ERROR
from ihe.namespaces import WSSE
from ihe.transactions import ITI_92
from soap.envelope import ENVELOPE_TAIL, envelope_head
from soap.fault import SoapFault, write_fault
from soap.mtom import Encoder, xop_include
from xua.refused import NotAccepted

log = logging.getLogger("coffre.exchange")

SOAP_CONTENT_TYPE = "application/soap+xml; charset=UTF-8"

# Base64 of a multiple of three bytes has no padding, so the pieces of one document join up.
INLINE_GROUP_BYTES = 3

# What an internal failure is called at each actor (ITI TF-3: Table 4.2.4.1-2).
TROUBLE = {"registry": REGISTRY_ERROR, "repository": REPOSITORY_ERROR}

# What it is called that somebody may not do it, where that has a name of its own (RMU supplement: 3.92).
NOT_PERMITTED = {ITI_92: LOCAL_POLICY_RESTRICTION_ERROR}


# WSS has no word for software; by its text this one is for a token, here the certificate, that could not be
# authorized (WSS SOAP Message Security 1.1: 12).
NOT_ATTESTED = (WSSE, "FailedAuthentication")


class BrokenOff(Exception):
    """An answer that could not be sent to its end; the peer sees its connection close."""


class Forbidden(Exception):
    """The consent broker said no; its reasons go to the record, not to the peer."""


def explain(
    problem: Exception,
    diary: Diary,
    message: Message | None,
    conversation: AnyConversation | None,
    new_uuid: NewUuid,
) -> Answer:
    """Say what went wrong: RegistryErrors, a SOAP fault, or a bare error with a reference into our log."""
    match problem:
        case Refused():
            text = "; ".join(f"{error.code}: {error.context}" for error in problem.errors)
            diary.failed(Outcome.MINOR, text)
            diary.patient_ids = tuple(dict.fromkeys((*diary.patient_ids, *problem.patient_ids)))
            if message and conversation:
                reply = conversation.refusal(problem.errors, message)
                return answer_with(reply, message, conversation, new_uuid)
            return answer_fault(SoapFault.receiver(text), message, new_uuid)
        case SoapFault():
            diary.failed(Outcome.MINOR, problem.reason)
            return answer_fault(problem, message, new_uuid)
        case NotAccepted():
            fault = SoapFault.sender(problem.refusal.rule, problem.refusal.subcode)
            return explain(fault, diary, message, conversation, new_uuid)
        case NotAttested():
            fault = SoapFault.sender(str(problem), NOT_ATTESTED)
            return explain(fault, diary, message, conversation, new_uuid)
        case Interrupted():
            diary.failed(Outcome.MINOR, "the peer went away before its request was complete")
            return answer_fault(SoapFault.sender("the request was cut off"), message, new_uuid)
        case OutcomeUnknown():
            # Failure would say that nothing was done; a repository would remove what may be registered.
            said = "the database went away; what was sent was done, or nothing of it was"
            diary.failed(Outcome.SERIOUS, said)
            return answer_fault(SoapFault.receiver(said), message, new_uuid)
        case Forbidden():
            diary.failed(Outcome.MINOR, f"not permitted: {'; '.join(map(str, problem.args))}")
            said = "not permitted"
        case _:
            reference = new_uuid()
            log.error("request %s failed: %s", reference, where(problem))
            diary.failed(Outcome.SERIOUS, f"{type(problem).__name__} (reference {reference})")
            said = f"internal error, reference {reference}"
    if message and conversation:
        code = TROUBLE[conversation.transaction.actor]
        if isinstance(problem, Forbidden):
            code = NOT_PERMITTED.get(conversation.transaction, code)
        errors = (code.error(said),)
        return answer_with(conversation.refusal(errors, message), message, conversation, new_uuid)
    return answer_fault(SoapFault.receiver(said), message, new_uuid)


def unavailable(problem: Exception, message: Message | None, new_uuid: NewUuid) -> Answer:
    """The record could not be made durable, so nothing else may leave (fail closed)."""
    log.critical("the audit trail cannot be written: %s", problem)
    return answer_fault(SoapFault.receiver("the audit trail is not available"), message, new_uuid)


def answer_fault(fault: SoapFault, message: Message | None, new_uuid: NewUuid) -> Answer:
    """A fault always travels as plain SOAP: what failed may be the packaging itself."""
    relates_to = message.envelope.message_id if message else ""
    body = write_fault(fault, message_id=new_uuid(), relates_to=relates_to)
    return Answer(fault.http_status, SOAP_CONTENT_TYPE, body)


def answer_with(reply: Reply, message: Message, conversation: AnyConversation, new_uuid: NewUuid) -> Answer:
    """Wrap a reply in the packaging its request came in (ITI TF-2: V.3.6)."""
    action = conversation.transaction.response_action
    head = envelope_head(action=action, message_id=new_uuid(), relates_to=message.envelope.message_id)
    whole = _whole(reply)
    if message.mtom:
        # A random boundary: no document can be made to contain it.
        encoder = Encoder(
            boundary=new_uuid().rpartition(":")[2], root_content_id="root@coffre", action=action
        )
        if whole is not None:
            body = b"".join((encoder.root_head(), head, whole, ENVELOPE_TAIL, encoder.closing()))
            return Answer(200, encoder.content_type, body)
        return Answer(200, encoder.content_type, _unbroken(_parts(encoder, head, reply)))
    content_type = f'{SOAP_CONTENT_TYPE}; action="{action}"'
    if reply.documents:
        return Answer(200, content_type, _unbroken(_inline(head, reply)))
    if whole is None:
        return Answer(200, content_type, _unbroken(_read(head, *reply.pieces, ENVELOPE_TAIL)))
    return Answer(200, content_type, b"".join((head, whole, ENVELOPE_TAIL)))


def _whole(reply: Reply) -> bytes | None:
    """All of a reply where all is known: its length is told, so a peer knows its end before we close."""
    known = [piece for piece in reply.pieces if isinstance(piece, bytes)]
    return None if reply.documents or len(known) < len(reply.pieces) else b"".join(known)


async def _unbroken(body: AsyncGenerator[bytes]) -> AsyncIterator[bytes]:
    """The body, or a broken connection: its status line is out, and half an answer must not look whole."""
    async with aclosing(body):
        try:
            async for chunk in body:
                yield chunk
        except Exception as problem:
            log.error("an answer broke off: %s", where(problem))
            # The cause may hold patient data, and whoever closes the connection logs what it is given.
            raise BrokenOff from None


async def _read(*pieces: bytes | AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
        else:
            async for chunk in piece:
                yield chunk


async def _parts(encoder: Encoder, head: bytes, reply: Reply) -> AsyncGenerator[bytes]:
    names = [f"document{number}@coffre" for number, _ in enumerate(reply.documents, 1)]
    root = bytearray(encoder.root_head() + head)
    for piece, name in zip_longest(reply.pieces, names):
        if isinstance(piece, bytes):
            root += piece
        else:
            yield bytes(root)
            root.clear()
            async for chunk in piece:
                yield chunk
        if name:
            root += xop_include(name)
    yield bytes(root + ENVELOPE_TAIL)
    for name, document in zip(names, reply.documents, strict=True):
        yield encoder.part_head(name, document.mime_type)
        async for chunk in document.chunks:
            yield chunk
    yield encoder.closing()


async def _inline(head: bytes, reply: Reply) -> AsyncGenerator[bytes]:
    yield head
    for piece, document in zip_longest(reply.pieces, reply.documents):
        async for chunk in _read(piece):
            yield chunk
        rest = b""
        if document:
            async for chunk in document.chunks:
                rest += chunk
                whole = len(rest) - len(rest) % INLINE_GROUP_BYTES
                yield base64.b64encode(rest[:whole])
                rest = rest[whole:]
            yield base64.b64encode(rest)
    yield ENVELOPE_TAIL


def where(problem: BaseException) -> str:
    """The path of a failure through our code; its message may hold patient data and is left out."""
    frames = traceback.extract_tb(problem.__traceback__)
    path = " > ".join(f"{Path(frame.filename).stem}:{frame.lineno} {frame.name}" for frame in frames)
    return f"{type(problem).__name__} at {path}"
