"""What is written is read again (DICOM PS3.15 A.5.1)."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from audit_message.model import (
    ActiveParticipant,
    AuditMessage,
    AuditSource,
    Detail,
    EventIdentification,
    ParticipantObject,
)
from audit_message.read import read_audit_message
from audit_message.write import write_audit_message
from ihe.audit_events import Action, CodedValue, Outcome

# What XML 1.0 can carry; test_write.py tells what becomes of the rest.
carried = st.text(
    st.characters(codec="utf-8").filter(lambda c: c in "\t\n\r" or " " <= c < "\ufffe" or c > "\uffff"),
    max_size=12,
)
anything = st.text(st.characters(codec="utf-8"), max_size=12)
coded = st.builds(CodedValue, carried, carried, carried, carried)
codes = st.lists(coded, max_size=3).map(tuple)
milliseconds = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)).map(
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
)
objects = st.builds(
    ParticipantObject,
    *(carried, coded, carried, carried, carried, carried),
    name=st.just(""),
    query=st.just(b""),
    details=st.lists(st.builds(Detail, carried, anything), max_size=3).map(tuple),
)
messages = st.builds(
    AuditMessage,
    st.builds(
        EventIdentification,
        coded,
        milliseconds,
        st.sampled_from(Outcome),
        st.none() | st.sampled_from(Action),
        codes,
        carried,
        codes,
    ),
    st.lists(
        st.builds(ActiveParticipant, carried, st.booleans(), codes, carried, carried, carried, carried),
        max_size=3,
    ).map(tuple),
    st.builds(AuditSource, carried, carried, codes),
    st.lists(
        objects
        | st.builds(lambda one, name: one._replace(name=name), objects, carried)
        | st.builds(lambda one, query: one._replace(query=query), objects, st.binary(max_size=20)),
        max_size=3,
    ).map(tuple),
)


@given(messages)
def test_every_message_comes_back_as_it_was(message: AuditMessage) -> None:
    """DICOM PS3.15 A.5.1."""
    assert read_audit_message(write_audit_message(message)) == message
