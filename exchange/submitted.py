"""What a submission says of itself, for its audit record (ITI TF-2: 3.41.5.1, 3.42.5.1)."""

from ebxml.model import Submission
from exchange.audit_trail import AuditedDocument
from exchange.diary import Diary
from ihe.associations import RPLC, XFRM_RPLC


def note_submission(submission: Submission, diary: Diary) -> None:
    """Note the submission set, whose it is, and what came with it."""
    for submission_set in submission.submission_sets[:1]:
        diary.submission_set_unique_id = submission_set.unique_id or ""
        if submission_set.patient_id:
            diary.patient_ids = (submission_set.patient_id,)
    diary.documents = submitted_documents(submission)


def submitted_documents(submission: Submission) -> tuple[AuditedDocument, ...]:
    """Each document by its title, and in whose place it comes."""
    replaced = {
        one.source_object: one.target_object
        for one in submission.associations
        if one.association_type in (RPLC.urn, XFRM_RPLC.urn)
    }
    return tuple(
        AuditedDocument(
            entry.unique_id,
            entry.repository_unique_id or "",
            entry.home_community_id or "",
            title=next((one.value for one in entry.title), ""),
            replaced_entry_uuid=replaced.get(entry.entry_uuid, ""),
        )
        for entry in submission.document_entries
        if entry.unique_id
    )
