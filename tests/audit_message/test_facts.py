"""The short way to what a message is found by tells what the long way tells (DICOM PS3.15 A.5.1)."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from audit_message.departures import examine
from audit_message.facts import SHORT_WAY_BYTES, Facts, facts_as_written, facts_of
from audit_message.model import ActiveParticipant, AuditMessage, AuditSource, EventIdentification
from audit_message.read import NotAnAuditMessage, read_audit_message
from audit_message.write import write_audit_message
from ihe.audit_events import Action, Outcome
from tests.audit_message.test_round_trip import carried, coded, codes, messages, milliseconds, objects
from tests.messages.audit import RETRIEVED

ARRIVED = datetime(2030, 6, 1, tzinfo=UTC)
# RETRIEVED is of somebody else, who closes empty elements otherwise.
WRITTEN = write_audit_message(read_audit_message(RETRIEVED))


def numbers(last: int) -> st.SearchStrategy[str]:
    return st.sampled_from(["", *map(str, range(1, last + 1))])


of_the_schema = st.builds(
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
        st.builds(ActiveParticipant, carried, st.booleans(), codes, carried, carried, carried, numbers(5)),
        min_size=1,
        max_size=3,
    ).map(tuple),
    st.builds(AuditSource, carried, carried, codes),
    st.lists(
        st.builds(
            lambda one, kind, role, life_cycle, query: one._replace(
                type_code=kind, role=role, life_cycle=life_cycle, query=query
            ),
            *(objects, numbers(4), numbers(26), numbers(15), st.binary(max_size=20)),
        ),
        max_size=3,
    ).map(tuple),
)
# What may be put in anywhere, or take the place of something.
PIECES = (
    b"",
    b"&",
    b"&amp;",
    b"&#0;",
    b"<",
    b">",
    b'"',
    b" ",
    b"\n",
    b"\x01",
    b"\xff",
    b"=",
    b"A",
    b"7",
    b"]]>",
    b"<!-- -->",
)


def test_a_message_of_ours_is_read_the_short_way():
    assert facts_as_written(WRITTEN) == Facts(
        datetime(2030, 1, 1, 12, tzinfo=UTC),
        Outcome.SUCCESS,
        "server.example",
        (("p1^^^&2.999.5&ISO", "1", "1"), ("2.999.3.77", "2", "3")),
        (
            *("https://server.example/xds", ""),
            *("<jdoe@https://idp.example>", ""),
            *("http://www.w3.org/2005/08/addressing/anonymous", ""),
        ),
        ("NORM",),
        ("110106", "ITI-43"),
    )


def test_a_message_of_others_is_not():
    assert facts_as_written(RETRIEVED) is None
    assert facts_as_written(WRITTEN + b" " * SHORT_WAY_BYTES) is None


@given(of_the_schema)
def test_whatever_we_write_by_the_schema_is_read_the_short_way(message):
    written = write_audit_message(message)
    assert facts_as_written(written) == facts_of(read_audit_message(written))
    assert examine(written, ARRIVED)[1] == ()


@given(messages)
def test_what_we_would_write_beside_the_schema_is_not(message):
    """Its departures are to be told."""
    written = write_audit_message(message)
    departs = examine(written, ARRIVED)[1] != ()
    assert facts_as_written(written) == (None if departs else facts_of(read_audit_message(written)))


@given(
    st.lists(st.tuples(st.integers(0, len(WRITTEN)), st.integers(0, 12), st.sampled_from(PIECES)), max_size=3)
)
def test_what_is_read_the_short_way_departs_from_nothing(changes):
    altered = WRITTEN
    for at, gone, piece in changes:
        altered = altered[:at] + piece + altered[at + gone :]
    if facts := facts_as_written(altered):
        try:
            message, departures = examine(altered, ARRIVED)
        except NotAnAuditMessage as problem:
            raise AssertionError(altered) from problem
        assert (facts_of(message), departures) == (facts, ())
