"""Cleaning up: what plans registered and stored is removed, where the target can [ITI-62, ITI-86]."""

from collections.abc import Iterable
from dataclasses import dataclass

from conformance.answer import NotAnAnswer, read_answer
from conformance.names import Names
from conformance.plan import Plan, Step
from conformance.steps import Walk
from conformance.target import Unreachable

_APPROVED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
_BOTH = f"('{_APPROVED}','urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated')"


@dataclass(frozen=True)
class Cleaned:
    """How many objects and documents are gone, and of how many patients something stayed."""

    objects: int = 0
    documents: int = 0
    patients_left: int = 0


def clean(walks: Iterable[tuple[Walk, Names]]) -> Cleaned:
    """Remove the documents that were provided for the patients of these plans, then all their metadata."""
    objects = documents = left = 0
    for walk, names in walks:
        documents += _remove_documents(walk)
        for patient in _patients(walk.plan, names):
            ids = _everything_of(walk, patient)
            gone = bool(ids) and _done(walk, Step("remove-metadata", {"objects": ids}, {"status": "Success"}))
            objects += len(ids) if gone else 0
            left += bool(ids) and not gone
    return Cleaned(objects, documents, left)


def _patients(plan: Plan, names: Names) -> list[str]:
    """Only those that the plan made known for itself."""
    own = ["patient"] if plan.patient == "own" else []
    return [names.patient(name) for name in (*own, *plan.patients)]


def _remove_documents(walk: Walk) -> int:
    """One by one: some were never accepted."""
    own = [name for name in walk.memory.contents if not name.startswith("library.")]
    asked = [{"uniqueId": str(walk.memory.attributes[name].get("uniqueId", "-"))} for name in own]
    return sum(
        _done(walk, Step("remove-documents", {"documents": [one]}, {"status": "Success"})) for one in asked
    )


def _everything_of(walk: Walk, patient: str) -> list[str]:
    said = {
        "query": "GetAll",
        "return_type": "ObjectRef",
        "slots": {
            "$patientId": f"'{patient}'",
            "$XDSDocumentEntryStatus": _BOTH,
            "$XDSSubmissionSetStatus": _BOTH,
            "$XDSFolderStatus": _BOTH,
            "$XDSAssociationStatus": _BOTH,
            "$XDSDocumentEntryType": "('urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1',"
            "'urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248')",
            "$MetadataLevel": "2",
        },
    }
    if not _done(walk, Step("query", said, {"status": "Success"})):
        return []
    try:
        answer = read_answer(200, {"content-type": "application/soap+xml"}, walk.exchanges[-1].received)
    except NotAnAnswer:
        return []
    return [one.id for one in answer.objects]


def _done(walk: Walk, step: Step) -> bool:
    try:
        return walk.take(step, 1000 + len(walk.exchanges))
    except Unreachable:
        return False
