"""The directory of professionals and institutions, on each database."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from consent_broker.directory import Directory, Institution, Membership, Professional
from consent_broker.model import Asker, Period
from consent_broker.texts import Why
from database import Database, open_database
from tests.consent_broker.test_decide import DOCTOR, NURSE, RULES

pytestmark = pytest.mark.anyio

NOW = datetime(2030, 1, 15, 12, tzinfo=UTC)
CARDIOLOGY = ("394579002", "2.999.10")
YEAR = Period(NOW, NOW + timedelta(days=365))
CLINIC = "urn:oid:2.999.5"
DR_A = Asker(person="2.999.4|A", organization=CLINIC, profession=DOCTOR)
CHECKED = replace(RULES, listed_only=True, members_only=True)


@pytest.fixture
async def directory(migrated_database_url) -> AsyncIterator[Directory]:
    database: Database = await open_database(migrated_database_url)
    yield Directory(database)
    await database.close()


async def test_who_is_listed_as_what_he_claims_is_borne_out_while_his_licence_holds(directory):
    """professionnels de santé agréés: profession, specialty, licence, dates."""
    listed = Professional("2.999.4|A", "Dr Anne Weber", "L-1", DOCTOR, CARDIOLOGY, YEAR)
    await directory.put(listed, NOW, "anne")

    async def unlisted(asker: Asker, days: int = 1):
        return (await directory.checked(asker, CHECKED, NOW + timedelta(days=days))).unlisted

    assert await unlisted(DR_A) is None
    assert await unlisted(replace(DR_A, specialty=CARDIOLOGY)) is None
    assert await unlisted(replace(DR_A, specialty=("1", "2.999.10"))) is Why.OTHER_PROFESSION
    assert await unlisted(replace(DR_A, profession=NURSE)) is Why.OTHER_PROFESSION
    assert await unlisted(replace(DR_A, person="2.999.4|B")) is Why.NOT_LISTED
    assert await unlisted(DR_A, days=365) is Why.NOT_LISTED
    assert await unlisted(DR_A, days=-1) is Why.NOT_LISTED
    await directory.strike(listed, NOW, "bob")
    assert await unlisted(DR_A) is Why.NOT_LISTED


async def test_membership_comes_and_goes_with_its_dates(directory):
    """gérées différemment (libéral / institutionnel)."""
    membership = Membership("2.999.4|A", CLINIC, YEAR)
    await directory.put(membership, NOW, "anne")

    async def no_member(days):
        return (await directory.checked(DR_A, CHECKED, NOW + timedelta(days=days))).is_no_member

    assert [await no_member(days) for days in (-1, 0, 364, 365)] == [True, False, False, True]
    await directory.strike(membership, NOW, "bob")
    assert await no_member(1)


async def test_a_domain_that_does_not_ask_for_it_believes_the_assertion(directory):
    """The directory is asked where the rule pack says so."""
    assert await directory.checked(DR_A, RULES, NOW) == DR_A
    assert not (await directory.checked(DR_A, RULES, NOW)).is_no_member


async def test_nothing_is_overwritten_and_every_change_says_from_which_state(directory):
    """Who changed what, when, from which state."""
    first, second = Institution(CLINIC, "Clinic"), Institution(CLINIC, "Clinic of the North", YEAR)
    changes = [await directory.put(each, NOW, "anne") for each in (first, second)]
    changes.append(await directory.strike(Institution(CLINIC, ""), NOW, "bob"))
    assert await directory.strike(Institution(CLINIC, ""), NOW, "bob") is None
    until = "from 2030-01-15 until 2031-01-15"
    assert list(map(str, changes)) == [
        f"institution {CLINIC} Clinic (before: nothing)",
        f"institution {CLINIC} Clinic of the North {until} (before: institution {CLINIC} Clinic)",
        f"no longer: institution {CLINIC} Clinic of the North {until} "
        f"(before: institution {CLINIC} Clinic of the North {until})",
    ]
    lines = await directory.lines(Institution)
    assert [(line.listed, line.made_by, line.ended_by) for line in lines] == [
        (first, "anne", "anne"),
        (second, "anne", "bob"),
    ]
