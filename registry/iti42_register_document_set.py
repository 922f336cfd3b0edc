"""Register Document Set-b [ITI-42]: store what was submitted, all of it or nothing (ITI TF-2: 3.42.4.1.3)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import insert

from database import Call, Statement, Transaction
from ebxml.model import (
    Association,
    DocumentEntry,
    Folder,
    RegistryObject,
    RegistryResponse,
    Submission,
    SubmissionSet,
)
from ebxml.refused import Refused
from exchange.ports import Clock, NewUuid
from ihe.associations import HAS_MEMBER
from ihe.error_codes import ResponseStatus
from registry import rows
from registry import tables as t
from registry.final_metadata import objects_of, with_final_metadata
from registry.folders import touch_folders
from registry.found import LOCK_PATIENT, Found, lock_and_find
from registry.fragments import stored_element
from registry.registration_rules import errors_in_registration
from registry.replacement import DEPRECATE, inherited_memberships, replacements_in
from registry.store import RegistryStore
from registry.times import fourteen_digits
from registry.uuids import bare

_INSERT_OBJECT = Statement(insert(t.registered_object).inline())
_INSERT_UNIQUE_ID = Statement(insert(t.registered_unique_id).inline())
_INSERT_SUBMISSION_SET = Statement(insert(t.submission_set).inline())
_INSERT_DOCUMENT_ENTRY = Statement(insert(t.document_entry).inline())
_INSERT_FOLDER = Statement(insert(t.folder).inline())
_INSERT_ASSOCIATION = Statement(insert(t.association).inline())


async def register_document_set(
    submission: Submission, store: RegistryStore, clock: Clock, new_uuid: NewUuid
) -> RegistryResponse:
    """Register a checked submission, or raise Refused with everything that is wrong with it."""
    now = fourteen_digits(clock())
    final = with_final_metadata(submission, now, new_uuid)
    # Before the transaction: what takes time is done while nothing is locked, and codes are for all.
    registration = _Registration(
        final,
        {each.entry_uuid: stored_element(each, new_uuid) for each in objects_of(final)},
        await store.codes.intern(rows.codes_of(final)),
        now,
        new_uuid,
    )
    await store.database.transact(registration.run)
    return RegistryResponse(ResponseStatus.SUCCESS)


@dataclass(frozen=True, slots=True)
class _Registration:
    """One submission on its way into the tables; `run` may run again when it lost a race."""

    submission: Submission
    fragments: Mapping[str, bytes]
    codes: rows.Numbers
    now: int
    new_uuid: NewUuid

    async def run(self, transaction: Transaction) -> None:
        """Check against what is registered, then write; the patient's lock holds from first to last."""
        found = await lock_and_find(self.submission, transaction)
        if errors := tuple(errors_in_registration(self.submission, found)):
            raise Refused(*errors)
        inherited = inherited_memberships(self.submission, found, self.new_uuid)
        numbers = await self._numbers(found, inherited, transaction)
        await transaction.fetch_each(*self._writes(found, inherited, numbers))
        if touched := self._touched_folders(found, inherited):
            await touch_folders(touched, self.now, transaction, self.new_uuid)

    async def _numbers(
        self, found: Found, inherited: tuple[Association, ...], transaction: Transaction
    ) -> dict[str, int]:
        """The number of every object that is written or referred to."""
        numbers = {entry_uuid: each.id for entry_uuid, each in found.objects.items()}
        numbers |= {each.folder_uuid: each.folder_id for each in found.memberships}
        numbers |= _consecutive(objects_of(self.submission), found.patient, found.last_object)
        if inherited:
            count = {"wanted_cx": str(self.submission.submission_set.patient_id), "count": len(inherited)}
            ((patient, last_object),) = await transaction.fetch(LOCK_PATIENT, count)
            numbers |= _consecutive(inherited, patient, last_object)
        return numbers

    def _writes(
        self, found: Found, inherited: tuple[Association, ...], numbers: Mapping[str, int]
    ) -> Iterable[Call]:
        patient = found.patient or 0
        packed = {
            **self.fragments,
            **{each.entry_uuid: stored_element(each, self.new_uuid) for each in inherited},
        }
        submission, codes = self.submission, self.codes
        entries = [
            rows.document_entry_row(each, numbers[each.entry_uuid], patient, codes, packed[each.entry_uuid])
            for each in submission.document_entries
        ]
        folders = [
            rows.folder_row(each, numbers[each.entry_uuid], patient, codes, packed[each.entry_uuid])
            for each in submission.folders
        ]
        associations = [
            rows.association_row(each, numbers[each.entry_uuid], patient, numbers, packed[each.entry_uuid])
            for each in (*submission.associations, *inherited)
        ]
        submission_set = submission.submission_set
        yield (_INSERT_OBJECT, list(self._directory(inherited, numbers)))
        yield (_INSERT_UNIQUE_ID, list(self._unique_ids(found, numbers)))
        yield (
            _INSERT_SUBMISSION_SET,
            rows.submission_set_row(
                submission_set,
                numbers[submission_set.entry_uuid],
                patient,
                codes,
                packed[submission_set.entry_uuid],
            ),
        )
        yield (_INSERT_DOCUMENT_ENTRY, entries)
        yield (_INSERT_FOLDER, folders)
        yield (_INSERT_ASSOCIATION, associations)
        if replaced := [numbers[each.target_object] for each in replacements_in(submission)]:
            # After the Associations: what this very submission derives from a replaced document goes with it.
            yield (DEPRECATE, {"replaced": replaced})

    def _directory(
        self, inherited: tuple[Association, ...], numbers: Mapping[str, int]
    ) -> Iterable[rows.Row]:
        for each in (*objects_of(self.submission), *inherited):
            yield {
                "entry_uuid": bare(each.entry_uuid),
                "id": numbers[each.entry_uuid],
                "kind": _KINDS[type(each)],
            }

    def _unique_ids(self, found: Found, numbers: Mapping[str, int]) -> Iterable[rows.Row]:
        bearers: tuple[SubmissionSet | DocumentEntry | Folder, ...] = (
            *self.submission.submission_sets,
            *self.submission.document_entries,
            *self.submission.folders,
        )
        for each in bearers:
            if each.unique_id not in found.unique_ids:
                yield {
                    "unique_id": each.unique_id,
                    "id": numbers[each.entry_uuid],
                    "kind": _KINDS[type(each)],
                }

    def _touched_folders(self, found: Found, inherited: tuple[Association, ...]) -> set[int]:
        """The registered Folders that gained a member; new ones bear the present time already."""
        touched = {
            each.folder_id
            for each in found.memberships
            if any(association.source_object == each.folder_uuid for association in inherited)
        }
        for association in self.submission.associations:
            source = found.objects.get(association.source_object)
            if association.association_type == HAS_MEMBER.urn and source and source.kind is t.Kind.FOLDER:
                touched.add(source.id)
        return touched


_KINDS: Mapping[type[RegistryObject], t.Kind] = {
    DocumentEntry: t.Kind.DOCUMENT_ENTRY,
    SubmissionSet: t.Kind.SUBMISSION_SET,
    Folder: t.Kind.FOLDER,
    Association: t.Kind.ASSOCIATION,
}


def _consecutive(objects: Iterable[RegistryObject], patient: int | None, last_object: int) -> dict[str, int]:
    """Number these objects up to the last one reserved for them."""
    uuids = [each.entry_uuid for each in objects]
    first = (patient or 0) * t.OBJECTS_PER_PATIENT + last_object - len(uuids) + 1
    return {entry_uuid: first + n for n, entry_uuid in enumerate(uuids)}
