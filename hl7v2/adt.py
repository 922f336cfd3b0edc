"""Patient Identity Feed [ITI-8]: what an ADT message says, and what is wrong with it (ITI TF-2: 3.8.4)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hl7v2.conditions import (
    DATA_TYPE_ERROR,
    REQUIRED_FIELD_MISSING,
    SEGMENT_SEQUENCE_ERROR,
    TABLE_VALUE_NOT_FOUND,
    UNSUPPORTED_EVENT_CODE,
    UNSUPPORTED_MESSAGE_TYPE,
    UNSUPPORTED_PROCESSING_ID,
    UNSUPPORTED_VERSION_ID,
    FieldError,
)
from hl7v2.datatypes import CX
from hl7v2.er7 import component, errors_in_escapes, raw_component, shown, subcomponent
from hl7v2.identifiers import PATIENT_ID_CHARACTERS
from hl7v2.message import read_message
from ihe.patient_identity_feed import (
    BY_EVENT,
    CHARACTER_SET,
    CHARACTER_SETS,
    EVENT_TYPE_CODE,
    MESSAGE_CODE,
    MESSAGE_CONTROL_ID,
    MESSAGE_TYPE,
    PATIENT_IDENTIFIER_LIST,
    PRIOR_PATIENT_IDENTIFIER_LIST,
    PROCESSING_ID,
    PROCESSING_IDS,
    RECEIVING_APPLICATION,
    RECEIVING_FACILITY,
    SENDING_APPLICATION,
    SENDING_FACILITY,
    VERSION_ID,
    VERSIONS,
    Effect,
    FeedField,
    FeedMessage,
)

# HL7 v2.7 allows as many; up to v2.5 the limit was 20, and senders did not keep to it.
CONTROL_ID_CHARACTERS = 199

_NULL = '""'


@dataclass(frozen=True, slots=True)
class AdtMessage:
    """What a registry takes from a message; fields are ER7 text with the standard delimiters.

    `segments` are the names in their order, `patient_ids` and `prior_patient_ids` the repetitions of PID-3
    and MRG-1. Demographics are not kept (ITI TF-2: 3.8.4.1.3).
    """

    sending_application: str
    sending_facility: str
    receiving_application: str
    receiving_facility: str
    message_code: str
    event: str
    control_id: str
    processing_id: str
    version: str
    character_set: str
    codec: str
    segments: tuple[str, ...]
    patient_ids: tuple[str, ...]
    prior_patient_ids: tuple[str, ...]

    @property
    def kind(self) -> FeedMessage | None:
        """Which message of the feed this is; None for any other."""
        return BY_EVENT.get(self.event) if self.message_code == MESSAGE_CODE else None


@dataclass(frozen=True, slots=True)
class PatientIdDomain:
    """Whose ids this registry knows: OIDs, and local names that stand for them (ITI TF-2: 3.8.4.1.2.3)."""

    oids: frozenset[str]
    namespaces: Mapping[str, str]


def read_adt(content: bytes) -> AdtMessage:
    """Read what can be read, `errors_in_adt` names the rest; raises NotHl7."""
    message = read_message(content)

    def text(field: FeedField) -> str:
        found = message.field(field.segment, field.number)
        return "" if found == _NULL else found

    return AdtMessage(
        sending_application=text(SENDING_APPLICATION),
        sending_facility=text(SENDING_FACILITY),
        receiving_application=text(RECEIVING_APPLICATION),
        receiving_facility=text(RECEIVING_FACILITY),
        message_code=component(text(MESSAGE_TYPE), 1),
        # Before v2.3.1 the event could be left to the EVN segment.
        event=component(text(MESSAGE_TYPE), 2) or text(EVENT_TYPE_CODE),
        control_id=text(MESSAGE_CONTROL_ID),
        processing_id=component(text(PROCESSING_ID), 1),
        version=component(text(VERSION_ID), 1),
        character_set=text(CHARACTER_SET).partition("~")[0].strip(),
        codec=message.codec,
        segments=tuple(segment.name for segment in message.segments),
        patient_ids=_repetitions(text(PATIENT_IDENTIFIER_LIST)),
        prior_patient_ids=_repetitions(text(PRIOR_PATIENT_IDENTIFIER_LIST)),
    )


def errors_in_adt(message: AdtMessage) -> Iterator[FieldError]:
    """Yield everything for which the message cannot be taken, whoever its patient is (ITI TF-2: 3.8.4.1)."""
    yield from _errors_in_header(message)
    if message.kind:
        yield from _errors_in_segments(message, message.kind)


def patient_id_of(
    repetitions: tuple[str, ...], field: FeedField, domain: PatientIdDomain
) -> CX | FieldError | None:
    """The first id of the domain's own authorities, in the form of metadata (ITI TF-2: 3.8.4.1.2.3).

    None if all are of other authorities; the error if the first of ours cannot be used.
    """
    for repetition in repetitions:
        namespace, oid, oid_type = (subcomponent(repetition, 4, number) for number in (1, 2, 3))
        meant = domain.namespaces.get(namespace, "")
        if oid and meant and oid != meant:
            text = f"{shown(namespace)} is the authority {meant} here, and the field says {shown(oid)}"
            return FieldError(DATA_TYPE_ERROR, field, text)
        authority = oid or meant
        if authority in domain.oids and oid_type in ("", "ISO"):
            return _usable(repetition, authority, field)
    return None


def prior_patient_id_of(message: AdtMessage, domain: PatientIdDomain) -> CX | FieldError | None:
    """The one id that a merge subsumes; of two, neither could be told from the other (ITI TF-2: 3.8.4.2)."""
    field = PRIOR_PATIENT_IDENTIFIER_LIST
    found = [patient_id_of((one,), field, domain) for one in message.prior_patient_ids]
    ours = list(dict.fromkeys(one for one in found if one is not None))
    if len(ours) > 1:
        return FieldError(DATA_TYPE_ERROR, field, f"{len(ours)} ids of this domain, expected one a message")
    return ours[0] if ours else None


def _repetitions(text: str) -> tuple[str, ...]:
    return tuple(one for one in text.split("~") if one.strip("^&")) if text else ()


def _errors_in_header(message: AdtMessage) -> Iterator[FieldError]:
    if not message.message_code or not message.event:
        yield _missing(MESSAGE_TYPE)
    elif message.message_code != MESSAGE_CODE:
        text = f"{shown(message.message_code)} is not taken here, expected {MESSAGE_CODE}"
        yield FieldError(UNSUPPORTED_MESSAGE_TYPE, MESSAGE_TYPE, text)
    elif message.kind is None:
        text = f"{shown(message.event)} is not taken here, expected {' '.join(BY_EVENT)}"
        yield FieldError(UNSUPPORTED_EVENT_CODE, MESSAGE_TYPE, text)
    if not message.control_id:
        yield _missing(MESSAGE_CONTROL_ID)
    elif len(message.control_id) > CONTROL_ID_CHARACTERS or not message.control_id.isprintable():
        text = f"expected at most {CONTROL_ID_CHARACTERS} printable characters"
        yield FieldError(DATA_TYPE_ERROR, MESSAGE_CONTROL_ID, text)
    if not message.processing_id:
        yield _missing(PROCESSING_ID)
    elif message.processing_id not in PROCESSING_IDS:
        text = f"{shown(message.processing_id)} is not P, T or D"
        yield FieldError(UNSUPPORTED_PROCESSING_ID, PROCESSING_ID, text)
    if not message.version:
        yield _missing(VERSION_ID)
    elif message.version not in VERSIONS:
        text = f"{shown(message.version)} is no version 2 of HL7"
        yield FieldError(UNSUPPORTED_VERSION_ID, VERSION_ID, text)
    if message.character_set not in CHARACTER_SETS:
        known = ", ".join(filter(None, CHARACTER_SETS))
        text = f"{shown(message.character_set)} is not read here, expected {known}, or nothing for ASCII"
        yield FieldError(TABLE_VALUE_NOT_FOUND, CHARACTER_SET, text)


def _errors_in_segments(message: AdtMessage, kind: FeedMessage) -> Iterator[FieldError]:
    merges = kind.effect is Effect.MERGE
    if message.segments.count("MSH") > 1:
        yield _misplaced("MSH", 2, "a frame holds one message")
    for name in ("PID", "MRG") if merges else ("PID",):
        count = message.segments.count(name)
        if count > 1:
            yield _misplaced(name, 2, f"{count} {name} segments, expected one a message")
        elif not count:
            yield _misplaced(name, 1, f"the segment {name} is missing")
    if merges and {"PID", "MRG"} <= set(message.segments):
        if message.segments.index("MRG") < message.segments.index("PID"):
            yield _misplaced("MRG", 1, "expected behind PID")
        if not message.prior_patient_ids:
            yield _missing(PRIOR_PATIENT_IDENTIFIER_LIST)
    if "PID" in message.segments and not message.patient_ids:
        yield _missing(PATIENT_IDENTIFIER_LIST)


def _usable(repetition: str, authority: str, field: FeedField) -> CX | FieldError:
    id_ = component(repetition, 1)
    patient_id = CX.of(id_, authority)
    if id_ in ("", _NULL):
        return FieldError(REQUIRED_FIELD_MISSING, field, f"no id in component 1, authority {authority}")
    if any(errors_in_escapes(raw_component(repetition, 1))):
        return FieldError(DATA_TYPE_ERROR, field, "an escape in component 1 stands for no character")
    if any("\udc80" <= character <= "\udcff" for character in id_):
        text = "component 1 has bytes that MSH-18 does not account for"
        return FieldError(DATA_TYPE_ERROR, field, text)
    if not id_.isprintable():
        return FieldError(DATA_TYPE_ERROR, field, "component 1 has characters that cannot be printed")
    if len(patient_id) > PATIENT_ID_CHARACTERS:
        text = f"{len(patient_id)} characters with the authority, expected at most {PATIENT_ID_CHARACTERS}"
        return FieldError(DATA_TYPE_ERROR, field, text)
    return patient_id


def _missing(field: FeedField) -> FieldError:
    return FieldError(REQUIRED_FIELD_MISSING, field, f"the {field.name} is missing")


def _misplaced(name: str, sequence: int, text: str) -> FieldError:
    return FieldError(SEGMENT_SEQUENCE_ERROR, FeedField(name, 0, "segment"), text, sequence)
