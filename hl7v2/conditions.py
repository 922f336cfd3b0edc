"""What can be wrong with a message, in the words of HL7 table 0357 (HL7 v2.3.1: 2.16)."""

from dataclasses import dataclass
from enum import StrEnum

from ihe.patient_identity_feed import FeedField


class AcknowledgmentCode(StrEnum):
    """HL7 table 0008, original mode."""

    ACCEPT = "AA"
    ERROR = "AE"
    REJECT = "AR"


@dataclass(frozen=True, slots=True)
class Condition:
    """A row of HL7 table 0357, and how a message that meets it is acknowledged."""

    code: str
    text: str
    acknowledgment: AcknowledgmentCode


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong, and where: `field.number` is 0 for a segment as a whole."""

    condition: Condition
    field: FeedField
    text: str
    sequence: int = 1


_E, _R = AcknowledgmentCode.ERROR, AcknowledgmentCode.REJECT

SEGMENT_SEQUENCE_ERROR = Condition("100", "Segment sequence error", _E)
REQUIRED_FIELD_MISSING = Condition("101", "Required field missing", _E)
DATA_TYPE_ERROR = Condition("102", "Data type error", _E)
TABLE_VALUE_NOT_FOUND = Condition("103", "Table value not found", _E)
UNSUPPORTED_MESSAGE_TYPE = Condition("200", "Unsupported message type", _R)
UNSUPPORTED_EVENT_CODE = Condition("201", "Unsupported event code", _R)
UNSUPPORTED_PROCESSING_ID = Condition("202", "Unsupported processing id", _R)
UNSUPPORTED_VERSION_ID = Condition("203", "Unsupported version id", _R)
UNKNOWN_KEY_IDENTIFIER = Condition("204", "Unknown key identifier", _E)
DUPLICATE_KEY_IDENTIFIER = Condition("205", "Duplicate key identifier", _E)
APPLICATION_RECORD_LOCKED = Condition("206", "Application record locked", _R)
APPLICATION_INTERNAL_ERROR = Condition("207", "Application internal error", _R)
