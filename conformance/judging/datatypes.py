"""Whether a value is spelled as its data type wants (ITI TF-3: Table 4.2.3.1.7-2)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ihe.attributes import Datatype as D

# An OID has at most 64 characters; a document's uniqueId at most 128 (ITI TF-3: 4.2.3.2.26).
MAX_OID, MAX_IDENTIFIER = 64, 128

_OID = re.compile(r"[0-2](\.(0|[1-9]\d*))+")
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_URN = re.compile(r"urn:[A-Za-z0-9][A-Za-z0-9-]{0,31}:\S+")
_LANGUAGE = re.compile(r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*")
_MIME_TYPE = re.compile(r"[\w!#$&^+-]+/[\w.!#$&^+-]+")
_ESCAPE = re.compile(r"\\([^\\]*)\\")
_FIELD = re.compile(r"PID-(\d{1,2})\|(.*)", re.DOTALL)
_LAST_FIELD_OF_PID = 39
_INTERNET = "Internet"


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a type is written, and what says whether a value is."""

    expected: str
    holds: Callable[[str], bool]


def is_oid(value: str) -> bool:
    """Whether this is an OID without leading zeros."""
    return bool(_OID.fullmatch(value)) and len(value) <= MAX_OID


def is_uuid(value: str) -> bool:
    """Whether this is urn:uuid: and a UUID in lower case."""
    return bool(_UUID.fullmatch(value))


def is_cx(value: str) -> bool:
    """Whether this is id^^^&OID&ISO."""
    parts = value.rstrip("^").split("^")
    return (
        len(parts) == 4 and bool(parts[0]) and not parts[1] and not parts[2] and _is_authority(parts[3])
    ) and _escaped(value)


def is_named_cx(value: str) -> bool:
    """Whether this is a CX whose authority may have a name as well, as HL7 v2 has it and metadata has not."""
    head, separator, authority = value.partition("^^^")
    return is_cx(f"{head}{separator}&{authority.partition('&')[2]}")


def is_dtm(value: str) -> bool:
    """Whether these are the digits of an instant that exists, to any precision from the year on."""
    if not value.isascii() or not value.isdigit() or len(value) not in (4, 6, 8, 10, 12, 14):
        return False
    try:
        datetime.strptime(value + "00000101000000"[len(value) :], "%Y%m%d%H%M%S")
    except ValueError:
        return False
    return True


def _is_authority(value: str) -> bool:
    parts = value.split("&")
    return len(parts) == 3 and not parts[0] and is_oid(parts[1]) and parts[2] == "ISO"


def _escaped(value: str) -> bool:
    rest = _ESCAPE.sub(lambda found: "" if found[1] in ("F", "S", "R", "T", "E") else "\\", value)
    return "\\" not in rest


def _is_coded_string(value: str) -> bool:
    parts = value.rstrip("^").split("^")
    if len(parts) == 1:
        return bool(parts[0])
    return len(parts) == 4 and bool(parts[0]) and not any(parts[1:3]) and _is_authority(parts[3])


def _is_cxi(value: str) -> bool:
    parts = value.split("^")
    return (
        len(parts) in (5, 6)
        and bool(parts[0])
        and not any(parts[1:3])
        and (not parts[3] or "&" not in parts[3] or _is_authority(parts[3]))
        and bool(parts[4])
    )


def _is_xcn(value: str) -> bool:
    parts = [*value.split("^"), *[""] * 10]
    return bool(parts[0] or parts[1]) and (not parts[8] or _is_authority(parts[8])) and _escaped(value)


def _is_xon(value: str) -> bool:
    parts = [*value.split("^"), *[""] * 10]
    if not parts[0] or any(parts[1:5]) or any(parts[6:9]) or any(parts[10:]):
        return False
    if parts[5] and not _is_authority(parts[5]):
        return False
    return (not parts[9] or is_oid(parts[9]) or bool(parts[5])) and _escaped(value)


def _is_xtn(value: str) -> bool:
    parts = [*value.split("^"), *[""] * 12]
    if parts[0] or not parts[2]:
        return False
    if parts[2] == _INTERNET:
        return parts[1] in ("", "NET") and "@" in parts[3]
    return parts[1] != "NET" and bool(parts[6] or parts[11])


def _is_field(value: str) -> bool:
    found = _FIELD.fullmatch(value)
    return bool(found) and 1 <= int(found[1]) <= _LAST_FIELD_OF_PID if found else False


def _is_identifier(value: str) -> bool:
    return 0 < len(value) <= MAX_IDENTIFIER and all("!" <= one <= "~" for one in value)


def _is_recipient(value: str) -> bool:
    parts = [*value.split("|"), "", ""]
    if len(value.split("|")) > 3 or not any(parts):
        return False
    of_each = zip(parts[:3], (_is_xon, _is_xcn, _is_xtn), strict=True)
    return all(not part or holds(part) for part, holds in of_each)


SPELLINGS: Mapping[D, Spelling] = {
    D.CODED_STRING: Spelling("text, or code^^^&OID&ISO", _is_coded_string),
    D.CX: Spelling("id^^^&OID&ISO", is_cx),
    D.CXI: Spelling("id^^^&OID&ISO^type", _is_cxi),
    D.DTM: Spelling("YYYY[MM[DD[hh[mm[ss]]]]] in UTC, digits of an instant that exists", is_dtm),
    D.FIELD: Spelling("PID-n|value with n from 1 to 39", _is_field),
    D.IDENTIFIER: Spelling("1 to 128 printable characters without blanks", _is_identifier),
    D.INTEGER: Spelling("decimal digits", lambda value: value.isascii() and value.isdigit()),
    D.LANGUAGE: Spelling("a language tag such as fr-LU", lambda value: bool(_LANGUAGE.fullmatch(value))),
    D.MIME_TYPE: Spelling("type/subtype", lambda value: bool(_MIME_TYPE.fullmatch(value))),
    D.OID: Spelling("an OID such as 2.999.1.2, at most 64 characters", is_oid),
    D.OID_URN: Spelling(
        "urn:oid: and an OID",
        lambda value: value.startswith("urn:oid:") and is_oid(value.removeprefix("urn:oid:")),
    ),
    D.RECIPIENT: Spelling("organization|person|telecommunication, at least one of them", _is_recipient),
    D.SHA1: Spelling("forty hexadecimal digits", lambda value: bool(re.fullmatch("[0-9a-fA-F]{40}", value))),
    D.URI: Spelling("a URI without blanks", lambda value: bool(value) and not re.search(r"\s", value)),
    D.URN: Spelling("a URN", lambda value: bool(_URN.fullmatch(value))),
    D.XCN: Spelling("id^family^given^...^^&OID&ISO with an id or a family name", _is_xcn),
    D.XON: Spelling("name^^^^^&OID&ISO^^^^id, with a name", _is_xon),
    D.XTN: Spelling("^NET^Internet^mail@example, or a telephone number in its parts", _is_xtn),
}
