"""Every query and transaction about one document, as any subject may send it (ITI TF-2: 3.18 to 3.92)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tests.messages import requests
from tests.messages.requests import ITI_18, ITI_41, ITI_43, ITI_51, ITI_57, ITI_61, ITI_62, ITI_92
from tests.messages.two_worlds import (
    APND,
    RPLC,
    SHA1,
    SIGNS,
    XFRM,
    XFRM_RPLC,
    Deposit,
    Document,
    History,
    Link,
)
from tests.wire import MTOM_TYPE, envelope, include, mtom

ITI_86 = "urn:ihe:iti:2017:RemoveDocuments"
PLAIN = "application/soap+xml; charset=UTF-8"
BOTH = f"('{requests.APPROVED}','{requests.DEPRECATED}')"
UPDATED = "urn:ihe:iti:2010:AssociationType:SubmitAssociation"


@dataclass(frozen=True)
class Sent:
    """One message to one actor."""

    what: str
    actor: str
    message: bytes
    content_type: str = PLAIN


def provide(deposit: Deposit, headers: str) -> Sent:
    """ITI-41 of stable documents, ITI-61 of on-demand entries."""
    if deposit.on_demand:
        return Sent("ITI-61", "registry", envelope(ITI_61, deposit.submit, more_headers=headers))
    parts = [(f"{number}@wire", "text/plain", one.content) for number, one in enumerate(deposit.documents)]
    includes = [(one.uuid, include(part[0])) for one, part in zip(deposit.documents, parts, strict=True)]
    message = envelope(ITI_41, requests.provide(deposit.submit, *includes), more_headers=headers)
    return Sent("ITI-41", "repository", mtom(message, *parts), MTOM_TYPE)


def queries(history: History, focus: Document, patients: tuple[str, ...], headers: str) -> Iterator[Sent]:
    """Every stored query that could find the focus or what is around it, in both return types."""
    for name, *slots in _questions(history, focus, patients):
        for return_type in ("LeafClass", "ObjectRef"):
            body = requests.stored_query(requests.STORED_QUERIES[name], *slots, return_type=return_type)
            action = ITI_51 if name.endswith("ForMultiplePatients") else ITI_18
            yield Sent(
                f"{name} {return_type} {slots}", "registry", envelope(action, body, more_headers=headers)
            )


def _questions(history: History, focus: Document, patients: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    patient = f"'{history.patient_id}'"
    statuses = [(f"$XDS{kind}Status", BOTH) for kind in ("DocumentEntry", "SubmissionSet", "Folder")]
    types = ("$XDSDocumentEntryType", f"('{requests.STABLE}','{requests.ON_DEMAND}')")
    deprecated = ("$XDSDocumentEntryStatus", f"('{requests.DEPRECATED}')")
    approved = ("$XDSDocumentEntryStatus", f"('{requests.APPROVED}')")
    mine = ("$XDSDocumentEntryPatientId", patient)
    yield "GetAll", ("$patientId", patient), types, *statuses
    yield "FindDocuments", mine, types, approved
    yield "FindDocuments", mine, types, deprecated, ("$MetadataLevel", "2")
    yield (
        "FindDocuments",
        mine,
        approved,
        ("$XDSDocumentEntryConfidentialityCode", "('R^^2.999.1','V^^2.999.1')"),
    )
    yield "FindDocumentsByTitle", mine, approved, ("$XDSDocumentEntryTitle", "('Report')")
    yield "FindDocumentsExclude", mine, approved, ("$XDSDocumentEntryTypeCodeExclude", "('NOTE^^2.999.1')")
    yield "FindDocumentsByReferenceId", mine, approved, ("$XDSDocumentEntryReferenceIdList", "('x')")
    yield "FindSubmissionSets", ("$XDSSubmissionSetPatientId", patient), statuses[1]
    yield "FindFolders", ("$XDSFolderPatientId", patient), statuses[2]
    everybody = ",".join(f"'{one}'" for one in patients)
    several = ("$XDSDocumentEntryPatientId", f"({everybody})")
    klass = ("$XDSDocumentEntryClassCode", "('REPORT^^2.999.1')")
    yield "FindDocumentsForMultiplePatients", several, klass, types, statuses[0]
    yield "FindDocumentsForMultiplePatients", klass, statuses[0], several
    codes = ("$XDSFolderCodeList", "('PREGNANCY^^2.999.1')")
    yield "FindFoldersForMultiplePatients", ("$XDSFolderPatientId", f"({everybody})"), codes, statuses[2]
    every = ",".join(f"'{one.uuid}'" for one in history.documents)
    unique = ",".join(f"'{one.unique_id}'" for one in history.documents)
    packages = ",".join(f"'{one}'" for one in history.packages)
    for uuids, unique_ids in ((f"('{focus.uuid}')", f"('{focus.unique_id}')"), (f"({every})", f"({unique})")):
        for query in ("GetDocuments", "GetDocumentsAndAssociations"):
            yield query, ("$XDSDocumentEntryEntryUUID", uuids)
            yield query, ("$XDSDocumentEntryUniqueId", unique_ids), ("$MetadataLevel", "2")
        yield "GetAssociations", ("$uuid", uuids)
        yield "GetSubmissionSets", ("$uuid", uuids)
    yield "GetAssociations", ("$uuid", f"({packages})")
    yield "GetFoldersForDocument", ("$XDSDocumentEntryEntryUUID", f"'{focus.uuid}'")
    relations = ",".join(f"'{one}'" for one in (RPLC, APND, XFRM, XFRM_RPLC, SIGNS))
    related = ("$AssociationTypes", f"({relations})")
    yield "GetRelatedDocuments", ("$XDSDocumentEntryUniqueId", f"'{focus.unique_id}'"), related
    for deposit in history.deposits[-2:]:
        yield "GetSubmissionSetAndContents", ("$XDSSubmissionSetEntryUUID", f"'{deposit.uuid}'"), types
    for folder in history.folders[:2]:
        yield "GetFolders", ("$XDSFolderUniqueId", f"('{folder.unique_id}')")
        yield "GetFolderAndContents", ("$XDSFolderEntryUUID", f"'{folder.uuid}'"), types


def changes(
    author: str, patient_id: str, history: History, focus: Document, own: Document | None, headers: str
) -> Iterator[Sent]:
    """Every transaction that names the focus, from a deposit that refers to it to its removal.

    `own` is a document that the subject may do anything with, to be named beside the focus.
    """
    wanted = [one.unique_id for one in (own, focus) if one] + ["2.999.404"]
    retrieve = envelope(ITI_43, requests.retrieve(*wanted), more_headers=headers)
    yield Sent("ITI-43", "repository", mtom(retrieve), MTOM_TYPE)

    def deposit(*links: Link, document: Document | None = None, package: str = "") -> Sent:
        new = document or Document(patient_id, "N", "NOTE")
        uuid = package or requests.fresh_uuid()
        own_links = (Link(uuid, new.uuid, status="Original"), *links)
        linked = tuple(replace(one, source=new.uuid) if one.source == "new" else one for one in own_links)
        linked = tuple(replace(one, target=new.uuid) if one.target == "new" else one for one in linked)
        return provide(Deposit(author, patient_id, (new,), (), linked, uuid), headers)

    yield deposit()
    for relation in (SIGNS, APND, XFRM, XFRM_RPLC, RPLC):
        yield deposit(Link("new", focus.uuid, relation))
    for folder in history.folders[:2]:
        package, member = requests.fresh_uuid(), Link(folder.uuid, "new")
        yield deposit(member, Link(package, member.uuid), package=package)
    package = requests.fresh_uuid()
    yield deposit(Link(package, focus.uuid, status="Reference"), package=package)
    # The same bytes under the same uniqueId are the same document, held here or not.
    if not focus.on_demand:
        yield deposit(document=replace(focus, patient_id=patient_id, uuid=requests.fresh_uuid(), level="N"))
    yield from _updates(patient_id, history, focus, own, headers)


def _updates(
    patient_id: str, history: History, focus: Document, own: Document | None, headers: str
) -> Iterator[Sent]:
    package = requests.submission_set(patient_id, requests.fresh_oid(), "SubmissionSet1")
    change = requests.submit(package, requests.status_change(focus.uuid))
    yield Sent("ITI-57 status", "registry", envelope(ITI_57, change, more_headers=headers))
    version = replace(focus, patient_id=patient_id, type_code="LAB", uuid="Version2").xml
    version = version.replace('id="Version2" mimeType', f'id="Version2" lid="{focus.uuid}" mimeType')
    member = requests.association(
        "SubmissionSet1", "Version2", status="Original", id="m", more=requests.slot("PreviousVersion", "1")
    )
    if not focus.on_demand:
        version = version.replace("<rim:Slot", requests.registered(SHA1, 0) + "<rim:Slot", 1)
    for number, action in (("ITI-92", ITI_92), ("ITI-57", ITI_57)):
        fresh = requests.submission_set(patient_id, requests.fresh_oid(), "SubmissionSet1")
        body = requests.submit(fresh, version, member)
        yield Sent(f"{number} version", "registry", envelope(action, body, more_headers=headers))
    payload = requests.association(focus.uuid, (own or focus).uuid, SIGNS, id="payload")
    trigger = requests.association("SubmissionSet1", "payload", UPDATED, id="trigger")
    fresh = requests.submission_set(patient_id, requests.fresh_oid(), "SubmissionSet1")
    body = requests.submit(fresh, payload, trigger)
    yield Sent("ITI-57 association", "registry", envelope(ITI_57, body, more_headers=headers))
    for named in ([focus.uuid], [one.uuid for one in (own, focus) if one], [history.deposits[0].uuid]):
        yield Sent("ITI-62", "registry", envelope(ITI_62, _remove(*named), more_headers=headers))
    for documents in ([focus.unique_id], [one.unique_id for one in (own, focus) if one]):
        message = envelope(ITI_86, _remove_documents(*documents), more_headers=headers)
        yield Sent("ITI-86", "repository", message)


def _remove(*uuids: str) -> str:
    refs = "".join(f'<rim:ObjectRef id="{one}"/>' for one in uuids)
    return (
        f"<lcm:RemoveObjectsRequest {requests.NAMESPACES}><rim:ObjectRefList>{refs}</rim:ObjectRefList>"
        "</lcm:RemoveObjectsRequest>"
    )


def _remove_documents(*unique_ids: str) -> str:
    inside = requests.retrieve(*unique_ids).partition(">")[2].rpartition("<")[0]
    return (
        '<rmd:RemoveDocumentsRequest xmlns:rmd="urn:ihe:iti:rmd:2017" xmlns:xds="urn:ihe:iti:xds-b:2007">'
        f"{inside}</rmd:RemoveDocumentsRequest>"
    )
