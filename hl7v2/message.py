"""An HL7 v2 message as segments and fields, whatever delimiters and characters it came in (HL7 v2.3.1: 2.7).

Fields come out with the standard delimiters, so that the readers of datatypes need to know no others.
"""

import re
from dataclasses import dataclass

from hl7v2.er7 import escaped
from ihe.patient_identity_feed import CHARACTER_SETS

STANDARD_DELIMITERS = "|^~\\&"

# An ADT message has a dozen segments; one with every patient's relative and insurance, some hundred.
SEGMENTS_LIMIT = 1000

# The letters of the escapes for delimiters, in the order of MSH-1 and MSH-2.
_ESCAPES = "FSRET"


class NotHl7(Exception):
    """Bytes in which no message can be recognised."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment, its delimiters the standard ones."""

    text: str

    @property
    def name(self) -> str:
        """The three letters it begins with."""
        return self.text.partition("|")[0]

    def field(self, number: int) -> str:
        """The field with its repetitions and escapes as they stand; "" where it is absent."""
        # MSH-1 is the separator itself, so the fields of MSH count one more than what it separates.
        place = number - 1 if self.name == "MSH" else number
        if self.name == "MSH" and not place:
            return "|"
        parts = self.text.split("|", place + 1)
        return parts[place] if 0 < place < len(parts) else ""


@dataclass(frozen=True, slots=True)
class Message:
    """The segments in order; `codec` is how the bytes were read, ASCII if MSH-18 names nothing known here.

    Bytes that the codec has no characters for are kept as lone surrogates (PEP 383): in an acknowledgement
    they go back as they came, and where they matter they are an error.
    """

    segments: tuple[Segment, ...]
    codec: str

    def all(self, name: str) -> tuple[Segment, ...]:
        """The segments of this name."""
        return tuple(segment for segment in self.segments if segment.name == name)

    def field(self, name: str, number: int) -> str:
        """A field of the first segment of this name."""
        found = self.all(name)
        return found[0].field(number) if found else ""


def read_message(content: bytes) -> Message:
    """Divide a message into segments; raises NotHl7 if it has no header (HL7 v2.3.1: 2.24.1)."""
    content = content.strip(b"\r\n")
    if not content.startswith(b"MSH"):
        raise NotHl7("the message does not begin with MSH")
    header = re.split("[\r\n]", content.decode("latin-1"), maxsplit=1)[0]
    delimiters = _delimiters(header)
    separator = delimiters[0]
    fields = header.split(separator, 18)
    declared = fields[17].partition(delimiters[2])[0].strip() if len(fields) > 17 else ""
    codec = CHARACTER_SETS.get(declared, "ascii")
    lines = [line for line in re.split("[\r\n]+", content.decode(codec, "surrogateescape")) if line.strip()]
    if len(lines) > SEGMENTS_LIMIT:
        raise NotHl7(f"the message has more than {SEGMENTS_LIMIT} segments")
    standard = _Standard(delimiters, codec)
    encoding_characters = fields[1]
    first = f"MSH|{STANDARD_DELIMITERS[1:]}|" + standard.written(
        lines[0][len("MSH") + 1 + len(encoding_characters) + 1 :]
    )
    return Message((Segment(first), *(Segment(standard.written(line)) for line in lines[1:])), codec)


def _delimiters(header: str) -> str:
    """MSH-1 and MSH-2: field, component, repetition, escape, subcomponent (HL7 v2.3.1: 2.24.1.1)."""
    separator = header[3:4]
    encoding_characters = header[4:].partition(separator)[0] if separator else ""
    # Since v2.7 a fifth character may follow, which marks truncated text.
    delimiters = separator + encoding_characters[:4]
    plain = any(each.isalnum() or not "!" <= each <= "~" for each in delimiters)
    if len(encoding_characters) not in (4, 5) or len(set(delimiters)) != 5 or plain:
        raise NotHl7("MSH-1 and MSH-2 do not name five different delimiters")
    return delimiters


class _Standard:
    """Rewrites text from a message's own delimiters to the standard ones."""

    def __init__(self, delimiters: str, codec: str) -> None:
        self._codec = codec
        self._own = delimiters == STANDARD_DELIMITERS
        escape = delimiters[3]
        self._standing_for = dict(zip(_ESCAPES, delimiters, strict=True))
        self._delimiters = dict(zip(delimiters, STANDARD_DELIMITERS, strict=True))
        # The escape character by itself is in no place where it could be told from a stray one.
        del self._delimiters[escape]
        mark = re.escape(escape)
        self._token = re.compile(f"{mark}(?:([{_ESCAPES}])|X((?:[0-9A-Fa-f]{{2}})+)){mark}|(.)", re.DOTALL)

    def written(self, text: str) -> str:
        """The same text with the standard delimiters; hexadecimal escapes become what they stand for."""
        if self._own and "\\X" not in text:
            return text
        return self._token.sub(self._rewritten, text)

    def _rewritten(self, found: re.Match[str]) -> str:
        name, hexadecimal, character = found.groups()
        if name:
            return escaped(self._standing_for[name])
        if hexadecimal:
            return escaped(bytes.fromhex(hexadecimal).decode(self._codec, "surrogateescape"))
        if character in self._delimiters:
            return self._delimiters[character]
        # With other delimiters, the standard ones are characters like any.
        return character if self._own else escaped(character)
