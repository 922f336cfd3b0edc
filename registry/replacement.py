"""What a replacement does to the documents and Folders around it (ITI TF-3: 4.2.2.2.3)."""

from collections.abc import Iterator

from sqlalchemy import bindparam, select, update

from database import Statement, any_of, constant
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
DEPRECATE = Statement(
    update(t.document_entry)
    .where(t.document_entry.c.id.in_(select(_withdrawn.c.id)))
    .values(status=constant(t.DEPRECATED))
)
"""Deprecate the `replaced` and whatever was transformed from or appended to them, at any remove."""


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
