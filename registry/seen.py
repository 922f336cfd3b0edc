"""Tables without what a subject may not see: an answer equals that of a registry which never held it.

A statement is written over the tables as they are; `through` lets it look at them through a View instead.
What is hidden follows from the DocumentEntries alone, from the inside out:

- a DocumentEntry is hidden if its own metadata or that of its latest version says so;
- a Folder is hidden if it has hidden members and no other;
- an Association is hidden if one of its ends is;
- a SubmissionSet is hidden if it has hidden members and no other;
- what only hidden documents replaced is Approved, as it was before;
- a Folder's lastUpdateTime is of the last change that can be seen.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import Any, TypeVar

from sqlalchemy import (
    CTE,
    Alias,
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    Subquery,
    Table,
    and_,
    bindparam,
    case,
    false,
    func,
    not_,
    or_,
    select,
    true,
    union,
    union_all,
)
from sqlalchemy.sql.elements import ClauseElement, ColumnClause
from sqlalchemy.sql.visitors import ExternallyTraversible, replacement_traverse

from database import any_of, constant, within
from exchange.visibility import AllOf, AnyOf, CodedAs, DepositedBy, Not, OneOf, View, Visibility
from ihe.associations import HAS_MEMBER
from registry import tables as t
from registry.codes import Codes, Pair
from registry.uuids import bare_uuids

Condition = ColumnElement[Any]
Statement = TypeVar("Statement", bound=ClauseElement)


@dataclass(frozen=True, slots=True)
class Sight:
    """What of a View decides the SQL: one predicate, without its values, for each group of patients."""

    predicates: tuple[Visibility, ...] = ()
    unrestricted: bool = False
    # Statements are kept by it, and it is large.
    _hash: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.predicates, self.unrestricted)))

    def __hash__(self) -> int:
        return self._hash


OPEN_SIGHT = Sight(unrestricted=True)


@dataclass(frozen=True, slots=True)
class Seen:
    """A View as statements take it: which ones, and with what values."""

    sight: Sight
    values: Mapping[str, object]


ALL_SEEN = Seen(OPEN_SIGHT, {})

# The records that were last looked at by somebody, and what he sees of them.
KEPT_PREDICATES = 64


@dataclass(frozen=True, slots=True)
class _TakenApart:
    """A predicate: its Sight, its leaves in order, and the codes that they compare."""

    sight: Sight
    leaves: tuple[CodedAs | OneOf | DepositedBy, ...]
    codes: frozenset[Pair]


@lru_cache(maxsize=KEPT_PREDICATES)
def _taken_apart(predicate: Visibility) -> _TakenApart:
    leaves = tuple(_leaves(predicate))
    codes = frozenset(pair for leaf in leaves if isinstance(leaf, CodedAs) for pair in leaf.codes)
    return _TakenApart(Sight((_without_values(predicate),)), leaves, codes)


Parts = Sequence[tuple[_TakenApart, Sequence[str]]]


def parts_of(view: View) -> Parts:
    """The predicates of a View, each with the patients in whose records it says what there is."""
    if len(view.by_patient) == 1:
        return [(_taken_apart(predicate), [patient]) for patient, predicate in view.by_patient.items()]
    groups: dict[Visibility, list[str]] = {}
    for patient_id, predicate in sorted(view.by_patient.items()):
        groups.setdefault(predicate, []).append(patient_id)
    return [(_taken_apart(predicate), patients) for predicate, patients in groups.items()]


def seen(parts: Parts, numbers: Mapping[Pair, int]) -> Seen:
    """They as statements take them, codes having these numbers."""
    values: dict[str, object] = {}
    for group, (part, patients) in enumerate(parts):
        values[_patients_name(group)] = patients
        for number, leaf in enumerate(part.leaves):
            values[_leaf_name(group, number)] = _values(leaf, numbers)
    if len(parts) == 1:
        return Seen(parts[0][0].sight, values)
    return Seen(Sight(tuple(chain.from_iterable(part.sight.predicates for part, _ in parts))), values)


async def seen_through(view: View, codes: Codes) -> Seen:
    """Look up what the View compares; its codes are the domain's, and have numbers before objects do."""
    if view.unrestricted:
        return ALL_SEEN
    parts = parts_of(view)
    pairs = frozenset[Pair]().union(*(part.codes for part, _ in parts))
    return seen(parts, await codes.intern(pairs) if pairs else {})


def through(clause: Statement, sight: Sight) -> Statement:
    """The statement as it is answered to whoever sees no more than this."""
    if sight.unrestricted:
        return clause
    tables = _seen_tables(sight)

    def replaced(element: ExternallyTraversible, **_: Any) -> ExternallyTraversible | None:
        if isinstance(element, Alias) and isinstance(element.element, Table):
            # An alias is only ever a way from one id to another, at whose end stands a table again.
            return element
        if isinstance(element, Table):
            return tables.get(element)
        if isinstance(element, ColumnClause) and isinstance(element.table, Table):
            seen = tables.get(element.table)
            return None if seen is None else seen.c[element.name]
        return None

    return replacement_traverse(clause, {}, replaced)  # type: ignore[return-value]  # a clause of the same kind


def _leaves(predicate: Visibility) -> Iterator[CodedAs | OneOf | DepositedBy]:
    match predicate:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _leaves(part)
        case Not(part):
            yield from _leaves(part)
        case _:
            yield predicate


def _without_values(predicate: Visibility) -> Visibility:
    match predicate:
        case AllOf(parts):
            return AllOf(tuple(map(_without_values, parts)))
        case AnyOf(parts):
            return AnyOf(tuple(map(_without_values, parts)))
        case Not(part):
            return Not(_without_values(part))
        case CodedAs(attribute):
            return CodedAs(attribute, frozenset())
        case _:
            return type(predicate)(frozenset())


def _values(leaf: CodedAs | OneOf | DepositedBy, codes: Mapping[Pair, int]) -> Sequence[object]:
    match leaf:
        case CodedAs(_, pairs):
            return [*sorted(codes[pair] for pair in pairs if pair in codes)]
        case OneOf(logical_ids):
            return _bare(logical_ids)
        case DepositedBy(depositors):
            return [*sorted(depositors)]


@lru_cache(maxsize=KEPT_PREDICATES)
def _bare(logical_ids: frozenset[str]) -> tuple[str, ...]:
    return tuple(bare_uuids(sorted(logical_ids)))


def _patients_name(group: int) -> str:
    return f"view_{group}_patients"


def _leaf_name(group: int, number: int) -> str:
    return f"view_{group}_{number}"


# The shapes of Views that a domain's rules make are few.
KEPT_SIGHTS = 64


@lru_cache(maxsize=KEPT_SIGHTS)
def _seen_tables(sight: Sight) -> Mapping[Table, Subquery]:
    hidden = _Hidden(sight)
    return {
        table: rows.subquery(table.name)
        for table, rows in {
            t.document_entry: hidden.other_documents(),
            t.folder: hidden.other_folders(),
            t.submission_set: hidden.other_submission_sets(),
            t.association: hidden.other_associations(),
        }.items()
    }


class _Hidden:
    """The numbers of the hidden objects of the View's patients, as CTEs, and the rows of all others."""

    def __init__(self, sight: Sight) -> None:
        self._sight = sight
        entry = t.document_entry.alias("any_entry")
        theirs = self._theirs(entry)
        self._documents_hidden_now = (
            select(entry.c.logical_id)
            .where(theirs, entry.c.latest.is_(True), not_(self._visible_by_itself(entry)))
            .cte("hidden_now")
        )
        self._documents = (
            select(entry.c.id).where(theirs, not_(self._visible_document(entry))).cte("hidden_document")
        )
        # Each step's numbers in one list: an OR of several lists would read a whole table.
        self._folders = self._emptied(t.folder, self._documents).cte("hidden_folder")
        contents = _both("hidden_content", self._documents, self._folders)
        members = _both("hidden_member", contents, _joining(contents).cte("hidden_link"))
        self._submission_sets = self._emptied(t.submission_set, members).cte("hidden_submission_set")
        objects = _both("hidden_object", members, self._submission_sets)
        self._associations = _joining(objects).cte("hidden_association")

    def other_documents(self) -> Select[Any]:
        """DocumentEntries with the status they have for this View."""
        entry = t.document_entry.alias("entry")
        replaced = _any_withdrawal(entry)
        seen_replacement = _any_withdrawal(entry, _is_not_in(t.withdrawal.c.replacement, self._documents))
        as_if_not_replaced = and_(entry.c.status == constant(t.DEPRECATED), replaced, not_(seen_replacement))
        status = case((as_if_not_replaced, constant(t.APPROVED)), else_=entry.c.status)
        return _rows(entry, status=status).where(self._theirs(entry), self._visible_document(entry))

    def other_folders(self) -> Select[Any]:
        """Folders with the lastUpdateTime they have for this View."""
        folder = t.folder.alias("any_folder")
        link = t.association.alias("change")
        inside = (link.c.source == folder.c.id, _is_member(link))
        hidden_change = (
            select(func.max(link.c.registered))
            .where(*inside, _is_in(link.c.target, self._documents))
            .scalar_subquery()
        )
        seen_change = (
            select(func.max(link.c.registered))
            .where(
                or_(and_(*inside, _is_not_in(link.c.target, self._documents)), link.c.target == folder.c.id)
            )
            .scalar_subquery()
        )
        time = case(
            (
                folder.c.last_update_time <= hidden_change,
                func.coalesce(seen_change, folder.c.last_update_time),
            ),
            else_=folder.c.last_update_time,
        )
        return _rows(folder, last_update_time=time).where(
            self._theirs(folder), _is_not_in(folder.c.id, self._folders)
        )

    def other_submission_sets(self) -> Select[Any]:
        """SubmissionSets that something else was submitted with."""
        submission_set = t.submission_set.alias("any_submission_set")
        return _rows(submission_set).where(
            self._theirs(submission_set), _is_not_in(submission_set.c.id, self._submission_sets)
        )

    def other_associations(self) -> Select[Any]:
        """Associations both of whose ends can be seen."""
        # An end may have gone to another patient when a merge was taken back.
        link = t.association.alias("any_association")
        return _rows(link).where(
            self._theirs(link),
            _is_not_in(link.c.id, self._associations),
            *(self._whose(_owner_of(end)) for end in (link.c.source, link.c.target)),
        )

    def _theirs(self, rows: FromClause) -> Condition:
        return self._whose(rows.c.patient)

    def _whose(self, patient: Condition) -> Condition:
        lists = (_patients_of(group) for group, _ in enumerate(self._sight.predicates))
        return or_(false(), *(patient.in_(each) for each in lists))

    def _visible_document(self, entry: FromClause) -> Condition:
        # The latest version has been looked at itself; where there is no other, nothing more is read.
        shown_now = _is_not_in(entry.c.logical_id, self._documents_hidden_now)
        return and_(self._visible_by_itself(entry), or_(entry.c.latest.is_(True), shown_now))

    def _visible_by_itself(self, entry: FromClause) -> Condition:
        """Of an entry of theirs."""
        if len(self._sight.predicates) == 1:
            return _condition(self._sight.predicates[0], entry, 0)
        ways = (
            and_(entry.c.patient.in_(_patients_of(group)), _condition(predicate, entry, group))
            for group, predicate in enumerate(self._sight.predicates)
        )
        return or_(false(), *ways)

    def _emptied(self, packages: Table, hidden: CTE) -> Select[Any]:
        """The Folders or SubmissionSets that have hidden members and no other."""
        package = packages.alias(f"emptied_{packages.name}")
        lost, left = t.association.alias("lost"), t.association.alias("left_over")
        held = (left.c.source == lost.c.source, _is_member(left), _is_not_in(left.c.target, hidden))
        return select(lost.c.source.label("id")).where(
            _is_member(lost),
            _is_in(lost.c.target, hidden),
            _any(package, package.c.id == lost.c.source),
            not_(_any(left, *held)),
        )


def _condition(predicate: Visibility, entry: FromClause, group: int) -> Condition:
    """A predicate about the entry, true or false and never null."""
    names = (_leaf_name(group, number) for number, _ in enumerate(_leaves(predicate)))
    return _written(predicate, entry, names)


def _written(predicate: Visibility, entry: FromClause, names: Iterator[str]) -> Condition:
    match predicate:
        case AllOf(parts):
            return and_(true(), *[_written(part, entry, names) for part in parts])
        case AnyOf(parts):
            return or_(false(), *[_written(part, entry, names) for part in parts])
        case Not(part):
            return not_(_written(part, entry, names))
        case CodedAs("confidentiality_code"):
            return within(entry.c.confidentiality_code, bindparam(next(names)))
        case CodedAs(attribute):
            return _is_one_of(entry.c[attribute], next(names))
        case OneOf():
            return _is_one_of(entry.c.logical_id, next(names))
        case DepositedBy():
            return _is_one_of(entry.c.depositor, next(names))


def _is_one_of(column: Condition, name: str) -> Condition:
    return and_(column.is_not(None), any_of(column, bindparam(name)))


def _patients_of(group: int) -> Select[Any]:
    patient = t.patient.alias("seen_patient")
    return select(patient.c.id).where(any_of(patient.c.cx, bindparam(_patients_name(group))))


def _owner_of(end: Condition) -> Condition:
    """The number of the patient to whom an Association's end belongs."""
    held = [table.alias(f"end_{table.name}") for table in _TABLES]
    return func.coalesce(*(select(each.c.patient).where(each.c.id == end).scalar_subquery() for each in held))


def _any_withdrawal(entry: FromClause, *conditions: Condition) -> Condition:
    """Whether there is one of this entry."""
    return _any(t.withdrawal, t.withdrawal.c.document == entry.c.id, *conditions)


def _any(rows: FromClause, *conditions: Condition) -> Condition:
    """Whether there is one; for EXISTS or a join a whole table may be read, into a hash or in order."""
    found = select(true()).select_from(rows).where(*conditions).limit(constant(1))
    return found.scalar_subquery().is_not(None)


def _joining(ends: CTE) -> CompoundSelect[Any]:
    """The Associations that have one of these at either end."""
    link = t.association.alias("joining")
    # A union of two index searches; an OR of both would read the whole table.
    return union(*(select(link.c.id).where(_is_in(end, ends)) for end in (link.c.source, link.c.target)))


def _both(name: str, one: CTE, other: CTE) -> CTE:
    return union_all(select(one.c.id), select(other.c.id)).cte(name)


def _rows(rows: FromClause, **changed: Condition) -> Select[Any]:
    return select(*(changed.get(column.name, column).label(column.name) for column in rows.c))


def _is_member(link: FromClause) -> Condition:
    return link.c.association_type == constant(t.ASSOCIATION_TYPE_NUMBERS[HAS_MEMBER.urn])


def _is_in(column: Condition, numbers: CTE) -> Condition:
    return column.in_(select(*numbers.c))


def _is_not_in(column: Condition, numbers: CTE) -> Condition:
    return column.not_in(select(*numbers.c))


_TABLES = (t.document_entry, t.folder, t.submission_set, t.association)
