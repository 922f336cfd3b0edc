"""What an update meets in the registry, read once its patients are locked (MU supplement: 3.57.4.1.3)."""

from collections.abc import Collection, Iterator, Mapping

from sqlalchemy import bindparam, case, func, select, union, union_all

from database import Statement, Transaction, any_of, constant
from ebxml.updates import Operations
from ihe.associations import ASSOCIATION_TYPES
from ihe.error_codes import METADATA_UPDATE_ERROR, RegistryError
from registry import tables as t
from registry.found import Found
from registry.update_rules import Situation, Version
from registry.uuids import bare_uuids, urn
from registry.versions import Latest, inherited_associations

_VERSIONS = Statement(
    union_all(
        *(
            select(table.c.entry_uuid, table.c.logical_id, table.c.latest).where(
                any_of(table.c.id, bindparam("ids"))
            )
            for table in (t.document_entry, t.folder)
        )
    )
)
_OF_SETS = Statement(
    select(t.association.c.entry_uuid)
    .join(t.submission_set, t.submission_set.c.id == t.association.c.source)
    .where(any_of(t.association.c.id, bindparam("ids")))
)
_BETWEEN = Statement(
    select(t.association.c.association_type, t.association.c.source, t.association.c.target).where(
        any_of(t.association.c.source, bindparam("ids")),
        any_of(t.association.c.target, bindparam("ids")),
        t.association.c.status == constant(t.APPROVED),
    )
)


async def situation_of(
    operations: Operations, found: Found, latest: Mapping[str, Latest], transaction: Transaction
) -> Situation:
    """Read what the rules look at."""
    ids = {"ids": [each.id for each in found.objects.values()]}
    versions, of_sets, joined = await transaction.fetch_each(
        (_VERSIONS, ids), (_OF_SETS, ids), (_BETWEEN, ids)
    )
    return Situation(
        found=found,
        latest=latest,
        versions={urn(row[0]): Version(urn(row[1]), bool(row[2])) for row in versions},
        of_sets=frozenset(urn(row[0]) for row in of_sets),
        joined=frozenset((row[0], row[1], row[2]) for row in joined),
        copies=await inherited_associations(operations.versions, latest, found.patient or 0, transaction),
    )


_NUMBERS = Statement(
    select(t.registered_object.c.entry_uuid, t.registered_object.c.id).where(
        any_of(t.registered_object.c.entry_uuid, bindparam("entry_uuids"))
    )
)


async def numbers_of(entry_uuids: Collection[str], transaction: Transaction) -> dict[str, int]:
    """The numbers of those that are registered."""
    rows = await transaction.fetch(_NUMBERS, {"entry_uuids": bare_uuids(entry_uuids)})
    return {urn(row[0]): row[1] for row in rows}


_replacement = (
    t.association.c.association_type.in_(
        [
            constant(t.ASSOCIATION_TYPE_NUMBERS[row.urn])
            for row in ASSOCIATION_TYPES.values()
            if row.deprecates_target
        ]
    ),
    t.association.c.status == constant(t.APPROVED),
)
_REPLACED = Statement(
    select(t.association.c.target)
    .where(
        t.association.c.id.in_(
            union(
                *(
                    select(t.association.c.id).where(any_of(column, bindparam("ids")))
                    for column in (t.association.c.id, t.association.c.source, t.association.c.target)
                )
            )
        ),
        *_replacement,
    )
    .distinct()
)
_replacing = t.document_entry.alias("replacing")
_approved_itself = case((t.document_entry.c.status == constant(t.APPROVED), constant(1)), else_=constant(0))
_HEADS = Statement(
    select(t.document_entry.c.entry_uuid)
    .join(t.association, t.association.c.target == t.document_entry.c.id)
    .join(_replacing, _replacing.c.id == t.association.c.source)
    .where(
        any_of(t.document_entry.c.id, bindparam("ids")),
        _replacing.c.status == constant(t.APPROVED),
        *_replacement,
    )
    .group_by(t.document_entry.c.id, t.document_entry.c.entry_uuid, t.document_entry.c.status)
    .having(func.count(_replacing.c.id.distinct()) + _approved_itself > constant(1))
)


async def errors_in_replacements(approved: list[int], transaction: Transaction) -> Iterator[RegistryError]:
    """Name what would stand beside its replacement once these are Approved (ITI TF-3: 4.2.2.2.3)."""
    if not approved:
        return iter(())
    replaced = await transaction.fetch(_REPLACED, {"ids": approved})
    clashes = await transaction.fetch(_HEADS, {"ids": [row[0] for row in replaced]})
    return (
        METADATA_UPDATE_ERROR.error(f"of {urn(row[0])} and what replaces it two would be Approved")
        for row in clashes
    )
