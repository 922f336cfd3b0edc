"""What a replacement does to the documents and Folders around it (ITI TF-3: 4.2.2.2.3)."""

from collections.abc import Iterable, Iterator

from sqlalchemy import BigInteger, bindparam, exists, insert, or_, select, update
from sqlalchemy.sql.elements import BindParameter

from database import Call, Statement, any_of, constant
from ebxml.model import Association, Submission
from exchange.ports import NewUuid
from ihe.associations import ASSOCIATION_TYPES, HAS_MEMBER
from registry import tables as t
from registry.final_metadata import FIRST_VERSION
from registry.found import Found

_replaced = (
    select(t.document_entry.c.id)
    .where(any_of(t.document_entry.c.id, bindparam("replaced")))
    .cte("withdrawn", recursive=True)
)
_withdrawn = _replaced.union(
    select(t.association.c.source)
    .join(_replaced, _replaced.c.id == t.association.c.target)
    .where(
        t.association.c.association_type.in_(
            [
                constant(t.ASSOCIATION_TYPE_NUMBERS[row.urn])
                for row in ASSOCIATION_TYPES.values()
                if row.derives_from_target
            ]
        ),
        t.association.c.status == constant(t.APPROVED),
    )
)
_noted = exists().where(t.withdrawal.c.document == t.document_entry.c.id)
_replacement: BindParameter[int] = bindparam("replacement", type_=BigInteger)
_NOTE = Statement(
    insert(t.withdrawal)
    .inline()
    .from_select(
        ["document", "replacement"],
        select(t.document_entry.c.id, _replacement).where(
            t.document_entry.c.id.in_(select(_withdrawn.c.id)),
            # What was Deprecated for another reason stays so, whoever looks.
            or_(t.document_entry.c.status == constant(t.APPROVED), _noted),
            ~exists().where(
                t.withdrawal.c.document == t.document_entry.c.id, t.withdrawal.c.replacement == _replacement
            ),
        ),
    )
)
_DEPRECATE = Statement(
    update(t.document_entry)
    .where(t.document_entry.c.id.in_(select(_withdrawn.c.id)))
    .values(status=constant(t.DEPRECATED))
)


def withdrawals(replacements: Iterable[tuple[int, int]]) -> Iterator[Call]:
    """Deprecate each target, and whatever was transformed from or appended to it, for the sake of its source.

    To be run when the Associations are stored: what a submission derives from a replaced document goes too.
    """
    for source, target in replacements:
        yield (_NOTE, {"replaced": [target], "replacement": source})
        yield (_DEPRECATE, {"replaced": [target]})


def replacements_in(submission: Submission) -> Iterator[Association]:
    """The Associations whose target gives way to their source."""
    for association in submission.associations:
        if ASSOCIATION_TYPES[association.association_type].deprecates_target:
            yield association


def inherited_memberships(submission: Submission, found: Found, new_uuid: NewUuid) -> tuple[Association, ...]:
    """Put each replacement into the Folders of what it replaces, unless its submission does so itself."""
    present = {
        (each.source_object, each.target_object)
        for each in submission.associations
        if each.association_type == HAS_MEMBER.urn
    }
    inherited: list[Association] = []
    for replacement in replacements_in(submission):
        for membership in found.memberships:
            pair = (membership.folder_uuid, replacement.source_object)
            if membership.document_uuid == replacement.target_object and pair not in present:
                present.add(pair)
                member = has_member(*pair, new_uuid)
                inherited.append(member)
                inherited.append(
                    has_member(submission.submission_set.entry_uuid, member.entry_uuid, new_uuid)
                )
    return tuple(inherited)


def has_member(source: str, target: str, new_uuid: NewUuid) -> Association:
    """A membership that the registry adds of itself."""
    entry_uuid = new_uuid()
    return Association(
        entry_uuid=entry_uuid,
        logical_id=entry_uuid,
        version=FIRST_VERSION,
        association_type=HAS_MEMBER.urn,
        source_object=source,
        target_object=target,
    )
