"""What was read of directives is used as long as it holds, and never after (docs/consent.md)."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from consent_broker import kept as module
from consent_broker import store
from consent_broker.inheritance import inherit
from consent_broker.kept import Kept
from consent_broker.matrix import Matrices
from consent_broker.model import Directives, Level, Origin, Party, PartyKind, Period, RecordStatus, Right
from consent_broker.store import Directive, Kind
from database import Database, open_database
from server.rules import read_rule_pack
from tests.services.ruled import RULES

pytestmark = pytest.mark.anyio

PATIENT, OTHER = "p1^^^&2.999.3&ISO", "p2^^^&2.999.3&ISO"
NOW = datetime(2030, 1, 15, 12, tzinfo=UTC)
DR_A, DR_B = (frozenset({Party(PartyKind.PERSON, f"2.999.4|{name}")}) for name in "AB")


@pytest.fixture
async def elsewhere(migrated_database_url: str) -> AsyncIterator[Database]:
    """Another process at the same database."""
    database = await open_database(migrated_database_url)
    yield database
    await database.close()


@pytest.fixture
async def kept(migrated_database_url: str, tmp_path: Path) -> AsyncIterator[Kept]:
    (tmp_path / "rules.toml").write_text(RULES)
    database = await open_database(migrated_database_url)
    yield Kept(database, read_rule_pack(str(tmp_path / "rules.toml")))
    await database.close()


async def held(
    kept: Kept, parties: frozenset[Party] = DR_A, patient: str = PATIENT, at: datetime = NOW
) -> Directives:
    return (await kept.now(parties, {patient}, at)).directives[patient]


def grant(parties: frozenset[Party]) -> Directive:
    (party,) = parties
    return Directive(Kind.GRANT, party, rights=frozenset(Right), level=Level.NORMAL, origin=Origin.PORTAL)


async def test_what_still_holds_is_not_read_again(kept):
    assert (await held(kept)).status is RecordStatus.NOT_OPENED
    assert await held(kept) is await held(kept)


async def test_every_kind_of_change_by_another_process_counts_at_once(kept, elsewhere):
    """Also one that is taken back, and a record's status."""
    await held(kept)
    await store.set_status(PATIENT, RecordStatus.OPEN, NOW, "portal", elsewhere)
    assert (await held(kept)).status is RecordStatus.OPEN
    await store.add(PATIENT, grant(DR_A), NOW, "portal", elsewhere)
    assert len((await held(kept)).grants) == 1
    await store.end(PATIENT, grant(DR_A), NOW, "portal", elsewhere)
    assert (await held(kept)).grants == ()
    await store.add(OTHER, Directive(Kind.HIDDEN, document="urn:uuid:x"), NOW, "portal", elsewhere)
    await inherit(OTHER, PATIENT, NOW, elsewhere)
    assert (await held(kept)).hidden == {"urn:uuid:x"}


async def test_what_concerns_one_is_not_taken_for_what_concerns_another(kept, elsewhere):
    await store.add(PATIENT, grant(DR_A), NOW, "portal", elsewhere)
    assert len((await held(kept, DR_A)).grants) == 1
    assert (await held(kept, DR_B)).grants == ()
    assert len((await held(kept, DR_A)).grants) == 1
    assert (await held(kept, DR_A, OTHER)).grants == ()


async def test_what_begins_and_ends_by_itself_is_read_again_then(kept, elsewhere):
    """Whatever the version says; an exclusion holds from its start, and no longer at its end."""
    (party,) = DR_A
    begins, ends = NOW + timedelta(seconds=1), NOW + timedelta(seconds=3)
    excluded = Directive(Kind.EXCLUSION, party, period=Period(begins, ends))
    await store.add(PATIENT, excluded, NOW, "portal", elsewhere)
    said = [await held(kept, at=NOW + timedelta(seconds=second)) for second in range(5)]
    assert [bool(one.excluded) for one in said] == [False, True, True, False, False]
    assert said[1] is said[2]
    assert said[3] is said[4]
    assert (await held(kept, at=NOW)).excluded == frozenset()


async def test_what_is_kept_is_known_before_it_is_known_whether_it_holds(kept, elsewhere):
    """As it was; the database's answer to the question tells, whoever asked it."""
    assert kept.lately(DR_A, {PATIENT}, NOW) is None
    await held(kept)
    known = kept.lately(DR_A, {PATIENT}, NOW)
    assert await kept.holds(known, NOW)
    before = await elsewhere.fetch(*kept.question(known, NOW))
    await store.add(PATIENT, grant(DR_A), NOW, "portal", elsewhere)
    after = await elsewhere.fetch(*kept.question(known, NOW))
    assert await kept.holds(known, NOW, before)
    assert not await kept.holds(known, NOW, after)
    assert not await kept.holds(known, NOW)
    assert not await kept.holds(known, NOW + timedelta(days=1), before)
    assert kept.lately(DR_A, {PATIENT}, NOW).directives[PATIENT].grants == ()
    assert kept.lately(DR_A, {PATIENT}, NOW + timedelta(days=1)) is None


async def test_what_follows_is_found_out_once_for_what_is_kept(kept, elsewhere):
    """And anew when something of it has changed, or an objection window has ended by itself."""
    found = partial(next, count(1))

    async def follows(at: datetime = NOW, asked: str = "reads") -> int:
        known = await kept.now(DR_A, {PATIENT}, at)
        number: int = known.follows(PATIENT, asked, found)
        return number

    assert [await follows(), await follows()] == [1, 1]
    assert [await follows(asked="deposits"), await follows()] == [2, 1]
    await store.add(PATIENT, grant(DR_A), NOW, "portal", elsewhere)
    assert [await follows(), await follows()] == [3, 3]
    opens = NOW + timedelta(seconds=2)
    await store.set_status(PATIENT, RecordStatus.OBJECTION_WINDOW, NOW, "portal", elsewhere, opens)
    times = [NOW, NOW + timedelta(seconds=1), opens, opens + timedelta(seconds=1)]
    assert [await follows(at) for at in times] == [4, 4, 5, 5]
    for number in range(module.MOST_FOLLOWS):
        await follows(opens, f"asks {number}")
    assert await follows(opens) == 6 + module.MOST_FOLLOWS


async def test_no_more_records_are_kept_than_the_limit(kept, monkeypatch):
    """Those that were asked for last."""
    monkeypatch.setattr(module, "MOST_KEPT", 1)
    first = await held(kept)
    assert await held(kept) is first
    await held(kept, patient=OTHER)
    assert await held(kept) is not first


async def test_the_matrix_in_force_is_asked_for_as_well(kept, elsewhere):
    assert (await kept.now(DR_A, set(), NOW)).matrix == 0
    version = await Matrices(elsewhere, kept.rules).add(
        frozenset(), date(2030, 1, 16), NOW, "operator", "next"
    )
    assert (await kept.now(DR_A, set(), NOW)).matrix == 0
    assert (await kept.now(DR_A, set(), NOW + timedelta(days=1))).matrix == version.number
