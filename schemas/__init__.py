"""The published schemas, and the one XML parser of the house."""

import re
from pathlib import Path

from schemas.not_parsable import NotParsable
from schemas.parser import MAX_DEPTH, MAX_XML_BYTES, parse
from schemas.stream import ElementEnds, StreamParser, TextTaken
from schemas.validator import SchemaError, Tolerated, errors_in

__all__ = [
    "MAX_DEPTH",
    "MAX_XML_BYTES",
    "ElementEnds",
    "NotParsable",
    "SchemaError",
    "StreamParser",
    "TextTaken",
    "Tolerated",
    "errors_in",
    "file",
    "parse",
]

_FOLDER = Path(__file__).parent
_FILE_NAME = re.compile(r"[a-z]+(\.[a-z]+)*\.xsd")


def file(name: str) -> bytes | None:
    """Return a schema as it is served at /schemas/NAME, for WSDL readers (ITI TF-2: Appendix V)."""
    path = _FOLDER / name
    return path.read_bytes() if _FILE_NAME.fullmatch(name) and path.is_file() else None
