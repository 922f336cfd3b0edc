"""Code sets: which codes, MIME types and assigning authorities a domain agreed on (ITI TF-3: 4.2.3.1.2)."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from hl7v2.datatypes import errors_in_language_code, errors_in_mime_type, errors_in_oid
from ihe.attributes import ASSOCIATION, DOCUMENT_ENTRY, FOLDER, SUBMISSION_SET, Classification, Datatype
from server.toml_file import BadFile, read_file, read_toml, reasons, validated

CODED_ATTRIBUTES: Mapping[str, str] = {
    attribute.carrier.scheme: attribute.name
    for attribute in (*DOCUMENT_ENTRY, *SUBMISSION_SET, *FOLDER, *ASSOCIATION)
    if attribute.datatype is Datatype.CODE and isinstance(attribute.carrier, Classification)
}


def _oid(text: str) -> str:
    for error in errors_in_oid(text):
        raise ValueError(error)
    return text


def _mime_type(text: str) -> str:
    for error in errors_in_mime_type(text):
        raise ValueError(error)
    return text


def _language(text: str) -> str:
    for error in errors_in_language_code(text):
        raise ValueError(error)
    return text


def _attribute(text: str) -> str:
    if text not in CODED_ATTRIBUTES.values():
        raise ValueError(
            f"'{text}' is no coded attribute, expected one of {', '.join(CODED_ATTRIBUTES.values())}"
        )
    return text


Oid = Annotated[str, AfterValidator(_oid)]
Text = Annotated[str, StringConstraints(min_length=1)]


class AssigningAuthority(BaseModel):
    """Who gives patient ids in the domain."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    oid: Oid
    name: str = ""


class CodeRow(BaseModel):
    """One code that one attribute may hold, with its names by language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attribute: Annotated[str, AfterValidator(_attribute)]
    code: Text
    scheme: Text
    display: Mapping[Annotated[str, AfterValidator(_language)], Text]


class CodeSet(BaseModel):
    """What a domain agreed on; an attribute without rows takes any code, no MIME types means any type."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mime_types: tuple[Annotated[str, AfterValidator(_mime_type)], ...] = ()
    assigning_authorities: tuple[AssigningAuthority, ...] = Field(default=(), alias="assigning_authority")
    codes: tuple[CodeRow, ...] = Field(default=(), alias="code")

    def allowed(self) -> dict[str, frozenset[tuple[str, str]]]:
        """The (code, scheme) pairs by attribute."""
        attributes = {row.attribute for row in self.codes}
        return {
            name: frozenset((row.code, row.scheme) for row in self.codes if row.attribute == name)
            for name in attributes
        }


def built_in_code_sets() -> tuple[str, ...]:
    """The names of the code sets that come with the product."""
    return tuple(sorted(file.name.removesuffix(".toml") for file in _SHIPPED.iterdir()))


def read_code_set(where: str) -> CodeSet:
    """The code set of that built-in name or in that file."""
    if where in built_in_code_sets():
        return read_codes((_SHIPPED / f"{where}.toml").read_bytes(), f"{where}.toml")
    return read_codes(read_file(Path(where)), where)


def read_codes(content: bytes, file: str) -> CodeSet:
    """Read a code set in our own format, or raise BadFile with every line that is wrong."""
    toml = read_toml(content, file)
    try:
        code_set = validated(CodeSet, toml.content)
    except ValidationError as error:
        raise BadFile(*(toml.problem(key, reason) for key, reason in reasons(error, CodeSet))) from None
    if repeated := tuple(_repeated(code_set)):
        raise BadFile(*(toml.problem(("code", number), reason) for number, reason in repeated))
    return code_set


def write_codes(code_set: CodeSet) -> str:
    """Write a code set in our own format."""
    return "\n".join(_written(code_set)) + "\n"


def _repeated(code_set: CodeSet) -> Iterator[tuple[int, str]]:
    seen: Counter[tuple[str, str, str]] = Counter()
    for number, row in enumerate(code_set.codes):
        seen[row.attribute, row.code, row.scheme] += 1
        if seen[row.attribute, row.code, row.scheme] > 1:
            yield number, f"{row.attribute} {row.code} of {row.scheme} stands here a second time"


def _written(code_set: CodeSet) -> Iterator[str]:
    yield f"mime_types = [{', '.join(_quoted(text) for text in code_set.mime_types)}]"
    for authority in code_set.assigning_authorities:
        yield "\n[[assigning_authority]]"
        yield f"oid = {_quoted(authority.oid)}"
        yield f"name = {_quoted(authority.name)}"
    for row in code_set.codes:
        names = ", ".join(f"{_quoted(language)} = {_quoted(name)}" for language, name in row.display.items())
        yield "\n[[code]]"
        yield f"attribute = {_quoted(row.attribute)}"
        yield f"code = {_quoted(row.code)}"
        yield f"scheme = {_quoted(row.scheme)}"
        yield f"display = {{ {names} }}"


def _quoted(text: str) -> str:
    # A JSON string is a TOML one but for the delete character, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


_SHIPPED = resources.files("server") / "affinity_domains"
