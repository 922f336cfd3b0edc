"""The access matrix in versions, on each database."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from consent_broker.decision_log import WRITTEN_AFTER, DecisionLog
from consent_broker.matrix import COLUMNS, BadMatrix, Matrices, access_of, cells_of, read_csv, write_csv
from consent_broker.model import Asker, Right
from database import open_database
from server.rules import read_rule_pack
from tests.consent_broker.test_decide import DOCTOR, NURSE, PRESCRIPTION, REPORT, RULES

pytestmark = pytest.mark.anyio

NOW = datetime(2030, 1, 15, 12, tzinfo=UTC)
TODAY = NOW.date()
HEAD = ",".join(COLUMNS)
ROW = "2221,2.999.7,,,11502-2,2.999.8,yes,no,,"


@pytest.fixture
async def matrices(migrated_database_url) -> AsyncIterator[Matrices]:
    database = await open_database(migrated_database_url)
    yield Matrices(database, RULES)
    await database.close()


def test_the_shipped_matrix_survives_a_spreadsheet():
    """Import and export as CSV (RFC 4180): what goes out comes back."""
    rules = read_rule_pack("luxembourg")
    cells = cells_of(rules.access)
    assert read_csv(write_csv(cells)) == cells
    again = replace(rules, access=access_of(cells))
    for profession in {row.profession for row in rules.access}:
        for right in Right:
            assert again.types_for(profession, ("", ""), right, TODAY) == rules.types_for(
                profession, ("", ""), right, TODAY
            )


def test_a_row_may_be_of_one_specialty_and_of_one_time():
    """profession x specialty x type x right, with effective dates."""
    (access,) = access_of(
        read_csv(f"{HEAD}\n2212,2.999.7,C,2.999.9,T,2.999.8,yes,no,2030-01-01,2030-02-01\n")
    )
    cardiologist = (("2212", "2.999.7"), ("C", "2.999.9"))
    assert access.applies(*cardiologist, date(2030, 1, 31))
    assert not access.applies(*cardiologist, date(2030, 2, 1))
    assert not access.applies(("2212", "2.999.7"), ("", ""), date(2030, 1, 31))


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "line 1: expected the columns"),
        (f"{HEAD}\n{ROW},", "line 2: 11 columns; 10 were expected"),
        (f"{HEAD}\n{ROW}\n{ROW.replace('yes', 'maybe')}", "line 3: read is yes or no"),
        (f"{HEAD}\n{ROW.replace('2221', '')}", "line 2: profession is missing"),
        (f"{HEAD}\n{ROW.replace('2221', 'a|b')}", "line 2: there is no | in a code"),
        (f"{HEAD}\n{ROW[:-1]}2030-02-30,", "line 2: "),
        (f"{HEAD}\n{ROW[:-1]}2030-02-02,2030-02-02", "line 2: valid_until is the first day"),
    ],
)
def test_every_line_that_is_wrong_is_named(text, wrong):
    """With its number."""
    with pytest.raises(BadMatrix) as refused:
        read_csv(text)
    assert any(one.startswith(wrong) for one in refused.value.args)


async def test_a_version_is_in_force_from_its_day_on(matrices):
    """Versioned data with effective dates; the newest whose day has come."""
    cells = read_csv(f"{HEAD}\n{ROW}\n")
    first = await matrices.add(cells, TODAY, NOW, "anne", "first")
    later = await matrices.add(frozenset(), TODAY + timedelta(days=7), NOW, "anne", "")
    in_force = [await matrices.number_on(TODAY + timedelta(days=days)) for days in (-1, 0, 6, 7)]
    assert in_force == [0, first.number, first.number, later.number]
    assert [one.note for one in await matrices.versions()] == ["first", ""]
    assert await matrices.cells(first.number) == cells
    read = [
        (await matrices.rules_on(TODAY + timedelta(days=days))).types_for(NURSE, ("", ""), Right.READ, TODAY)
        for days in (-1, 0, 7)
    ]
    assert read == [{PRESCRIPTION}, {REPORT}, frozenset()]


async def test_a_dry_run_tells_what_would_have_changed_for_decisions_that_were_made(matrices):
    """Over recorded decisions: who would have gained and lost what, and how often."""
    log = DecisionLog(matrices.database)
    nurse, doctor = Asker(person="a|n", profession=NURSE), Asker(person="a|d", profession=DOCTOR)
    for asker in (nurse, nurse, nurse, doctor):
        await log.note(asker, Right.READ, NOW)
    await log.note(doctor, Right.READ, NOW + WRITTEN_AFTER)
    assert [one.count for one in await matrices.decisions()] == [2, 3]
    same_for_doctors = {cell for cell in cells_of(RULES.access) if cell.profession == DOCTOR}
    (effect,) = await matrices.would_change(frozenset(same_for_doctors) | read_csv(f"{HEAD}\n{ROW}\n"))
    assert (effect.profession, effect.decisions) == (NURSE, 3)
    assert (effect.gained, effect.lost) == ({REPORT}, {PRESCRIPTION})


async def test_decisions_are_forgotten_after_a_year_and_a_season(matrices):
    """A bounded log."""
    log = DecisionLog(matrices.database)
    for days in (0, 400, 401):
        await log.note(Asker(person="a|n", profession=NURSE), Right.READ, NOW + timedelta(days=days))
    assert [one.day.isoformat() for one in await matrices.decisions()] == ["2031-02-19", "2031-02-20"]
