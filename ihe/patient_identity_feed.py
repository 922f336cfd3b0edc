"""The messages of Patient Identity Feed [ITI-8] (ITI TF-2: 3.8.4)."""

from dataclasses import dataclass
from enum import Enum, auto


class Effect(Enum):
    """What a message does to the ids that a registry knows (ITI TF-2: 3.8.4.1.3, 3.8.4.2.3)."""

    ADD = auto()
    NOTHING = auto()
    MERGE = auto()


@dataclass(frozen=True, slots=True)
class FeedField:
    """A field by segment and number; `required` ones are those without which a registry cannot act."""

    segment: str
    number: int
    name: str

    def __str__(self) -> str:
        return f"{self.segment}-{self.number}"


@dataclass(frozen=True, slots=True)
class FeedMessage:
    """The trigger events that do the same; `required` is what a registry cannot do without."""

    number: str
    name: str
    events: tuple[str, ...]
    effect: Effect
    required: tuple[FeedField, ...]


FIELD_SEPARATOR = FeedField("MSH", 1, "field separator")
ENCODING_CHARACTERS = FeedField("MSH", 2, "encoding characters")
SENDING_APPLICATION = FeedField("MSH", 3, "sending application")
SENDING_FACILITY = FeedField("MSH", 4, "sending facility")
RECEIVING_APPLICATION = FeedField("MSH", 5, "receiving application")
RECEIVING_FACILITY = FeedField("MSH", 6, "receiving facility")
MESSAGE_TYPE = FeedField("MSH", 9, "message type")
MESSAGE_CONTROL_ID = FeedField("MSH", 10, "message control id")
PROCESSING_ID = FeedField("MSH", 11, "processing id")
VERSION_ID = FeedField("MSH", 12, "version id")
CHARACTER_SET = FeedField("MSH", 18, "character set")
EVENT_TYPE_CODE = FeedField("EVN", 1, "event type code")
PATIENT_IDENTIFIER_LIST = FeedField("PID", 3, "patient identifier list")
PRIOR_PATIENT_IDENTIFIER_LIST = FeedField("MRG", 1, "prior patient identifier list")

# EVN and PID-5 are required by the text as well; a registry does without, and the NIST tools leave them out.
_HEADER = (MESSAGE_TYPE, MESSAGE_CONTROL_ID, PROCESSING_ID, VERSION_ID)
_NUMBER, _NAME = "ITI-8", "Patient Identity Feed"

ITI_8_ADD = FeedMessage(
    _NUMBER, _NAME, ("A01", "A04", "A05"), Effect.ADD, (*_HEADER, PATIENT_IDENTIFIER_LIST)
)
ITI_8_UPDATE = FeedMessage(_NUMBER, _NAME, ("A08",), Effect.NOTHING, (*_HEADER, PATIENT_IDENTIFIER_LIST))
ITI_8_MERGE = FeedMessage(
    _NUMBER,
    _NAME,
    ("A40",),
    Effect.MERGE,
    (*_HEADER, PATIENT_IDENTIFIER_LIST, PRIOR_PATIENT_IDENTIFIER_LIST),
)
FEED_MESSAGES = (ITI_8_ADD, ITI_8_UPDATE, ITI_8_MERGE)
BY_EVENT = {event: message for message in FEED_MESSAGES for event in message.events}

MESSAGE_CODE = "ADT"

# HL7 table 0103.
PROCESSING_IDS = frozenset({"P", "T", "D"})

# HL7 table 0104. The text asks for 2.3.1; the fields read here have not moved since, nor had they before.
VERSIONS = frozenset(
    {
        "2.1",
        "2.2",
        "2.3",
        "2.3.1",
        "2.4",
        "2.5",
        "2.5.1",
        "2.6",
        "2.7",
        "2.7.1",
        "2.8",
        "2.8.1",
        "2.8.2",
        "2.9",
    }
)

# HL7 table 0211, each with the name that Python gives it; an empty field means ASCII. The ISO names are what
# some senders write instead of the table's own.
CHARACTER_SETS = {
    "": "ascii",
    "ASCII": "ascii",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "8859/1": "latin-1",
    "ISO-8859-1": "latin-1",
    "ISO8859-1": "latin-1",
    "8859/15": "iso8859-15",
    "ISO-8859-15": "iso8859-15",
}
