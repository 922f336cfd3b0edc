"""What patients are to be told, on each database."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from consent_broker.notifications import Notifications
from database import open_database
from xua.user import PersonId, Role, User

pytestmark = pytest.mark.anyio

PATIENT, OTHER = "p1^^^&2.999.3&ISO", "p2^^^&2.999.3&ISO"
NOW = datetime(2030, 1, 15, 12, tzinfo=UTC)


def user(assertion_id: str = "_1") -> User:
    return User(
        name="Dr Anne Weber",
        id=PersonId("2.999.4", "A"),
        name_id="anne",
        issuer="urn:idp",
        assertion_id=assertion_id,
        role=Role("2211", "2.999.7", "doctor"),
        organization_name="Clinic",
        purpose_of_use=Role("ETREAT", "2.16.840.1.113883.5.8", "", "found unconscious"),
    )


@pytest.fixture
async def outbox(migrated_database_url) -> AsyncIterator[Notifications]:
    database = await open_database(migrated_database_url)
    yield Notifications(database)
    await database.close()


async def test_each_patient_is_told_once_of_all_that_one_assertion_is_used_for(outbox):
    """Break-glass notifies the patient: of who, when and why."""
    for _ in range(3):
        await outbox.note((PATIENT, OTHER), user(), NOW)
    await outbox.note((PATIENT,), user("_2"), NOW)
    assert [one.patient for one in await outbox.untold()] == [PATIENT, OTHER, PATIENT]
    one, _ = await outbox.of(PATIENT)
    assert (one.person, one.name, one.role, one.organization) == (
        "2.999.4|A", "Dr Anne Weber", "doctor", "Clinic",
    )  # fmt: skip
    assert (one.kind, one.purpose, one.reason, one.made) == ("emergency", "ETREAT", "found unconscious", NOW)


async def test_what_was_told_is_not_told_again_and_stays(outbox):
    """The outbox is emptied by who tells the patient."""
    await outbox.note((PATIENT,), user(), NOW)
    (one,) = await outbox.untold()
    told = await outbox.told(one.number, NOW)
    assert told
    assert told.told == NOW
    assert await outbox.told(one.number, NOW) is None
    assert await outbox.untold() == ()
    assert await outbox.of(PATIENT) == (told,)
