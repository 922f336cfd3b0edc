"""What consent documents give, by the domain's policies, in their time, until withdrawn (ITI TF-3: 5.1).

All that one gives has rows of its own beside what the patient decided otherwise: nothing else ends with it.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Table, bindparam, update

from consent_broker import tables as t
from consent_broker.model import Party, PartyKind, Period
from consent_broker.rules import Policy, Rules
from consent_broker.store import (
    ADD,
    COLUMNS,
    SET_STATUS,
    Change,
    Directive,
    Kind,
    described,
    described_source,
    described_status,
    directive_in,
    refuse_too_many,
    row_of,
    status_before,
)
from consent_broker.times import seconds_of
from consent_broker.versions import count_change
from database import Statement, Transaction
from exchange.consent_documents import ConsentDocument, Pair, Signatory
from hl7v2.values import DTM


@dataclass(frozen=True, slots=True)
class PatientChange:
    """A change, and of whose record."""

    patient: str
    change: Change


def problems_in(document: ConsentDocument, signed: bool, rules: Rules) -> Iterator[tuple[str, str]]:
    """Yield what keeps a document from counting, as what an attribute is or does (ITI TF-3: 5.1.2).

    `signed` says whether its metadata name a legalAuthenticator.
    """
    if not document.policies:
        yield "eventCodeList", "names no policy, expected each that is acknowledged"
    known = {pair: rules.policies[pair] for pair in document.policies if pair in rules.policies}
    for code, scheme in sorted(document.policies - known.keys()):
        yield "eventCodeList", f"names {code}^^{scheme}, which is no policy of this domain"
    if len(document.policies) > 1 and any(policy.receipt for policy in known.values()):
        yield "eventCodeList", "names a policy beside that of receipts"
    if document.start is None:
        yield "serviceStartTime", "is missing, expected from when the policies are acknowledged"
    if not signed and any(policy.signed for policy in known.values()):
        yield "legalAuthenticator", "is missing, expected who has signed the document"
    if not document.institutions and any(policy.names_author for policy in known.values()):
        yield "author", "names no institution by its OID, expected the one to which the policy gives rights"


def may_follow(
    ended: Collection[ConsentDocument],
    begun: Collection[ConsentDocument],
    rules: Rules,
    signatory: Signatory,
) -> bool:
    """Whether whoever changes these documents may give and take back what they say.

    A receipt gave nothing. What a policy gave that the domain knows no longer is taken back by whoever may
    speak for all that it knows.
    """
    if not rules.policies:
        return True
    all_known = rules.policies.keys() - {rules.receipt}
    for document in ended:
        may = signatory.policies_of(document.patient_id)
        said = document.policies - {rules.receipt}
        if not (said & all_known <= may and (said <= all_known or all_known <= may)):
            return False
    return all(document.policies <= signatory.policies_of(document.patient_id) for document in begun)


async def follow(
    ended: Collection[ConsentDocument],
    begun: Collection[ConsentDocument],
    rules: Rules,
    at: datetime,
    by: str,
    transaction: Transaction,
) -> tuple[PatientChange, ...]:
    """Take back what these documents gave and give what those say, in the transaction that changes them."""
    changes: list[PatientChange] = []
    counted: set[str] = set()
    for documents, change in ((ended, _withdraw), (begun, _acknowledge)):
        for document in sorted(documents, key=lambda one: (one.patient_id, one.unique_id)):
            if _is_receipt(document, rules):
                continue
            if document.patient_id not in counted:
                await count_change(document.patient_id, transaction)
                counted.add(document.patient_id)
            made = await change(document, rules, at, by, transaction)
            changes += (PatientChange(document.patient_id, one) for one in made)
    return tuple(changes)


def _is_receipt(document: ConsentDocument, rules: Rules) -> bool:
    return any(pair in rules.policies and rules.policies[pair].receipt for pair in document.policies)


def begin_of(time: DTM) -> datetime:
    """The first moment that it names."""
    return time.start.replace(tzinfo=UTC)


def end_of(time: DTM) -> datetime | None:
    """The first moment after what it names, be that a second or a year: until 2030 is until its last day.

    None where the calendar ends: whoever writes 9999 means for ever.
    """
    start = begin_of(time)
    try:
        match len(time):
            case 4:
                return start.replace(year=start.year + 1)
            case 6:
                return (start + timedelta(days=31)).replace(day=1)
            case length:
                return start + _LAST[length]
    except (ValueError, OverflowError):
        return None


_LAST = {8: timedelta(days=1), 10: timedelta(hours=1), 12: timedelta(minutes=1), 14: timedelta(seconds=1)}


def directives_by(document: ConsentDocument, rules: Rules) -> Iterator[Directive]:
    """Everything that holds by a document, but for the record's status."""
    for pair in sorted(document.policies & rules.policies.keys()):
        stamp = Directive(
            Kind.ACKNOWLEDGEMENT, period=_period(document), policy=pair[0], source=document.unique_id
        )
        yield stamp
        for grant in rules.policies[pair].grants:
            given = replace(
                stamp, kind=Kind.GRANT, rights=grant.rights, level=grant.level, origin=grant.origin
            )
            authors = tuple(Party(PartyKind.ORGANIZATION, each) for each in sorted(document.institutions))
            for party in (grant.party,) if grant.party else authors:
                yield replace(given, party=party)
        yield from _limits(rules.policies[pair], stamp)


def _limits(policy: Policy, stamp: Directive) -> Iterator[Directive]:
    for party in sorted(policy.excluded):
        yield replace(stamp, kind=Kind.EXCLUSION, party=party)
    if policy.minimum:
        yield replace(stamp, kind=Kind.MINIMUM, level=policy.minimum)
    if policy.emergency or policy.no_emergency:
        yield replace(stamp, kind=Kind.EMERGENCY, level=policy.emergency)


def _period(document: ConsentDocument) -> Period:
    return Period(begin_of(document.start) if document.start else None, _end_of(document))


def _end_of(document: ConsentDocument) -> datetime | None:
    return end_of(document.stop) if document.stop else None


async def _acknowledge(
    document: ConsentDocument, rules: Rules, at: datetime, by: str, transaction: Transaction
) -> list[Change]:
    patient = document.patient_id
    directives = tuple(directives_by(document, rules))
    await refuse_too_many(patient, transaction, len(directives))
    changes = []
    for pair in sorted(document.policies & rules.policies.keys()):
        if rules.policies[pair].status:
            changes.append(await _turn(document, pair, rules.policies[pair], at, by, transaction))
    for directive in directives:
        await transaction.execute(ADD, row_of(patient, directive, at, by, ""))
        changes.append(Change(at, by, described(directive)))
    return changes


async def _turn(
    document: ConsentDocument, pair: Pair, policy: Policy, at: datetime, by: str, transaction: Transaction
) -> Change:
    """The last word about the record's status, as long as the document holds."""
    before = await status_before(document.patient_id, at, transaction)
    period = _period(document)
    status = str(policy.status)
    row = {
        "patient": document.patient_id,
        "status": status,
        "opens": None,
        "made": seconds_of(at),
        "made_by": by,
        "before": before,
        "policy": pair[0],
        "source": document.unique_id,
        "starts": None if period.start is None else seconds_of(period.start),
        "ends": None if period.end is None else seconds_of(period.end),
        "ended": None,
        "ended_by": None,
    }
    await transaction.execute(SET_STATUS, row)
    said = described_status(status, None, described_source(pair[0], document.unique_id))
    return Change(at, by, said, before)


async def _withdraw(
    document: ConsentDocument, rules: Rules, at: datetime, by: str, transaction: Transaction
) -> list[Change]:
    """What was so before holds again, for it was never taken back."""
    said = []
    # In a subsumed patient's name, too: should the merge be taken back, it does not hold again.
    for patient in (document.patient_id, *sorted(document.subsumed)):
        whose = {"whose": patient, "document": document.unique_id, "at": seconds_of(at), "by": by}
        for status, opens, policy, source in await transaction.fetch(_END_STATUS, whose):
            said.append(described_status(status, opens, described_source(policy, source)))
        for columns in await transaction.fetch(_END_DIRECTIVES, whose):
            said.append(described(directive_in(columns)))
    return [Change(at, by, f"no longer: {one}", one) for one in said]


def _end(table: Table, columns: Collection[str]) -> Statement:
    return Statement(
        update(table)
        .where(
            table.c.patient == bindparam("whose"),
            table.c.source == bindparam("document"),
            table.c.ended.is_(None),
        )
        .values(ended=bindparam("at"), ended_by=bindparam("by"))
        .returning(*(table.c[name] for name in columns))
    )


_END_STATUS = _end(t.consent_status, ("status", "opens", "policy", "source"))
_END_DIRECTIVES = _end(t.consent_directive, COLUMNS)
