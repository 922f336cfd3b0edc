"""Persons, organizations, telephones, and what is known of a patient (ITI TF-3: Table 4.2.3.1.7-2)."""

from collections.abc import Iterable, Iterator

from hl7v2.er7 import component, errors_in_escapes, raw_component, shown, subcomponent, unescaped
from hl7v2.identifiers import errors_in_authority, errors_in_oid

# ebRIM 3.0 LongName: a rim:Value holds no more.
XON_CHARACTERS = 256
# The PID segment of HL7 v2.5 ends there.
LAST_PID_FIELD = 39


class XCN(str):
    """A person, id^family^given^middle^suffix^prefix^degree^^&OID&ISO."""

    __slots__ = ()

    @property
    def id(self) -> str:
        """XCN.1."""
        return component(self, 1)

    @property
    def family(self) -> str:
        """XCN.2.1: the family name."""
        return subcomponent(self, 2, 1)

    @property
    def given(self) -> str:
        """XCN.3: the given name."""
        return component(self, 3)

    @property
    def middle(self) -> str:
        """XCN.4: further given names or their initials."""
        return component(self, 4)

    @property
    def suffix(self) -> str:
        """XCN.5, e.g. Jr."""
        return component(self, 5)

    @property
    def prefix(self) -> str:
        """XCN.6, e.g. Dr."""
        return component(self, 6)

    @property
    def degree(self) -> str:
        """XCN.7, e.g. MD."""
        return component(self, 7)

    @property
    def assigning_authority(self) -> str:
        """XCN.9.2: the OID of who gave the id."""
        return subcomponent(self, 9, 2)


class XON(str):
    """An organization, name^^^^^&OID&ISO^^^^id."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """XON.1."""
        return component(self, 1)

    @property
    def assigning_authority(self) -> str:
        """XON.6.2: the OID of who gave the id."""
        return subcomponent(self, 6, 2)

    @property
    def id(self) -> str:
        """XON.10: an OID of its own, or an id of the authority's."""
        return component(self, 10)


class XTN(str):
    """An e-mail address, ^NET^Internet^address, or a telephone, ^use^type^^country^area^number^extension."""

    __slots__ = ()

    @property
    def use(self) -> str:
        """XTN.2, e.g. WPN (HL7 table 0201)."""
        return component(self, 2)

    @property
    def type(self) -> str:
        """XTN.3, e.g. PH or Internet (HL7 table 0202)."""
        return component(self, 3)

    @property
    def address(self) -> str:
        """XTN.4: the e-mail address."""
        return component(self, 4)

    @property
    def number(self) -> str:
        """Country, area, local number and extension as one dials them, or XTN.12 as the sender wrote it."""
        country, area, local, extension = (component(self, n) for n in (5, 6, 7, 8))
        if not local:
            return component(self, 12)
        dialled = " ".join(part for part in (f"+{country}" if country else "", area, local) if part)
        return f"{dialled}-{extension}" if extension else dialled


class Recipient(str):
    """For whom a submission is meant, XON|XCN|XTN (ITI TF-3: 4.2.3.3.7)."""

    __slots__ = ()

    @property
    def organization(self) -> XON:
        """The first part; "" where it is absent."""
        return XON(self.partition("|")[0])

    @property
    def person(self) -> XCN:
        """The second part; "" where it is absent."""
        return XCN(self.partition("|")[2].partition("|")[0])

    @property
    def telecommunication(self) -> XTN:
        """The third part; "" where it is absent."""
        return XTN(self.partition("|")[2].partition("|")[2])


class Field(str):
    """One field of the PID segment as its source knew it, PID-n|value (ITI TF-3: 4.2.3.2.23)."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The field, e.g. PID-5."""
        return self.partition("|")[0]

    @property
    def value(self) -> str:
        """The text of the field with its components and escapes."""
        return self.partition("|")[2]

    @property
    def repetitions(self) -> tuple[str, ...]:
        """The values that `~` keeps apart."""
        return tuple(self.value.split("~"))


def errors_in_xcn(text: str) -> Iterator[str]:
    """ITI TF-3: Table 4.2.3.1.7-2, XCN; delimiters at the end and components beyond 9 are no error."""
    yield from errors_in_escapes(text)
    if not XCN(text).id and not XCN(text).family:
        yield f"{shown(text)} has neither an id in component 1 nor a family name in component 2, expected one"
    if raw_component(text, 9):
        yield from errors_in_authority(text, 9, "expected &OID&ISO as assigning authority")


def errors_in_xon(text: str) -> Iterator[str]:
    """ITI TF-3: Table 4.2.3.1.7-2, XON."""
    expected = "expected name^^^^^&OID&ISO^^^^id"
    yield from errors_in_escapes(text)
    if len(text) > XON_CHARACTERS:
        most = XON_CHARACTERS
        yield f"{shown(text)} has {len(text)} characters, expected an organization of at most {most}"
    components = _components(text)
    if not components[0]:
        yield f"{shown(text)} has no name in component 1, {expected}"
    for number, found in enumerate(components, 1):
        if found and number not in (1, 6, 10):
            yield f"{shown(text)} has '{found}' in component {number}, {expected}"
    organization_id = raw_component(text, 10)
    if raw_component(text, 6):
        yield from errors_in_authority(text, 6, expected)
    elif organization_id and any(errors_in_oid(organization_id)):
        yield (
            f"{shown(text)} has the id '{organization_id}' and no assigning authority in component 6, "
            "expected &OID&ISO there or an OID as id"
        )


def errors_in_xtn(text: str) -> Iterator[str]:
    """ITI TF-3: Table 4.2.3.1.7-2, XTN."""
    yield from errors_in_escapes(text)
    components = dict(enumerate(_components(text), 1))
    use, type_ = components.get(2, ""), components.get(3, "")
    if components[1]:
        expected = "expected ^NET^Internet^address or ^use^type^..."
        yield f"{shown(text)} has '{components[1]}' in component 1, {expected}"
    if type_ == "Internet":
        expected = "expected ^NET^Internet^address"
        if use not in ("", "NET"):
            yield f"{shown(text)} has '{use}' in component 2, {expected}"
        if not components.get(4):
            yield f"{shown(text)} has no address in component 4, {expected}"
        for number, found in components.items():
            if number > 4 and found:
                yield f"{shown(text)} has '{found}' in component {number}, {expected}"
    else:
        expected = "expected ^use^type^^country^area^number^extension"
        if type_ not in TELEPHONE_TYPES:
            kinds = " ".join(TELEPHONE_TYPES)
            yield f"{shown(text)} has the type '{type_}' in component 3, expected Internet or one of {kinds}"
        if use == "NET":
            yield f"{shown(text)} has 'NET' in component 2, which goes with Internet in component 3 only"
        if components.get(4):
            yield f"{shown(text)} has '{components[4]}' in component 4, {expected}"
        if not components.get(7) and not components.get(12):
            yield f"{shown(text)} has no number in component 7, {expected}"


def errors_in_recipient(text: str) -> Iterator[str]:
    """ITI TF-3: 4.2.3.3.7, intendedRecipient."""
    expected = "expected organization|person|telecommunication"
    recipient = Recipient(text)
    if not text.strip("|"):
        yield f"{shown(text)} names nobody, {expected}"
    if recipient.organization:
        yield from errors_in_xon(recipient.organization)
    if recipient.person:
        yield from errors_in_xcn(recipient.person)
    if "|" in recipient.telecommunication:
        yield f"{shown(text)} has more than three parts, {expected}"
    elif recipient.telecommunication:
        yield from errors_in_xtn(recipient.telecommunication)


def errors_in_field(text: str) -> Iterator[str]:
    """ITI TF-3: 4.2.3.2.23, one Value of sourcePatientInfo."""
    field = Field(text)
    number = field.name.removeprefix("PID-")
    if "|" not in text or number == field.name or number not in _PID_FIELDS:
        expected = f"expected PID-1 to PID-{LAST_PID_FIELD}, a bar and the value"
        yield f"{shown(text)} is not a patient field, {expected}"
        return
    yield from errors_in_escapes(field.value)
    if "|" in field.value:
        yield rf"{shown(text)} has a second bar, expected \F\ for a literal one"
    if field.name in FORBIDDEN_FIELDS:
        yield f"{shown(text)} gives {field.name}, expected any field but {', '.join(FORBIDDEN_FIELDS)}"
    if field.name in SINGLE_FIELDS and len(field.repetitions) > 1:
        yield f"{shown(text)} repeats {field.name}, expected one value"


def errors_in_source_patient_info(texts: Iterable[str]) -> Iterator[str]:
    """ITI TF-3: 4.2.3.2.23, all Values together: one birth date and one sex."""
    names = [Field(text).name for text in texts]
    for name in SINGLE_FIELDS:
        if names.count(name) > 1:
            yield f"{name} is given {names.count(name)} times, expected once"


def _components(text: str) -> list[str]:
    """Components without the delimiters at the end, which mean nothing (HL7 v2.5: 2.10)."""
    return [unescaped(part) for part in text.rstrip("^").split("^")]


# HL7 table 0202 less Internet, which makes an e-mail address, and X.400.
TELEPHONE_TYPES = ("PH", "CP", "FX", "BP", "MD", "SAT", "TDD", "TTY")
# ITI TF-3: 4.2.3.2.23: older ids, the social security number and the county have no place here.
FORBIDDEN_FIELDS = ("PID-2", "PID-4", "PID-12", "PID-19")
# Date of birth and administrative sex.
SINGLE_FIELDS = ("PID-7", "PID-8")

_PID_FIELDS = frozenset(str(number) for number in range(1, LAST_PID_FIELD + 1))
