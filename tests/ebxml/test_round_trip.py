from dataclasses import fields
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import schemas
from ebxml.model import (
    Association,
    Author,
    Code,
    DocumentEntry,
    Folder,
    LocalizedString,
    Slot,
    Submission,
    SubmissionSet,
)
from ebxml.read import read_submission
from ebxml.write import write_submit_objects_request
from hl7v2.datatypes import CX, DTM, XCN
from tests.messages.submission_xml import changed

# Every character that XML 1.0 can carry; NEL and LINE SEPARATOR among them.
TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\n\r<&>\"'\u0085\u2028"),
    max_size=12,
)
STRINGS = st.builds(LocalizedString, TEXT, st.none() | st.just("fr-LU"), st.none() | st.just("UTF-8"))
INTERNATIONAL = st.lists(STRINGS, max_size=2).map(tuple)
CODES = st.builds(Code, TEXT, TEXT, INTERNATIONAL)
VALUES = st.lists(TEXT, max_size=3).map(tuple)
EXTRA = st.lists(
    st.builds(Slot, TEXT.map("urn:example:".__add__), VALUES, st.none() | TEXT),
    max_size=2,
    unique_by=lambda slot: slot.name,
).map(tuple)
AUTHORS = st.builds(
    Author, st.none() | TEXT.map(XCN), VALUES, VALUES, VALUES, VALUES, EXTRA
)  # fmt: skip

BY_ANNOTATION: dict[Any, st.SearchStrategy[Any]] = {
    str | None: st.none() | TEXT,
    CX | None: st.none() | TEXT.map(CX),
    DTM | None: st.none() | TEXT.map(DTM),
    XCN | None: st.none() | TEXT.map(XCN),
    Code | None: st.none() | CODES,
    str: TEXT,
    bool: st.booleans(),
    tuple[Author, ...]: st.lists(AUTHORS, max_size=2).map(tuple),
    tuple[Code, ...]: st.lists(CODES, max_size=2).map(tuple),
    tuple[str, ...]: VALUES,
    tuple[LocalizedString, ...]: INTERNATIONAL,
    tuple[Slot, ...]: EXTRA,
}


def objects(cls: type, prefix: str) -> st.SearchStrategy[Any]:
    """Objects with anything in any field, and an id of their own."""
    others = {field.name: BY_ANNOTATION[field.type] for field in fields(cls) if field.name != "entry_uuid"}
    return st.builds(cls, entry_uuid=st.integers(0, 10**9).map(lambda n: f"{prefix}{n}"), **others)


SUBMISSIONS = st.builds(
    Submission,
    submission_sets=st.lists(objects(SubmissionSet, "ss"), max_size=1).map(tuple),
    document_entries=st.lists(objects(DocumentEntry, "de"), max_size=2).map(tuple),
    folders=st.lists(objects(Folder, "fol"), max_size=1).map(tuple),
    associations=st.lists(objects(Association, "as"), max_size=1).map(tuple),
)


@settings(max_examples=150)
@given(SUBMISSIONS)
def test_what_is_written_is_read_again(submission):
    """ITI TF-3: 4.2.3: every attribute, in any text that XML can carry."""
    assert read_submission(schemas.parse(write_submit_objects_request(submission))) == submission


def test_what_a_foreign_sender_wrote_is_passed_on_whole():
    """ITI TF-2: 3.41.4.1.3: the repository hands on what it was given."""
    submission = read_submission(changed())
    again = schemas.parse(write_submit_objects_request(submission))
    assert schemas.errors_in(again) == ()
    assert read_submission(again) == submission
