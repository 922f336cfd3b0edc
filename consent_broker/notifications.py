"""The outbox of what patients are to be told: written before the answer leaves, emptied by who tells them."""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from consent_broker.tables import consent_notification
from database import Database, Statement
from xua.user import User


class NotificationKind(StrEnum):
    """Of what a patient is told: of an emergency at once, of the rest as his audit records tell of it."""

    EMERGENCY = "emergency"
    FIRST_ACCESS = "first-access"
    DEPOSITED = "deposited"
    OPENED = "opened"
    REMOVED = "removed"
    RIGHTS_CHANGED = "rights-changed"
    JOURNAL_READ = "journal-read"


# One page of the outbox; whoever tells patients comes again.
MAX_NOTIFICATIONS = 1_000


@dataclass(frozen=True, slots=True)
class Notification:
    """What somebody did in a patient's record, when, and why by his own words; `told` once he was told."""

    number: int
    patient: str
    kind: NotificationKind
    person: str
    name: str
    role: str
    organization: str
    purpose: str
    reason: str
    made: datetime
    told: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a patient is to be told; all that is of one kind and one occasion is told once."""

    patient: str
    kind: NotificationKind
    person: str
    name: str
    role: str
    organization: str
    purpose: str
    reason: str
    occasion: str
    made: datetime


@dataclass(frozen=True, slots=True)
class Notifications:
    """The outbox on its table."""

    database: Database

    async def note(self, patients: Collection[str], user: User, at: datetime) -> None:
        """Have these patients told of this user's emergency; once for all that one assertion is used for."""
        role, purpose = user.role, user.purpose_of_use
        await self.note_all(
            Notice(
                patient=patient,
                kind=NotificationKind.EMERGENCY,
                person=f"{user.id.root}|{user.id.extension}",
                name=user.name,
                role=(role.display_name or role.code) if role else "",
                organization=user.organization_name or user.organization_id,
                purpose=purpose.code if purpose else "",
                reason=purpose.original_text if purpose else "",
                occasion=f"{user.issuer} {user.assertion_id}",
                made=at,
            )
            for patient in sorted(patients)
        )

    async def note_all(self, notices: Iterable[Notice]) -> None:
        """Have patients told of these."""
        rows = [{**asdict(one), "made": int(one.made.timestamp()), "told": None} for one in notices]
        await self.database.transact(lambda transaction: transaction.execute(_NOTE, rows))

    async def untold(self) -> tuple[Notification, ...]:
        """What has not been told yet, the oldest first."""
        return _read(await self.database.fetch(_UNTOLD))

    async def of(self, patient: str) -> tuple[Notification, ...]:
        """What this patient was, or is to be, told; the oldest first."""
        return _read(await self.database.fetch(_OF, {"whose": patient}))

    async def told(self, number: int, at: datetime) -> Notification | None:
        """Note that the patient was told; None if there was nothing to tell by that number."""
        told = {"number": number, "at": int(at.timestamp())}
        rows = await self.database.transact(lambda transaction: transaction.fetch(_TELL, told))
        return next(iter(_read(rows)), None)


_c = consent_notification.c
_NAMES = ("id", "patient", "kind", "person", "name", "role", "organization", "purpose", "reason")
_columns = [*(_c[name] for name in _NAMES), _c.made, _c.told]
# Both databases have this form of INSERT.
_NOTE = Statement(
    insert(consent_notification)
    .inline()
    .values({column.name: bindparam(column.name) for column in _c if column.name != "id"})
    .on_conflict_do_nothing()
)
_UNTOLD = Statement(select(*_columns).where(_c.told.is_(None)).order_by(_c.id).limit(MAX_NOTIFICATIONS))
_OF = Statement(
    select(*_columns).where(_c.patient == bindparam("whose")).order_by(_c.id).limit(MAX_NOTIFICATIONS)
)
_TELL = Statement(
    update(consent_notification)
    .where(_c.id == bindparam("number"), _c.told.is_(None))
    .values(told=bindparam("at"))
    .returning(*_columns)
)


def _read(rows: Any) -> tuple[Notification, ...]:
    return tuple(map(_notification, rows))


def _notification(row: Any) -> Notification:
    number, patient, kind, person, name, role, organization, purpose, reason, made, told = row
    return Notification(
        number=number,
        patient=patient,
        kind=NotificationKind(kind),
        person=person,
        name=name,
        role=role,
        organization=organization,
        purpose=purpose,
        reason=reason,
        made=_moment(made),
        told=None if told is None else _moment(told),
    )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
