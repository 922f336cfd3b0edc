"""What is said about a document before it is submitted, from several sources (ITI TF-3: 4.2.3.2)."""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from client.codes import CodeBook
from client.errors import BadMetadata
from client.people import organization_of, person_of
from client.times import time_of
from ebxml.model import Author, Code
from hl7v2.datatypes import (
    CX,
    DTM,
    XCN,
    errors_in_coded_string,
    errors_in_cx,
    errors_in_identifier,
    errors_in_language_code,
    errors_in_mime_type,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """Attributes of a DocumentEntry, and of the submission it comes in; None is what is not said."""

    title: str | None = None
    comments: str | None = None
    type_code: Code | None = None
    class_code: Code | None = None
    format_code: Code | None = None
    confidentiality_code: tuple[Code, ...] | None = None
    event_code_list: tuple[Code, ...] | None = None
    healthcare_facility_type_code: Code | None = None
    practice_setting_code: Code | None = None
    content_type_code: Code | None = None
    language_code: str | None = None
    author: tuple[Author, ...] | None = None
    legal_authenticator: XCN | None = None
    creation_time: DTM | None = None
    service_start_time: DTM | None = None
    service_stop_time: DTM | None = None
    unique_id: str | None = None
    mime_type: str | None = None
    patient_id: CX | None = None
    source_patient_id: CX | None = None

    def or_else(self, other: "Metadata") -> "Metadata":
        """The same, with what is not said taken from another source."""
        return replace(self, **{name: getattr(other, name) for name in self.unsaid()})

    def unsaid(self) -> tuple[str, ...]:
        """The attributes of which nothing is said."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name) is None)


NOTHING_SAID = Metadata()


@dataclass(frozen=True, slots=True)
class Speaker:
    """What texts are read by: the domain's codes, who gives patient ids, and the time here and now."""

    codes: CodeBook
    assigning_authority: str
    now: datetime


# The words of options and sidecar files, and the coded attribute behind each.
CODED_KEYS: Mapping[str, tuple[str, str]] = {
    "type": ("type_code", "typeCode"),
    "class": ("class_code", "classCode"),
    "format": ("format_code", "formatCode"),
    "facility": ("healthcare_facility_type_code", "healthcareFacilityTypeCode"),
    "practice": ("practice_setting_code", "practiceSettingCode"),
    "content-type": ("content_type_code", "contentTypeCode"),
}
CODED_LIST_KEYS: Mapping[str, tuple[str, str]] = {
    "confidentiality": ("confidentiality_code", "confidentialityCode"),
    "event": ("event_code_list", "eventCodeList"),
}
TIME_KEYS: Mapping[str, str] = {
    "created": "creation_time",
    "service-start": "service_start_time",
    "service-stop": "service_stop_time",
}
AUTHOR_KEYS = ("author", "institution", "role", "specialty")
OTHER_KEYS = ("title", "comments", "language", "unique-id", "mime-type", "patient", "source-patient")
KEYS = (*CODED_KEYS, *CODED_LIST_KEYS, *TIME_KEYS, *AUTHOR_KEYS, *OTHER_KEYS)

Texts = Mapping[str, Sequence[str]]


def read_metadata(texts: Texts, speaker: Speaker) -> Metadata:
    """Metadata as a person writes them, each key with its texts; BadMetadata names all that is wrong."""
    reader = _Reader(texts, speaker)
    metadata = reader.metadata()
    if reader.problems:
        raise BadMetadata(*reader.problems)
    return metadata


def patient_id_of(text: str, assigning_authority: str) -> CX:
    """A patient id: all of the CX, or the id alone that the domain's authority gave."""
    if "^" in text:
        for error in errors_in_cx(text):
            raise BadMetadata(f"patient id: {error}")
        return CX(text)
    if not assigning_authority:
        raise BadMetadata(f"who gave the patient id {text} is not known, expected {text}^^^&OID&ISO")
    return CX.of(text, assigning_authority)


class _Reader:
    def __init__(self, texts: Texts, speaker: Speaker) -> None:
        self._texts = texts
        self._speaker = speaker
        self.problems = list(_unknown_keys(texts))

    def metadata(self) -> Metadata:
        codes, now = self._speaker.codes, self._speaker.now
        said: dict[str, object] = {}
        for key, (field, attribute) in CODED_KEYS.items():
            said[field] = self._one(key, partial(codes.resolve, attribute))
        for key, (field, attribute) in CODED_LIST_KEYS.items():
            said[field] = self._many(key, partial(codes.resolve, attribute))
        for key, field in TIME_KEYS.items():
            said[field] = self._one(key, partial(time_of, now=now))
        return Metadata(
            **said,  # type: ignore[arg-type]  # the tables above name fields of the type that is read for them
            title=self._one("title", str),
            comments=self._one("comments", str),
            language_code=self._one("language", _checked(errors_in_language_code)),
            unique_id=self._one("unique-id", _checked(errors_in_identifier)),
            mime_type=self._one("mime-type", _checked(errors_in_mime_type)),
            patient_id=self._one("patient", self._patient_id),
            source_patient_id=self._one("source-patient", self._patient_id),
            author=self._authors(),
        )

    def _authors(self) -> tuple[Author, ...] | None:
        people = self._many("author", person_of) or ()
        institutions = self._many("institution", organization_of) or ()
        roles = self._many("role", _checked(errors_in_coded_string)) or ()
        specialties = self._many("specialty", _checked(errors_in_coded_string)) or ()
        if not people and not institutions:
            if roles or specialties:
                self.problems.append("role and specialty need an author or an institution")
            return None
        return tuple(Author(person, institutions, roles, specialties) for person in people or (None,))

    def _patient_id(self, text: str) -> CX:
        return patient_id_of(text, self._speaker.assigning_authority)

    def _one(self, key: str, read: Callable[[str], T]) -> T | None:
        texts = self._texts.get(key, ())
        if len(texts) > 1:
            self.problems.append(f"{key} has {len(texts)} values, expected one")
        return self._read(key, read, texts[0]) if texts else None

    def _many(self, key: str, read: Callable[[str], T]) -> tuple[T, ...] | None:
        values = (self._read(key, read, text) for text in self._texts.get(key, ()))
        return tuple(value for value in values if value is not None) or None

    def _read(self, key: str, read: Callable[[str], T], text: str) -> T | None:
        try:
            return read(text)
        except BadMetadata as problem:
            self.problems.extend(f"{key}: {one}" for one in problem.problems)
        return None


def _unknown_keys(texts: Texts) -> Iterable[str]:
    for key in texts:
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1)
            expected = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(KEYS)}"
            yield f"unknown key {key}, {expected}"


def _checked(errors_in: Callable[[str], Iterable[str]]) -> Callable[[str], str]:
    def read(text: str) -> str:
        for error in errors_in(text):
            raise BadMetadata(error)
        return text

    return read
