"""Identifiers: OID, UUID, document and patient ids, coded strings (ITI TF-3: Table 4.2.3.1.7-2)."""

import re
from collections.abc import Iterator
from typing import Self

from hl7v2.er7 import component, errors_in_escapes, escaped, raw_component, shown, subcomponent

# ITI TF-3: Table 4.2.3.1.7-2, "OID" (the limit DICOM and HL7 share).
OID_CHARACTERS = 64
# Earlier editions of ITI TF-3: 4.2.3.2.26 said so, and other registries still hold senders to it.
IDENTIFIER_CHARACTERS = 128
# ebRIM ends the value of an ExternalIdentifier here: of a longer patient id nothing could ever be submitted.
PATIENT_ID_CHARACTERS = 256

_OID = rf"(?![0-9.]{{{OID_CHARACTERS + 1}}})[0-2](?:\.(?:0|[1-9][0-9]*))+"
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class OID(str):
    """An object identifier in dotted form, e.g. 2.999.1."""

    __slots__ = ()

    @property
    def urn(self) -> "OID_URN":
        """The same identifier as a URN (RFC 3061)."""
        return OID_URN(f"urn:oid:{self}")


class OID_URN(str):
    """An OID as a URN, e.g. urn:oid:2.999.1 (RFC 3061)."""

    __slots__ = ()

    @property
    def oid(self) -> OID:
        """The OID without its prefix."""
        return OID(self.removeprefix("urn:oid:"))


class UUID_URN(str):
    """A UUID as a URN, in lower case (RFC 4122)."""

    __slots__ = ()


class Identifier(str):
    """The uniqueId of a document: an OID, a URI, or root^extension (ITI TF-3: 4.2.3.2.26)."""

    __slots__ = ()

    @property
    def root(self) -> str:
        """What stands before the `^`, or all of it."""
        return self.partition("^")[0]

    @property
    def extension(self) -> str:
        """What stands behind the `^`."""
        return self.partition("^")[2]


class CX(str):
    """A patient id with its assigning authority, id^^^&OID&ISO."""

    __slots__ = ()

    @classmethod
    def of(cls, id: str, oid: str) -> Self:
        """The one way to write this id of this authority."""
        return cls(f"{escaped(id)}^^^&{oid}&ISO")

    @property
    def id(self) -> str:
        """The id within its authority (CX.1)."""
        return component(self, 1)

    @property
    def assigning_authority(self) -> str:
        """The OID of who gave the id (CX.4.2)."""
        return subcomponent(self, 4, 2)


class CXi(str):
    """A reference to an order, accession, encounter or other thing (ITI TF-3: 4.2.3.2.28)."""

    __slots__ = ()

    @property
    def id(self) -> str:
        """The id (CXi.1)."""
        return component(self, 1)

    @property
    def namespace(self) -> str:
        """The local name of who gave the id (CXi.4.1)."""
        return subcomponent(self, 4, 1)

    @property
    def assigning_authority(self) -> str:
        """The OID of who gave the id (CXi.4.2)."""
        return subcomponent(self, 4, 2)

    @property
    def type_code(self) -> str:
        """What kind of thing is referred to (CXi.5)."""
        return component(self, 5)

    @property
    def home_community(self) -> str:
        """The OID of the community that knows the id (CXi.6.2)."""
        return subcomponent(self, 6, 2)


class CodedString(str):
    """A code with its scheme, code^^^&OID&ISO, or plain text (ITI TF-3: 4.2.3.1.4.3)."""

    __slots__ = ()

    @property
    def code(self) -> str:
        """The code, or the plain text."""
        return component(self, 1)

    @property
    def coding_scheme(self) -> str:
        """The OID of the code's scheme; "" for plain text."""
        return subcomponent(self, 4, 2)


def errors_in_oid(text: str) -> Iterator[str]:
    """ITI TF-3: Table 4.2.3.1.7-2, OID."""
    if not _OID_SYNTAX.fullmatch(text):
        expected = "expected numbers joined by dots, without leading zeros, such as 2.999.1"
        yield f"{shown(text)} is not an OID, {expected}"
    if len(text) > OID_CHARACTERS:
        yield f"{shown(text)} has {len(text)} characters, expected an OID of at most {OID_CHARACTERS}"


def errors_in_oid_urn(text: str) -> Iterator[str]:
    """ITI TF-3: 4.2.3.2.12, homeCommunityId."""
    if text.startswith("urn:oid:"):
        yield from errors_in_oid(text.removeprefix("urn:oid:"))
    else:
        yield f"{shown(text)} does not begin with urn:oid:, expected an OID as a URN, such as urn:oid:2.999.1"


def errors_in_uuid_urn(text: str) -> Iterator[str]:
    """ITI TF-3: Table 4.2.3.1.7-2, UUID; lower case by RFC 4122."""
    if _VALID_UUID_URN.fullmatch(text):
        return
    if _VALID_UUID_URN.fullmatch(text.lower()):
        yield f"{shown(text)} has upper case letters, expected '{text.lower()}'"
    else:
        expected = "expected urn:uuid: and 8-4-4-4-12 hexadecimal digits in lower case"
        yield f"{shown(text)} is not a UUID, {expected}"


def errors_in_urn(text: str) -> Iterator[str]:
    """RFC 8141: urn:NID:NSS."""
    if not _VALID_URN.fullmatch(text):
        yield f"{shown(text)} is not a URN, expected urn:, a namespace, a colon and a name"


def errors_in_identifier(text: str) -> Iterator[str]:
    """ITI TF-3: 4.2.3.2.26, uniqueId of a DocumentEntry."""
    if not _PRINTABLE.fullmatch(text):
        yield f"{shown(text)} is not an identifier, expected printable ASCII without spaces"
    if len(text) > IDENTIFIER_CHARACTERS:
        most = IDENTIFIER_CHARACTERS
        yield f"{shown(text)} has {len(text)} characters, expected an identifier of at most {most}"


def errors_in_cx(text: str) -> Iterator[str]:
    """ITI TF-3: Table 4.2.3.1.7-2, CX."""
    if _VALID_CX.fullmatch(text):
        return
    expected = "expected id^^^&OID&ISO"
    yield from errors_in_escapes(text)
    yield from _errors_in_id(text, expected)
    yield from _errors_in_empty(text, (2, 3), expected)
    yield from errors_in_authority(text, 4, expected)
    if text.count("^") > 3:
        yield f"{shown(text)} goes on after component 4, {expected}"


def errors_in_cxi(text: str) -> Iterator[str]:
    """ITI TF-3: 4.2.3.2.28, referenceIdList; CXi.6 by CP-ITI-1292."""
    expected = "expected id^^^&OID&ISO^type"
    yield from errors_in_escapes(text)
    yield from _errors_in_id(text, expected)
    yield from _errors_in_empty(text, (2, 3), expected)
    authority, type_code = raw_component(text, 4), raw_component(text, 5)
    if not type_code:
        yield f"{shown(text)} names no type in component 5, {expected}"
    elif type_code in GLOBALLY_UNIQUE_TYPES and authority:
        yield f"{shown(text)} names an assigning authority, expected none with the type {type_code}"
    if "&" in authority:
        yield from errors_in_authority(text, 4, expected)
    if raw_component(text, 6):
        yield from errors_in_authority(text, 6, "expected &OID&ISO as home community in component 6")
    if text.count("^") > 5:
        yield f"{shown(text)} goes on after component 6, {expected}"


def errors_in_coded_string(text: str) -> Iterator[str]:
    """ITI TF-3: Table 4.2.3.1.7-2, Coded String; plain text is legal too."""
    expected = "expected plain text or code^^^&OID&ISO"
    if text and "^" not in text:
        return
    yield from errors_in_escapes(text)
    yield from _errors_in_id(text, expected, "code")
    yield from _errors_in_empty(text, (2, 3), expected)
    if text:
        yield from errors_in_authority(text, 4, expected)
    if text.count("^") > 3:
        yield f"{shown(text)} goes on after component 4, {expected}"


def errors_in_authority(text: str, number: int, expected: str) -> Iterator[str]:
    """An assigning authority is &OID&ISO, its namespace empty (ITI TF-3: Table 4.2.3.1.7-2)."""
    authority = raw_component(text, number)
    if not authority:
        yield f"{shown(text)} names no assigning authority in component {number}, {expected}"
        return
    namespace, *rest = authority.split("&")
    if namespace:
        yield f"{shown(text)} has the namespace '{namespace}' in component {number}, {expected}"
    oid = rest[0] if rest else ""
    if not _VALID_OID.fullmatch(oid):
        yield f"{shown(text)} has '{oid}' for the OID in component {number}, {expected}"
    if rest[1:] != ["ISO"]:
        yield f"{shown(text)} has '{'&'.join(rest[1:])}' for ISO in component {number}, {expected}"


def _errors_in_id(text: str, expected: str, what: str = "id") -> Iterator[str]:
    first = raw_component(text, 1)
    if not first:
        yield f"{shown(text)} has no {what} in component 1, {expected}"
    for character in "&|~":
        if character in first:
            yield f"{shown(text)} has a bare {character} in component 1, expected it escaped"


def _errors_in_empty(text: str, numbers: tuple[int, ...], expected: str) -> Iterator[str]:
    for number in numbers:
        if found := raw_component(text, number):
            yield f"{shown(text)} has '{found}' in component {number}, {expected}"


# ITI TF-3: 4.2.3.2.28: these need nobody's authority to be unique.
GLOBALLY_UNIQUE_TYPES = frozenset(
    {"urn:ihe:iti:xdw:2013:workflowInstanceId", "urn:ihe:iti:xds:2016:studyInstanceUID"}
)

_VALID_OID = re.compile(_OID)
_OID_SYNTAX = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*))+")
_VALID_UUID_URN = re.compile(f"urn:uuid:{_UUID}")
_VALID_URN = re.compile(r"urn:[A-Za-z0-9][A-Za-z0-9-]{0,31}:[\x21-\x7e]+", re.IGNORECASE)
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
# The whole of a well-formed CX in one pass: a query or submission of good values never takes the long way.
_VALID_CX = re.compile(rf"(?:[^|^~&\\]|\\[FSRTE]\\)+\^\^\^&{_OID}&ISO")
