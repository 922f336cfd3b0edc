"""Each stored query as one SQL statement, for the parameters it was given (ITI TF-2: 3.18.4.1.2.3.7)."""

from collections.abc import Callable, Mapping
from functools import lru_cache

from sqlalchemy import CTE, bindparam, select, union, union_all

from database import Statement
from ihe import stored_queries as q
from registry import tables as t
from registry.asked import IS_HAS_MEMBER, Asked, Rows, Shape, touching
from registry.seen import OPEN_SIGHT, Sight, through

# Statements kept compiled: every combination of parameters that consumers really use, many times over.
KEPT_STATEMENTS = 1024


@lru_cache(maxsize=KEPT_STATEMENTS)
def statement_of(shape: Shape, sight: Sight = OPEN_SIGHT) -> Statement:
    """Select kind, id and the content asked for, and last the patient's CX if it is not given.

    Nothing that this sight leaves out is counted, limited, joined or returned.
    """
    asked = Asked(shape)
    parts = _SELECTIONS[shape.query_id](asked)
    found = union_all(*parts).subquery("found") if len(parts) > 1 else parts[0].subquery("found")
    answer = select(*(column for column in found.c if column.name != "patient"))
    if not asked.names_patient:
        answer = answer.add_columns(t.patient.c.cx).join_from(
            found, t.patient, t.patient.c.id == found.c.patient
        )
    return Statement(through(answer.limit(bindparam("limit")), sight))


@lru_cache(maxsize=KEPT_STATEMENTS)
def owners_statement_of(shape: Shape) -> Statement:
    """Select the CX of each patient of whom the query finds anything."""
    found = union_all(*_SELECTIONS[shape.query_id](Asked(shape))).subquery("found")
    return Statement(select(t.patient.c.cx).where(t.patient.c.id.in_(select(found.c.patient))))


def _find_documents(asked: Asked) -> tuple[Rows, ...]:
    return (asked.documents(*asked.latest(t.document_entry)),)


def _find_submission_sets(asked: Asked) -> tuple[Rows, ...]:
    return (asked.submission_sets(),)


def _find_folders(asked: Asked) -> tuple[Rows, ...]:
    return (asked.folders(*asked.latest(t.folder)),)


def _get_all(asked: Asked) -> tuple[Rows, ...]:
    documents = asked.documents(asked.patient(t.document_entry), *asked.latest(t.document_entry)).cte(
        "documents"
    )
    submission_sets = asked.submission_sets().cte("submission_sets")
    folders = asked.folders(asked.patient(t.folder), *asked.latest(t.folder)).cte("folders")
    objects = union_all(select(documents.c.id), select(submission_sets.c.id), select(folders.c.id))
    return (
        select(documents),
        select(submission_sets),
        select(folders),
        asked.associations(t.association.c.id.in_(touching(objects))),
    )


def _get_documents(asked: Asked) -> tuple[Rows, ...]:
    return (asked.documents(*asked.named("DocumentEntry")),)


def _get_folders(asked: Asked) -> tuple[Rows, ...]:
    return (asked.folders(*asked.named("Folder")),)


def _get_associations(asked: Asked) -> tuple[Rows, ...]:
    return (asked.associations(t.association.c.id.in_(touching(asked.object_numbers()))),)


def _get_documents_and_associations(asked: Asked) -> tuple[Rows, ...]:
    documents = asked.documents(*asked.named("DocumentEntry")).cte("documents")
    touched = touching(select(documents.c.id))
    return select(documents), asked.associations(t.association.c.id.in_(touched))


def _get_submission_sets(asked: Asked) -> tuple[Rows, ...]:
    members = (
        asked.associations(
            IS_HAS_MEMBER,
            t.association.c.target.in_(asked.object_numbers()),
            t.association.c.source.in_(select(t.submission_set.c.id)),
        )
        .add_columns(t.association.c.source)
        .cte("members")
    )
    return (
        asked.submission_sets(t.submission_set.c.id.in_(select(members.c.source))),
        _as_answer(members),
    )


def _get_submission_set_and_contents(asked: Asked) -> tuple[Rows, ...]:
    submission_set = asked.submission_sets(*asked.named("SubmissionSet")).cte("named")
    members = (
        asked.associations(IS_HAS_MEMBER, t.association.c.source.in_(select(submission_set.c.id)))
        .add_columns(t.association.c.target)
        .cte("members")
    )
    targets = select(members.c.target)
    documents = asked.documents(t.document_entry.c.id.in_(targets), *asked.latest(t.document_entry)).cte(
        "documents"
    )
    folders = asked.folders(t.folder.c.id.in_(targets), *asked.latest(t.folder)).cte("folders")
    both = union_all(select(documents.c.id), select(folders.c.id))
    # An Association comes with the answer only if both its ends do.
    associations = asked.associations(
        t.association.c.id.in_(targets), t.association.c.source.in_(both), t.association.c.target.in_(both)
    ).cte("associations")
    shown = union_all(select(documents.c.id), select(folders.c.id), select(associations.c.id))
    return (
        select(submission_set),
        select(documents),
        select(folders),
        select(associations),
        _as_answer(members).where(members.c.target.in_(shown)),
    )


def _get_folder_and_contents(asked: Asked) -> tuple[Rows, ...]:
    folder = asked.folders(*asked.named("Folder")).cte("named")
    members = (
        asked.associations(IS_HAS_MEMBER, t.association.c.source.in_(select(folder.c.id)))
        .add_columns(t.association.c.target)
        .cte("members")
    )
    documents = asked.documents(
        t.document_entry.c.id.in_(select(members.c.target)), *asked.latest(t.document_entry)
    ).cte("documents")
    return (
        select(folder),
        select(documents),
        _as_answer(members).where(members.c.target.in_(select(documents.c.id))),
    )


def _get_folders_for_document(asked: Asked) -> tuple[Rows, ...]:
    documents = select(t.document_entry.c.id).where(*asked.named("DocumentEntry"))
    containers = select(t.association.c.source).where(
        IS_HAS_MEMBER, *asked.association_filters(), t.association.c.target.in_(documents)
    )
    return (asked.folders(t.folder.c.id.in_(containers), *asked.latest(t.folder)),)


def _get_related_documents(asked: Asked) -> tuple[Rows, ...]:
    given = select(t.document_entry.c.id).where(*asked.named("DocumentEntry")).cte("given")
    end = t.association.c
    related = union(
        *(
            select(end.id, here.label("here"), there.label("there")).where(
                here.in_(select(given.c.id)), *asked.association_filters()
            )
            for here, there in ((end.source, end.target), (end.target, end.source))
        )
    ).cte("related")
    others = asked.documents(
        t.document_entry.c.id.in_(select(related.c.there)), *asked.latest(t.document_entry)
    ).cte("others")
    shown = select(related.c.id, related.c.here).where(related.c.there.in_(select(others.c.id))).cte("shown")
    # The document asked about comes with the others, whatever its type; alone it does not come.
    return (
        select(others),
        asked.rows(
            t.document_entry,
            t.document_entry.c.id.in_(select(shown.c.here)),
            t.document_entry.c.id.not_in(select(others.c.id)),
        ),
        asked.rows(t.association, t.association.c.id.in_(select(shown.c.id))),
    )


def _as_answer(members: CTE) -> Rows:
    """The Associations of a CTE without the end that was carried along."""
    return select(*(column for column in members.c if column.name not in ("source", "target")))


_SELECTIONS: Mapping[str, Callable[[Asked], tuple[Rows, ...]]] = {
    q.FIND_DOCUMENTS.id: _find_documents,
    q.FIND_DOCUMENTS_BY_REFERENCE_ID.id: _find_documents,
    q.FIND_DOCUMENTS_EXCLUDE.id: _find_documents,
    q.FIND_DOCUMENTS_BY_TITLE.id: _find_documents,
    q.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS.id: _find_documents,
    q.FIND_DOCUMENTS_BY_REFERENCE_ID_FOR_MULTIPLE_PATIENTS.id: _find_documents,
    q.FIND_FOLDERS_FOR_MULTIPLE_PATIENTS.id: _find_folders,
    q.FIND_SUBMISSION_SETS.id: _find_submission_sets,
    q.FIND_FOLDERS.id: _find_folders,
    q.GET_ALL.id: _get_all,
    q.GET_DOCUMENTS.id: _get_documents,
    q.GET_FOLDERS.id: _get_folders,
    q.GET_ASSOCIATIONS.id: _get_associations,
    q.GET_DOCUMENTS_AND_ASSOCIATIONS.id: _get_documents_and_associations,
    q.GET_SUBMISSION_SETS.id: _get_submission_sets,
    q.GET_SUBMISSION_SET_AND_CONTENTS.id: _get_submission_set_and_contents,
    q.GET_FOLDER_AND_CONTENTS.id: _get_folder_and_contents,
    q.GET_FOLDERS_FOR_DOCUMENT.id: _get_folders_for_document,
    q.GET_RELATED_DOCUMENTS.id: _get_related_documents,
}
