"""General acknowledgement, original mode (ITI TF-2: C.2.3; HL7 v2.3.1: 2.13.1)."""

from collections.abc import Sequence
from datetime import datetime

from hl7v2.adt import AdtMessage
from hl7v2.conditions import AcknowledgmentCode, FieldError
from hl7v2.er7 import escaped
from ihe.patient_identity_feed import BY_EVENT, CHARACTER_SETS, PROCESSING_IDS

# Whatever version a sender speaks, the acknowledgement is the one that ITI-8 asks for.
VERSION = "2.3.1"

# MSA-3 is for people; HL7 gives a string this much room from v2.5 on, and every receiver tried takes it.
TEXT_CHARACTERS = 199


def write_ack(
    message: AdtMessage | None, errors: Sequence[FieldError], control_id: str, at: datetime
) -> bytes:
    """Acknowledge a message, or what could not be read as one: AA without errors, AR if one calls for it."""
    return _text(message, errors, control_id, at).encode(
        message.codec if message else "ascii", "surrogateescape" if message else "replace"
    )


def acknowledgment_code(errors: Sequence[FieldError]) -> AcknowledgmentCode:
    """MSA-1 (HL7 table 0008)."""
    if not errors:
        return AcknowledgmentCode.ACCEPT
    rejected = any(error.condition.acknowledgment is AcknowledgmentCode.REJECT for error in errors)
    return AcknowledgmentCode.REJECT if rejected else AcknowledgmentCode.ERROR


def _text(message: AdtMessage | None, errors: Sequence[FieldError], control_id: str, at: datetime) -> str:
    # Of what is no message nobody knows what it asked for: it is rejected as a whole.
    code = acknowledgment_code(errors) if message else AcknowledgmentCode.REJECT
    segments = [
        "|".join(("MSH", "^~\\&", *_ends(message), f"{at:%Y%m%d%H%M%S}", "", *_kind(message, control_id))),
        f"MSA|{code}|{message.control_id if message else ''}",
    ]
    if errors:
        said = "; ".join(f"{_place(error)}: {error.text}" for error in errors)
        segments[1] += f"|{escaped(said[:TEXT_CHARACTERS])}"
        segments.append("ERR|" + "~".join(map(_location, errors)))
    return "".join(f"{segment}\r" for segment in segments)


def _ends(message: AdtMessage | None) -> tuple[str, str, str, str]:
    """Sender and receiver change places."""
    if message is None:
        return "", "", "", ""
    return (
        message.receiving_application,
        message.receiving_facility,
        message.sending_application,
        message.sending_facility,
    )


def _kind(message: AdtMessage | None, control_id: str) -> tuple[str, ...]:
    if message is None:
        return "ACK", control_id, "P", VERSION
    kind = f"ACK^{message.event}^ACK" if message.event in BY_EVENT else "ACK"
    processing_id = message.processing_id if message.processing_id in PROCESSING_IDS else "P"
    fields = (kind, control_id, processing_id, VERSION)
    character_set = message.character_set if message.character_set in CHARACTER_SETS else ""
    return (*fields, "", "", "", "", "", character_set) if character_set else fields


def _place(error: FieldError) -> str:
    return str(error.field) if error.field.number else error.field.segment


def _location(error: FieldError) -> str:
    """ERR-1: segment, its sequence, field, and the condition (HL7 v2.3.1: 2.24.5.1)."""
    number = str(error.field.number or "")
    condition = f"{error.condition.code}&{error.condition.text}&HL70357"
    return f"{error.field.segment}^{error.sequence}^{number}^{condition}"
