"""The register of attested software: read at every request, so that a change counts from the next one on."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Table, and_, bindparam, insert, or_, select, update

from consent_broker.tables import software_attestation, software_certificate
from database import Database, Statement, Transaction
from exchange.software import Attestation
from exchange.subject import NodeCertificate, Software


@dataclass(frozen=True, slots=True, order=True)
class KnownBy:
    """One certificate by its SHA-256, or whatever certificate one issuer gives one subject."""

    sha256: str = ""
    subject: str = ""
    issuer: str = ""

    def __str__(self) -> str:
        return f"SHA-256 {self.sha256}" if self.sha256 else f"{self.subject} by {self.issuer}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the register: an attestation, by what its software is known, and who made and ended it."""

    number: int
    attestation: Attestation
    known_by: tuple[KnownBy, ...]
    made: datetime
    made_by: str
    ended_by: str | None


@dataclass(frozen=True, slots=True)
class SoftwareRegister:
    """What every process of one database knows of attested software."""

    database: Database

    async def of(self, certificate: NodeCertificate) -> tuple[Attestation, ...]:
        """All that were ever bound to this certificate, the latest one last."""
        named = {"sha256": certificate.sha256, "subject": certificate.subject, "issuer": certificate.issuer}
        return tuple(_attestation(row) for row in await self.database.fetch(_OF, named))

    async def attest(
        self, attestation: Attestation, known_by: Collection[KnownBy], at: datetime, by: str
    ) -> None:
        """Let this hold, in place of what held for the same product."""
        software = attestation.software
        given = {
            **_product(software),
            "transactions": " ".join(sorted(attestation.transactions)),
            "until_seconds": _seconds(attestation.until),
            "made": _seconds(at),
            "made_by": by,
        }

        async def put(transaction: Transaction) -> None:
            await transaction.fetch(_END, _ending(software, at, by))
            ((number,),) = await transaction.fetch(_ADD, given)
            rows = [
                {"attestation": number, "sha256": one.sha256, "subject": one.subject, "issuer": one.issuer}
                for one in sorted(known_by)
            ]
            await transaction.execute(_BIND, rows)

        await self.database.transact(put)

    async def revoke(self, software: Software, at: datetime, by: str) -> int:
        """End what holds for this product; how many attestations that were."""

        async def end(transaction: Transaction) -> int:
            return len(await transaction.fetch(_END, _ending(software, at, by)))

        return await self.database.transact(end)

    async def entries(self) -> tuple[Entry, ...]:
        """The whole register with its history, the first line first."""
        async with self.database.reading() as reading:
            rows, certificates = await reading.fetch_each((_ALL, {}), (_CERTIFICATES, {}))
        known_by: dict[int, list[KnownBy]] = {}
        for number, *names in certificates:
            known_by.setdefault(number, []).append(KnownBy(*names))
        return tuple(
            Entry(
                number=number,
                attestation=_attestation(columns),
                known_by=tuple(known_by.get(number, ())),
                made=_moment(made),
                made_by=made_by,
                ended_by=ended_by,
            )
            for number, made, made_by, ended_by, *columns in rows
        )


_a, _c = software_attestation.c, software_certificate.c
_columns = (_a.name, _a.version, _a.vendor, _a.transactions, _a.until_seconds, _a.ended)
_same_product = (
    _a.name == bindparam("name"),
    _a.version == bindparam("version"),
    _a.vendor == bindparam("vendor"),
)
# A row by names has no SHA-256; a certificate without names is known by its SHA-256 only.
_bound = select(_c.attestation).where(
    or_(
        _c.sha256 == bindparam("sha256"),
        and_(
            _c.sha256 == "",
            _c.subject != "",
            _c.subject == bindparam("subject"),
            _c.issuer == bindparam("issuer"),
        ),
    )
)
_OF = Statement(select(*_columns).where(_a.id.in_(_bound)).order_by(_a.id))
_ALL = Statement(select(_a.id, _a.made, _a.made_by, _a.ended_by, *_columns).order_by(_a.id))
_CERTIFICATES = Statement(select(_c.attestation, _c.sha256, _c.subject, _c.issuer).order_by(_c.id))
_END = Statement(
    update(software_attestation)
    .where(*_same_product, _a.ended.is_(None))
    .values(ended=bindparam("at"), ended_by=bindparam("by"))
    .returning(_a.id)
)


def _values(table: Table, *left_out: str) -> dict[str, Any]:
    return {column.name: bindparam(column.name) for column in table.c if column.name not in left_out}


_ADD = Statement(
    insert(software_attestation)
    .values(_values(software_attestation, "id", "ended", "ended_by"))
    .returning(_a.id)
)
_BIND = Statement(insert(software_certificate).inline().values(_values(software_certificate, "id")))


def _product(software: Software) -> dict[str, object]:
    return {"name": software.name, "version": software.version, "vendor": software.vendor}


def _ending(software: Software, at: datetime, by: str) -> dict[str, object]:
    return {**_product(software), "at": _seconds(at), "by": by}


def _attestation(row: Any) -> Attestation:
    name, version, vendor, transactions, until, ended = row
    return Attestation(
        Software(name, version, vendor),
        frozenset(transactions.split()),
        _moment(until),
        None if ended is None else _moment(ended),
    )


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
