"""Update Document Set [ITI-57]: new versions, statuses and Associations (MU supplement: 3.57.4.1.3)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import BigInteger, Table, bindparam, delete, insert, select, update

from database import Call, ConflictingWrite, Statement, Transaction, any_of
from ebxml.model import DocumentEntry, Folder, RegistryResponse, Submission
from ebxml.refused import Refused
from ebxml.updates import Operations, operations_of
from exchange.consent_documents import ANYBODY, Signatory
from exchange.ports import Clock, NewUuid
from exchange.visibility import OPEN_VIEW, View
from hl7v2.datatypes import DTM
from ihe.associations import ASSOCIATION_TYPES, HAS_MEMBER
from ihe.error_codes import RegistryError, ResponseStatus
from ihe.object_types import Status
from registry import rows
from registry import tables as t
from registry.consent_documents import ConsentPort, Consents, errors_in_changed_consent, following
from registry.final_metadata import FIRST_VERSION, as_sent, objects_of, with_final_metadata
from registry.folders import touch_folders
from registry.found import Found, lock_and_find
from registry.fragments import stored_element
from registry.inserts import inserts
from registry.locks import lock_patients
from registry.numbering import number_objects
from registry.patients import patient_ids_of
from registry.replacement import has_member, inherited_memberships, withdrawals
from registry.seen import Seen, seen_through
from registry.situation import errors_in_replacements, numbers_of, situation_of
from registry.store import RegistryStore
from registry.times import fourteen_digits
from registry.update_rules import Situation, errors_in_operations
from registry.versions import Latest, latest_versions, patients_of, superseding

Rules = Callable[[Submission, Operations, Situation], Iterable[RegistryError]]


async def update_document_set(
    submission: Submission,
    store: RegistryStore,
    clock: Clock,
    new_uuid: NewUuid,
    view: View = OPEN_VIEW,
    signatory: Signatory = ANYBODY,
    consents: ConsentPort | None = None,
) -> RegistryResponse:
    """Do every operation of a checked request, or raise Refused with everything that is wrong with it.

    It can name what this View shows. What consent documents give, or gave, takes effect with it.
    """
    return await do_update(
        submission, errors_in_operations, store, clock, new_uuid, view, signatory, consents
    )


async def do_update(
    submission: Submission,
    rules: Rules,
    store: RegistryStore,
    clock: Clock,
    new_uuid: NewUuid,
    view: View,
    signatory: Signatory,
    consents: ConsentPort | None,
) -> RegistryResponse:
    """Do the operations that these rules allow."""
    now = fourteen_digits(clock())
    final = _with_logical_ids(submission, with_final_metadata(submission, now, new_uuid))
    codes = await store.codes.intern(rows.codes_of(final))
    seen = await seen_through(view, store.codes)
    consenting = await Consents.of(consents, signatory, store.codes)
    work = _Update(final, operations_of(final), rules, codes, now, new_uuid, seen, consenting)
    try:
        await store.change(work.run)
    except Refused as refused:
        raise as_sent(refused, submission, final) from None
    return RegistryResponse(ResponseStatus.SUCCESS)


def _with_logical_ids(given: Submission, final: Submission) -> Submission:
    """A new version keeps the lid it was sent with: that is what it is a version of."""
    return replace(
        final,
        document_entries=tuple(
            replace(each, logical_id=sent.logical_id)
            for each, sent in zip(final.document_entries, given.document_entries, strict=True)
        ),
        folders=tuple(
            replace(each, logical_id=sent.logical_id)
            for each, sent in zip(final.folders, given.folders, strict=True)
        ),
    )


_PATIENT = Statement(select(t.patient.c.id).where(t.patient.c.cx == bindparam("cx")))


@dataclass(frozen=True, slots=True)
class _Update:
    """One request on its way into the tables; `run` may run again when it lost a race."""

    submission: Submission
    operations: Operations
    rules: Rules
    codes: rows.Numbers
    now: int
    new_uuid: NewUuid
    seen: Seen
    consents: Consents | None

    async def run(self, transaction: Transaction) -> None:
        """Check against what is registered, then write; every touched patient is locked throughout."""
        found = await self._lock_and_find(transaction)
        latest = await latest_versions(self.operations.versions, transaction, self.seen)
        situation = await situation_of(self.operations, found, latest, transaction)
        if errors := tuple(self._errors(situation)):
            raise Refused(*errors, patient_ids=await _named(situation, transaction))
        written = self._written(situation)
        numbers = await self._numbers(written, situation, transaction)
        touched = {found.patient or 0, *patients_of(latest)}
        async with following(self.consents, touched, transaction):
            await transaction.fetch_each(*self._writes(written, situation, numbers))
        if folders := _filled_folders(written, numbers):
            await touch_folders(folders, self.now, transaction, self.new_uuid)
        approved = [
            numbers[change.target_object]
            for change in self.operations.status_changes
            if change.new_status == Status.APPROVED
        ]
        if errors := tuple(await errors_in_replacements(approved, transaction)):
            raise Refused(*errors, patient_ids=await _named(situation, transaction))

    def _errors(self, situation: Situation) -> Iterator[RegistryError]:
        yield from self.rules(self.submission, self.operations, situation)
        yield from errors_in_changed_consent(self.submission, situation.latest, self.consents)

    async def _lock_and_find(self, transaction: Transaction) -> Found:
        patient_id = self.submission.submission_set.patient_id
        own = await transaction.fetch(_PATIENT, {"cx": patient_id and str(patient_id)})
        seen = {row[0] for row in own} | {
            *patients_of(await latest_versions(self.operations.versions, transaction))
        }
        await lock_patients(seen, transaction)
        found = await lock_and_find(self.submission, transaction, self.seen)
        touched = patients_of(await latest_versions(self.operations.versions, transaction))
        if not seen.issuperset(touched):
            raise ConflictingWrite("what is to be updated went to another patient in the meantime")
        return found

    def _written(self, situation: Situation) -> Submission:
        """The objects that are stored: triggers are not, and what follows from the operations is."""
        package = self.submission.submission_set.entry_uuid
        associations = [each.membership for each in self.operations.versions]
        for payload in self.operations.payloads:
            associations += [payload, has_member(package, payload.entry_uuid, self.new_uuid)]
        for copy in situation.copies:
            own = self.new_uuid()
            associations.append(
                replace(copy.association, entry_uuid=own, logical_id=own, version=FIRST_VERSION)
            )
            if copy.into_folder:
                associations.append(has_member(package, own, self.new_uuid))
        whole = replace(self.submission, associations=self.operations.payloads)
        associations += inherited_memberships(whole, situation.found, self.new_uuid)
        return replace(
            self.submission,
            document_entries=tuple(
                replace(each, version=_next_version(each, situation.latest))
                for each in self.submission.document_entries
            ),
            folders=tuple(self._folder(each, situation.latest) for each in self.submission.folders),
            associations=tuple(associations),
        )

    def _depositors(self, latest: Mapping[str, Latest]) -> Mapping[str, str | None]:
        """Who sent the first version has sent all."""
        return {each.obj.entry_uuid: latest[each.logical_id].depositor for each in self.operations.versions}

    def _folder(self, folder: Folder, latest: Mapping[str, Latest]) -> Folder:
        old = latest[folder.logical_id or ""].obj
        before = old.last_update_time if isinstance(old, Folder) else None
        time = max(str(self.now), str(before or ""))
        return replace(folder, version=_next_version(folder, latest), last_update_time=DTM(time))

    async def _numbers(
        self, written: Submission, situation: Situation, transaction: Transaction
    ) -> dict[str, int]:
        """The number of every object that is written or referred to."""
        found = situation.found
        numbers = {entry_uuid: each.id for entry_uuid, each in found.objects.items()}
        numbers |= {each.folder_uuid: each.folder_id for each in found.memberships}
        ends = {end for each in written.associations for end in (each.source_object, each.target_object)}
        numbers |= await numbers_of(ends - numbers.keys(), transaction)
        # A document that changes its patient leaves the record it was part of.
        predecessors = {
            each.obj.entry_uuid: latest.id
            for each in self.operations.versions
            if (latest := situation.latest[each.logical_id]).patient == found.patient
        }
        return numbers | await number_objects(written, numbers, predecessors, found, transaction)

    def _writes(
        self, written: Submission, situation: Situation, numbers: Mapping[str, int]
    ) -> Iterator[Call]:
        packed = {each.entry_uuid: stored_element(each, self.new_uuid) for each in objects_of(written)}
        yield from superseding(self.operations.versions, situation.latest, numbers)
        yield from inserts(
            written,
            situation.found,
            numbers,
            self.codes,
            packed,
            self.now,
            self._depositors(situation.latest),
        )
        # Only a restricted update may follow a Deprecated version: it does not change the status.
        carried = [
            (situation.latest[each.logical_id].id, numbers[each.obj.entry_uuid])
            for each in self.operations.versions
            if situation.latest[each.logical_id].status == t.DEPRECATED
        ]
        yield (_SET_STATUS[t.document_entry], {"ids": [new for _, new in carried], "status": t.DEPRECATED})
        yield (_CARRY_WITHDRAWALS, [{"old": old, "new": new} for old, new in carried])
        for change in self.operations.status_changes:
            status = {
                "ids": [numbers[change.target_object]],
                "status": t.STATUS_NUMBERS[change.new_status or ""],
            }
            for table in (t.document_entry, t.association):
                yield (_SET_STATUS[table], status)
            # Whatever replaced it: from now on its status is what this request says.
            yield (_FORGET_WITHDRAWALS, {"ids": status["ids"]})
        yield from withdrawals(
            (numbers[each.source_object], numbers[each.target_object])
            for each in self.operations.payloads
            if ASSOCIATION_TYPES[each.association_type].deprecates_target
        )


async def _named(situation: Situation, transaction: Transaction) -> tuple[str, ...]:
    """Whose the registered objects are that a request names."""
    owners = {each.patient for each in situation.found.objects.values()}
    return await patient_ids_of(owners | {*patients_of(situation.latest)}, transaction)


def _next_version(obj: DocumentEntry | Folder, latest: Mapping[str, Latest]) -> str:
    return str(latest[obj.logical_id or ""].version + 1)


def _filled_folders(written: Submission, numbers: Mapping[str, int]) -> set[int]:
    """The registered Folders that gain a member."""
    new = {each.entry_uuid for each in objects_of(written)}
    return {
        numbers[each.source_object]
        for each in written.associations
        if each.association_type == HAS_MEMBER.urn and each.source_object not in new
    }


def _set_status(table: Table) -> Statement:
    return Statement(
        update(table).where(any_of(table.c.id, bindparam("ids"))).values(status=bindparam("status"))
    )


_SET_STATUS = {table: _set_status(table) for table in (t.document_entry, t.association)}
_CARRY_WITHDRAWALS = Statement(
    insert(t.withdrawal)
    .inline()
    .from_select(
        ["document", "replacement"],
        select(bindparam("new", type_=BigInteger), t.withdrawal.c.replacement).where(
            t.withdrawal.c.document == bindparam("old")
        ),
    )
)
_FORGET_WITHDRAWALS = Statement(delete(t.withdrawal).where(any_of(t.withdrawal.c.document, bindparam("ids"))))
