"""The codes.xml that IHE's test tools publish, read into a code set of our own format."""

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

import schemas
from hl7v2.datatypes import CX
from server.codes import CODED_ATTRIBUTES, CodeSet, write_codes
from server.toml_file import BadFile, Key, Problem, read_file, reasons, validated

if TYPE_CHECKING:
    from lxml.etree import _Element

# The format does not say in which language its display names are; published files are in English.
LANGUAGE = "en"


def import_codes(source: Path, target: Path) -> CodeSet:
    """Turn a codes.xml into a code set of our own format, or raise BadFile."""
    code_set = read_codes_xml(read_file(source), str(source))
    target.write_text(write_codes(code_set), encoding="utf-8")
    return code_set


def read_codes_xml(content: bytes, file: str) -> CodeSet:
    """Read a codes.xml, or raise BadFile with every line that is wrong."""
    try:
        root = schemas.parse(content)
    except schemas.NotParsable as error:
        raise BadFile(Problem(file, error.line, "", error.reason)) from None
    if root.tag != "Codes":
        reason = f"the root element is {root.tag!s}, expected Codes"
        raise BadFile(Problem(file, root.sourceline or 0, "", reason))
    reader = _Reader(file)
    for element in root.iterchildren():
        reader.read(element)
    return reader.code_set()


class _Reader:
    """Gathers rows and where each one stands."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._problems: list[Problem] = []
        self._lines: dict[Key, int] = {}
        self._mime_types: list[str] = []
        self._authorities: list[dict[str, str]] = []
        self._rows: dict[tuple[str, str, str], dict[str, object]] = {}

    def read(self, element: "_Element") -> None:
        name, scheme = element.get("name", ""), element.get("classScheme", "")
        if element.tag == "AssigningAuthority":
            self._read_authority(element)
        elif element.tag != "CodeType":
            self._refuse(element, "", f"element {element.tag!s}, expected CodeType or AssigningAuthority")
        elif name == "mimeType":
            self._read_mime_types(element)
        elif scheme in CODED_ATTRIBUTES:
            self._read_codes(element, CODED_ATTRIBUTES[scheme])
        else:
            self._refuse(element, name, f"'{scheme}' is the classScheme of no coded attribute")

    def code_set(self) -> CodeSet:
        content = {
            "mime_types": self._mime_types,
            "assigning_authority": self._authorities,
            "code": list(self._rows.values()),
        }
        try:
            code_set = validated(CodeSet, content)
        except ValidationError as error:
            self._problems.extend(self._problem(key, reason) for key, reason in reasons(error, CodeSet))
            raise self._refusal() from None
        if self._problems:
            raise self._refusal()
        return code_set

    def _refusal(self) -> BadFile:
        return BadFile(*sorted(self._problems, key=lambda problem: problem.line))

    def _problem(self, key: Key, reason: str) -> Problem:
        name = next((part for part in reversed(key) if isinstance(part, str)), "")
        return Problem(self._file, self._lines[key[:2]], name, reason)

    def _read_authority(self, element: "_Element") -> None:
        self._lines["assigning_authority", len(self._authorities)] = element.sourceline or 0
        oid = CX(f"^^^{element.get('id', '')}").assigning_authority
        self._authorities.append({"oid": oid, "name": element.get("display", "")})

    def _read_mime_types(self, element: "_Element") -> None:
        for code in element.iterchildren("Code"):
            self._lines["mime_types", len(self._mime_types)] = code.sourceline or 0
            self._mime_types.append(code.get("code", ""))

    def _read_codes(self, element: "_Element", attribute: str) -> None:
        for code in element.iterchildren("Code"):
            row = (attribute, code.get("code", ""), code.get("codingScheme", ""))
            display = code.get("display", "") or row[1]
            # Published files repeat a code now and then; the first stands.
            if row not in self._rows:
                self._lines["code", len(self._rows)] = code.sourceline or 0
                self._rows[row] = {
                    "attribute": row[0], "code": row[1], "scheme": row[2], "display": {LANGUAGE: display}
                }  # fmt: skip

    def _refuse(self, element: "_Element", key: str, reason: str) -> None:
        self._problems.append(Problem(self._file, element.sourceline or 0, key, reason))
