"""Patient Identity Feed in HL7 v2 (ITI TF-2: 3.8.4)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from conformance.judging.datatypes import is_oid
from conformance.judging.found import error, note, warning
from conformance.results import Finding
from ihe.patient_identity_feed import BY_EVENT, CHARACTER_SETS, MESSAGE_CODE, PROCESSING_IDS, VERSIONS

START_BLOCK, END_BLOCK = b"\x0b", b"\x1c\r"

_SECTION = "ITI TF-2: 3.8.4.1.2"
_WANTED_VERSION = "2.3.1"


@dataclass(frozen=True)
class Message:
    """Segments as lists of fields; field 1 of MSH is the separator, as HL7 counts."""

    segments: tuple[tuple[str, ...], ...]
    separators: str

    def field(self, segment: str, number: int) -> str:
        """A field of the first segment of this name, or nothing."""
        row = next((row for row in self.segments if row[0] == segment), ())
        return row[number] if number < len(row) else ""

    @property
    def event(self) -> str:
        """The trigger event, as A01."""
        parts: Sequence[str] = self.field("MSH", 9).split(self.separators[0:1] or "^")
        return parts[1] if len(parts) > 1 else self.field("EVN", 1)


def read_message(content: bytes) -> Message:
    """Read ER7 with the separators that its MSH declares (HL7 v2.3.1: 2.10)."""
    text = content.strip(b"\x0b\x1c\r\n").decode("utf-8", "replace").replace("\r\n", "\r").replace("\n", "\r")
    separator = text[3:4] or "|"
    rows = []
    for line in text.split("\r"):
        fields = line.split(separator)
        if fields[0] == "MSH":
            fields.insert(1, separator)
        if fields[0]:
            rows.append(tuple(fields))
    message = Message(tuple(rows), "")
    return Message(message.segments, message.field("MSH", 2))


def findings_in_identity_feed(content: bytes) -> Iterator[Finding]:
    """Yield what is wrong in an ADT message."""
    if content.startswith(START_BLOCK) and not content.endswith(END_BLOCK):
        yield error("MLLP", "a frame ends as it should", "HL7 v2: MLLP", repr(content[-2:]), repr(END_BLOCK))
    framed = content.strip(b"\x0b\x1c")
    if b"\n" in framed.strip(b"\r\n"):
        yield warning(
            "MLLP", "segments end with a carriage return", "HL7 v2.3.1: 2.8", "a line feed", "0x0D alone"
        )
    message = read_message(content)
    if message.segments[:1] and message.segments[0][0] != "MSH":
        yield error("MSH", "a message begins with MSH", "HL7 v2.3.1: 2.24.1", message.segments[0][0], "MSH")
        return
    if message.separators != "^~\\&":
        yield warning("MSH-2", "the separators are the usual ones", _SECTION, message.separators, "^~\\&")
    yield from _of_header(message)
    row = BY_EVENT.get(message.event)
    if row is None:
        return
    for field in row.required:
        if not message.field(field.segment, field.number):
            yield error(str(field), f"the {field.name} is there", _SECTION, "nothing", str(field))
    for segment, number, name in (
        ("EVN", 2, "recorded date and time"),
        ("PID", 5, "patient name"),
        ("PV1", 2, "patient class"),
    ):
        if not message.field(segment, number) and not (segment == "PV1" and message.event == "A40"):
            yield warning(
                f"{segment}-{number}", f"the {name} is sent", _SECTION, "nothing", f"{segment}-{number}"
            )
    yield from _of_ids(message, "PID", 3)
    if message.event == "A40":
        yield from _of_ids(message, "MRG", 1)
        if message.field("PID", 3) and message.field("PID", 3) == message.field("MRG", 1):
            yield error(
                "MRG-1",
                "a patient is merged into another",
                "ITI TF-2: 3.8.4.2",
                message.field("MRG", 1),
                "the id that ends",
            )


def _of_header(message: Message) -> Iterator[Finding]:
    code = message.field("MSH", 9).split(message.separators[:1] or "^")[0]
    if code != MESSAGE_CODE or message.event not in BY_EVENT:
        yield error(
            "MSH-9",
            "the message is one of the feed",
            _SECTION,
            message.field("MSH", 9),
            f"ADT^{', ADT^'.join(BY_EVENT)}",
        )
    for number, name in (
        (3, "sending application"),
        (4, "sending facility"),
        (5, "receiving application"),
        (6, "receiving facility"),
    ):
        if not message.field("MSH", number):
            yield warning(f"MSH-{number}", f"the {name} is named", _SECTION, "nothing", "a name")
    if message.field("MSH", 11).split(message.separators[:1] or "^")[0] not in PROCESSING_IDS:
        yield error("MSH-11", "a processing id is P, T or D", _SECTION, message.field("MSH", 11), "P")
    version = message.field("MSH", 12)
    if version not in VERSIONS:
        yield error("MSH-12", "a version is one of HL7's", _SECTION, version, _WANTED_VERSION)
    elif version != _WANTED_VERSION:
        yield note("MSH-12", "the feed is written in HL7 2.3.1", _SECTION, version, _WANTED_VERSION)
    if message.field("MSH", 18) not in CHARACTER_SETS:
        yield warning(
            "MSH-18",
            "the character set is one of table 0211",
            _SECTION,
            message.field("MSH", 18),
            "UNICODE UTF-8",
        )


def _of_ids(message: Message, segment: str, number: int) -> Iterator[Finding]:
    component, repetition, _, subcomponent = tuple(
        message.separators if len(message.separators) == 4 else "^~\\&"
    )
    for value in message.field(segment, number).split(repetition):
        parts = value.split(component)
        authority = (parts[3] if len(parts) > 3 else "").split(subcomponent)
        if value and not (len(authority) == 3 and is_oid(authority[1]) and authority[2] == "ISO"):
            say = warning if len(parts) > 3 and parts[3] else error
            yield say(
                f"{segment}-{number}", "an id has its assigning authority", _SECTION, value, "id^^^&OID&ISO"
            )
