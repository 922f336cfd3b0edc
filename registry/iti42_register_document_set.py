"""Register Document Set-b [ITI-42]: store what was submitted, all of it or nothing (ITI TF-2: 3.42.4.1.3)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from database import Call, Transaction
from ebxml.model import Association, RegistryResponse, Submission
from ebxml.refused import Refused
from exchange.consent_documents import ANYBODY, Signatory
from exchange.ports import Clock, NewUuid
from exchange.visibility import OPEN_VIEW, View
from ihe.associations import HAS_MEMBER
from ihe.error_codes import RegistryError, ResponseStatus
from registry import rows
from registry import tables as t
from registry.consent_documents import ConsentPort, Consents, concerns_consent, following
from registry.final_metadata import as_sent, objects_of, with_final_metadata
from registry.folders import touch_folders
from registry.found import Found, lock_and_find
from registry.fragments import stored_element
from registry.inserts import inserts
from registry.numbering import number_objects
from registry.patients import patient_ids_of
from registry.registration_rules import errors_in_registration
from registry.replacement import inherited_memberships, replacements_in, withdrawals
from registry.seen import Seen, seen_through
from registry.store import RegistryStore
from registry.times import fourteen_digits


async def register_document_set(
    submission: Submission,
    store: RegistryStore,
    clock: Clock,
    new_uuid: NewUuid,
    view: View = OPEN_VIEW,
    depositor: str | None = None,
    signatory: Signatory = ANYBODY,
    consents: ConsentPort | None = None,
) -> RegistryResponse:
    """Register a checked submission, or raise Refused with everything that is wrong with it.

    It can refer to what this View shows of the record; `depositor` is noted as who sent the documents. What
    consent documents give, or gave, takes effect with it.
    """
    now = fourteen_digits(clock())
    final = with_final_metadata(submission, now, new_uuid)
    # Before the transaction: what takes time is done while nothing is locked, and codes are for all.
    registration = _Registration(
        final,
        {each.entry_uuid: stored_element(each, new_uuid) for each in objects_of(final)},
        await store.codes.intern(rows.codes_of(final)),
        now,
        new_uuid,
        await seen_through(view, store.codes),
        depositor,
        await Consents.of(consents, signatory, store.codes) if concerns_consent(final) else None,
    )
    try:
        await store.change(registration.run)
    except Refused as refused:
        raise as_sent(refused, submission, final) from None
    return RegistryResponse(ResponseStatus.SUCCESS)


@dataclass(frozen=True, slots=True)
class _Registration:
    """One submission on its way into the tables; `run` may run again when it lost a race."""

    submission: Submission
    fragments: Mapping[str, bytes]
    codes: rows.Numbers
    now: int
    new_uuid: NewUuid
    seen: Seen
    depositor: str | None
    consents: Consents | None

    async def run(self, transaction: Transaction) -> None:
        """Check against what is registered, then write; the patient's lock holds from first to last."""
        found = await lock_and_find(self.submission, transaction, self.seen)
        if errors := tuple(self._errors(found)):
            named = {each.patient for each in found.objects.values()}
            raise Refused(*errors, patient_ids=await patient_ids_of(named, transaction))
        inherited = inherited_memberships(self.submission, found, self.new_uuid)
        whole = replace(self.submission, associations=(*self.submission.associations, *inherited))
        numbers = await self._numbers(whole, found, transaction)
        async with following(self.consents, {found.patient or 0}, transaction):
            await transaction.fetch_each(*self._writes(whole, found, inherited, numbers))
        if touched := self._touched_folders(found, inherited):
            await touch_folders(touched, self.now, transaction, self.new_uuid)

    def _errors(self, found: Found) -> Iterator[RegistryError]:
        yield from errors_in_registration(self.submission, found)
        if self.consents:
            yield from self.consents.errors_in(self.submission)

    async def _numbers(self, whole: Submission, found: Found, transaction: Transaction) -> dict[str, int]:
        """The number of every object that is written or referred to."""
        known = {entry_uuid: each.id for entry_uuid, each in found.objects.items()}
        known |= {each.folder_uuid: each.folder_id for each in found.memberships}
        return known | await number_objects(whole, known, {}, found, transaction)

    def _writes(
        self,
        whole: Submission,
        found: Found,
        inherited: tuple[Association, ...],
        numbers: Mapping[str, int],
    ) -> Iterable[Call]:
        packed = {
            **self.fragments,
            **{each.entry_uuid: stored_element(each, self.new_uuid) for each in inherited},
        }
        yield from inserts(whole, found, numbers, self.codes, packed, self.now, self._depositors())
        yield from withdrawals(
            (numbers[each.source_object], numbers[each.target_object])
            for each in replacements_in(self.submission)
        )

    def _depositors(self) -> Mapping[str, str | None]:
        return {entry.entry_uuid: self.depositor for entry in self.submission.document_entries}

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
