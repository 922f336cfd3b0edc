"""What a submission asks to be changed: the operations of ITI-57 and ITI-92 (MU supplement: 3.57.4.1.3.3)."""

from collections.abc import Iterator
from dataclasses import dataclass

from ebxml.model import Association, DocumentEntry, Folder, Submission
from ihe.associations import HAS_MEMBER, SUBMIT_ASSOCIATION, UPDATE_AVAILABILITY_STATUS


@dataclass(frozen=True, slots=True)
class VersionUpdate:
    """A new version of a DocumentEntry or Folder, and the membership that says of which one."""

    obj: DocumentEntry | Folder
    membership: Association

    @property
    def logical_id(self) -> str:
        """What all versions share."""
        return self.obj.logical_id or ""

    @property
    def previous_version(self) -> int:
        """The version that the sender has seen, in a checked request."""
        return int(self.membership.previous_version or 0)

    @property
    def propagates(self) -> bool:
        """Whether what is joined to the old version is joined to the new one as well."""
        return self.membership.association_propagation != "no"


@dataclass(frozen=True, slots=True)
class Operations:
    """The operations of one request, and the Associations that belong to none."""

    versions: tuple[VersionUpdate, ...]
    status_changes: tuple[Association, ...]
    triggers: tuple[Association, ...]
    payloads: tuple[Association, ...]
    leftover: tuple[Association, ...]


def operations_of(submission: Submission) -> Operations:
    """Sort a submission's objects by the operation they are part of."""
    of_type = {
        row: tuple(each for each in submission.associations if each.association_type == row.urn)
        for row in (UPDATE_AVAILABILITY_STATUS, SUBMIT_ASSOCIATION)
    }
    status_changes, triggers = of_type[UPDATE_AVAILABILITY_STATUS], of_type[SUBMIT_ASSOCIATION]
    versions = tuple(_versions(submission))
    submitted = {each.target_object for each in triggers}
    rest = [each for each in submission.associations if each not in (*status_changes, *triggers)]
    payloads = tuple(each for each in rest if each.entry_uuid in submitted)
    memberships = {each.membership.entry_uuid for each in versions}
    leftover = tuple(each for each in rest if each.entry_uuid not in submitted | memberships)
    return Operations(versions, status_changes, triggers, payloads, leftover)


def contents_of(submission: Submission) -> tuple[DocumentEntry | Folder, ...]:
    """What of a submission has versions."""
    return (*submission.document_entries, *submission.folders)


def _versions(submission: Submission) -> Iterator[VersionUpdate]:
    memberships: dict[str, Association] = {}
    for each in submission.associations:
        if (
            each.association_type == HAS_MEMBER.urn
            and each.source_object == submission.submission_set.entry_uuid
        ):
            memberships.setdefault(each.target_object, each)
    for obj in contents_of(submission):
        if membership := memberships.get(obj.entry_uuid):
            yield VersionUpdate(obj, membership)
