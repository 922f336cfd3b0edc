"""Ways to spoil a submission's text, to be tried one by one."""

import re
from collections.abc import Callable

from tests.messages.requests import association, slot

Change = Callable[[str], str]
METADATA_ERROR = "XDSRegistryMetadataError"
UNRESOLVED = "UnresolvedReferenceException"
LAST_ASSOCIATION = '<rim:Association id="SubmissionSet1-Folder1"'

# By name: what is changed, and the errors as a registry tells them; a text alone is a METADATA_ERROR.
# A patient id that is fresh in each message stands as PATIENT.
Cases = dict[str, tuple[Change, str | list[tuple[str, str]]]]


def without(start: str, end: str) -> Change:
    """Leave out what begins and ends so, the first time."""

    def change(xml: str) -> str:
        begin = xml.index(start)
        return xml[:begin] + xml[xml.index(end, begin) + len(end) :]

    return change


def no_slot(name: str) -> Change:
    return without(f'<rim:Slot name="{name}">', "</rim:Slot>")


def no_code(id: str) -> Change:
    return without(f'<rim:Classification id="{id}"', "</rim:Classification>")


def no_identifier(id: str) -> Change:
    return without(f'<rim:ExternalIdentifier id="{id}"', "</rim:ExternalIdentifier>")


def instead(old: str, new: str, times: int = 1) -> Change:
    """Put one text in the place of another that stands there so many times."""

    def change(xml: str) -> str:
        assert xml.count(old) == times, (old, xml.count(old))
        return xml.replace(old, new)

    return change


def values(name: str, *values: str) -> Change:
    """Give the first Slot of this name other values."""

    def change(xml: str) -> str:
        pattern = rf'<rim:Slot name="{re.escape(name)}">.*?</rim:Slot>'
        return re.sub(pattern, lambda _: slot(name, *values), xml, count=1)

    return change


def identified(id: str, value: str) -> Change:
    """Give an ExternalIdentifier another value."""

    def change(xml: str) -> str:
        return re.sub(rf'(id="{id}".*?value=")[^"]*', lambda found: found[1] + value, xml)

    return change


def before(place: str, new: str) -> Change:
    """Put something in front of the first such text."""

    def change(xml: str) -> str:
        at = xml.index(place)
        return xml[:at] + new + xml[at:]

    return change


def more(name: str, *values: str) -> Change:
    """Give the DocumentEntry one more Slot."""
    return before('<rim:Slot name="hash">', slot(name, *values))


def more_of_set(name: str, *values: str) -> Change:
    return before('<rim:Slot name="submissionTime">', slot(name, *values))


def more_of_author(name: str, *values: str) -> Change:
    """The first author is that of the SubmissionSet."""
    return before('<rim:Slot name="authorPerson">', slot(name, *values))


def more_associations(source: str, target: str, type: str, status: str = "") -> Change:
    return before(LAST_ASSOCIATION, association(source, target, type, status, id="A9"))


def all_of(*changes: Change) -> Change:
    def change(xml: str) -> str:
        for one in changes:
            xml = one(xml)
        return xml

    return change


def scheme_of_class_code(new: str) -> Change:
    """Put something else in the place of the codingScheme."""
    pattern = r'(<rim:Classification id="REPORT-Document1"[^>]*>)<rim:Slot.*?</rim:Slot>'
    return lambda xml: re.sub(pattern, lambda found: found[1] + new, xml)


def objects(new: str) -> Change:
    """Put something else in the place of the RegistryObjectList."""
    pattern = "<rim:RegistryObjectList>.*</rim:RegistryObjectList>"
    return lambda xml: re.sub(pattern, new, xml)
