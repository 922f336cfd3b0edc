"""What the registry decides about metadata it accepts: ids, versions, homes (ITI TF-2: 3.42.4.1.3.3)."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain

from ebxml.kinds import cut
from ebxml.model import Association, DocumentEntry, Folder, RegistryObject, Submission, SubmissionSet
from ebxml.refused import Refused
from exchange.ports import NewUuid
from hl7v2.datatypes import DTM
from ihe.error_codes import RegistryError
from registry.uuids import is_uuid

FIRST_VERSION = "1"


def objects_of(submission: Submission) -> Iterable[RegistryObject]:
    """Every object of a submission, in the order they are numbered."""
    return chain(
        submission.submission_sets, submission.document_entries, submission.folders, submission.associations
    )


def with_final_metadata(submission: Submission, now: int, new_uuid: NewUuid) -> Submission:
    """The submission as it is stored: one fresh UUID for each symbolic id wherever that stands.

    A reference to a symbolic id that no object bears is left as it is, for the check to name it.
    """
    uuids = {
        each.entry_uuid: each.entry_uuid if is_uuid(each.entry_uuid) else new_uuid()
        for each in objects_of(submission)
    }
    return Submission(
        submission_sets=tuple(_submission_set(each, uuids) for each in submission.submission_sets),
        document_entries=tuple(_document_entry(each, uuids) for each in submission.document_entries),
        folders=tuple(_folder(each, uuids, now) for each in submission.folders),
        associations=tuple(_association(each, uuids) for each in submission.associations),
    )


def as_sent(refused: Refused, given: Submission, final: Submission) -> Refused:
    """The refusal with each symbolic id where the registry's own UUID stands: the sender knows no other."""
    errors = (_as_sent(error, given, final) for error in refused.errors)
    return Refused(*errors, patient_ids=refused.patient_ids)


def _as_sent(error: RegistryError, given: Submission, final: Submission) -> RegistryError:
    context, location = error.context, error.location
    for before, after in zip(objects_of(given), objects_of(final), strict=True):
        if before.entry_uuid != after.entry_uuid:
            sent = cut(before.entry_uuid)
            context = context.replace(after.entry_uuid, sent)
            location = location.replace(after.entry_uuid, sent)
    return replace(error, context=context, location=location)


# A submitted home is dropped: it says where a source believes to be, and only a gateway of this
# community may say where an answer comes from (the NIST registry drops it as well).
# lid and version go into every answer: Metadata Update clients need them, others ignore them.


def _submission_set(given: SubmissionSet, uuids: dict[str, str]) -> SubmissionSet:
    entry_uuid = uuids[given.entry_uuid]
    return replace(
        given, entry_uuid=entry_uuid, logical_id=entry_uuid, version=FIRST_VERSION, home_community_id=None
    )


def _document_entry(given: DocumentEntry, uuids: dict[str, str]) -> DocumentEntry:
    entry_uuid = uuids[given.entry_uuid]
    return replace(
        given, entry_uuid=entry_uuid, logical_id=entry_uuid, version=FIRST_VERSION, home_community_id=None
    )


def _folder(given: Folder, uuids: dict[str, str], now: int) -> Folder:
    entry_uuid = uuids[given.entry_uuid]
    return replace(
        given,
        entry_uuid=entry_uuid,
        logical_id=entry_uuid,
        version=FIRST_VERSION,
        home_community_id=None,
        last_update_time=DTM(now),
    )


def _association(given: Association, uuids: dict[str, str]) -> Association:
    entry_uuid = uuids[given.entry_uuid]
    return replace(
        given,
        entry_uuid=entry_uuid,
        logical_id=entry_uuid,
        version=FIRST_VERSION,
        home_community_id=None,
        source_object=uuids.get(given.source_object, given.source_object),
        target_object=uuids.get(given.target_object, given.target_object),
    )
