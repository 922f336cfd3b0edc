"""Stored queries as their consumers spell them (ITI TF-2: 3.18.4.1.2.3)."""

from collections.abc import Iterable, Mapping

from ebxml.model import Slot, StoredQueryRequest
from ebxml.write import write_stored_query

FIND_DOCUMENTS = "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d"
GET_DOCUMENTS = "urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4"
APPROVED = "('urn:oasis:names:tc:ebxml-regrep:StatusType:Approved')"
PATIENT = "'P1^^^&2.999.3&ISO'"

Values = str | Iterable[str] | None


def stored_query(
    query_id: str, slots: Iterable[tuple[str, Values]], return_type: str = "LeafClass"
) -> StoredQueryRequest:
    """A query of Slots in order, names as they are; None leaves a Slot out, a str is its one rim:Value."""
    return StoredQueryRequest(
        query_id=query_id,
        return_type=return_type,
        slots=tuple(
            Slot(name, (values,) if isinstance(values, str) else tuple(values))
            for name, values in slots
            if values is not None
        ),
    )


def find_documents(
    *repeated: tuple[str, Values], return_type: str = "LeafClass", **parameters: Values
) -> StoredQueryRequest:
    """FindDocuments for one patient's approved documents; names go without $XDSDocumentEntry."""
    chosen: Mapping[str, Values] = {"PatientId": PATIENT, "Status": APPROVED} | parameters
    slots = [(f"$XDSDocumentEntry{name}", values) for name, values in (*chosen.items(), *repeated)]
    return stored_query(FIND_DOCUMENTS, slots, return_type)


def get_documents(
    return_type: str = "LeafClass", level: Values = None, **parameters: Values
) -> StoredQueryRequest:
    """GetDocuments; names go without $XDSDocumentEntry, `level` is $MetadataLevel."""
    slots = [(f"$XDSDocumentEntry{name}", values) for name, values in parameters.items()]
    return stored_query(GET_DOCUMENTS, [*slots, ("$MetadataLevel", level)], return_type)


def query_bytes(request: StoredQueryRequest) -> bytes:
    """The body of ITI-18."""
    return write_stored_query(request)
