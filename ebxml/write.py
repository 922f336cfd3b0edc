"""Objects to message bodies, as bytes: no tree is built (ITI TF-2: 3.18, 3.41 to 3.43; ITI TF-3: 4.2)."""

from collections.abc import Iterator, Sequence
from itertools import count

from ebxml.model import (
    DocumentRequest,
    DocumentResponse,
    RegistryObject,
    RegistryResponse,
    RetrieveRequest,
    StoredQueryRequest,
    Submission,
)
from ebxml.write_objects import (
    NAMESPACE,
    fragment,
    object_text,
    slot_text,
    with_last_update_time,
    with_patient_id,
    with_status,
)
from ebxml.xml_text import escaped
from ihe.error_codes import RegistryError, ResponseStatus, Severity
from ihe.namespaces import LCM, QUERY, RIM, RS, XDS, XOP

__all__ = [
    "QUERY_RESPONSE_TAIL",
    "fragment",
    "query_response_head",
    "with_last_update_time",
    "with_patient_id",
    "with_status",
    "write_object_ref",
    "write_provide_and_register_request",
    "write_registry_response",
    "write_retrieve_request",
    "write_retrieve_response",
    "write_stored_query",
    "write_submit_objects_request",
]

QUERY_RESPONSE_TAIL = b"</rim:RegistryObjectList></query:AdhocQueryResponse>"


def write_submit_objects_request(submission: Submission) -> bytes:
    """Write the body of ITI-42 (ITI TF-2: 3.42.4.1.2)."""
    return _submit_objects_request(submission).encode()


def write_provide_and_register_request(submission: Submission, documents: Sequence[tuple[str, str]]) -> bytes:
    """Write the body of ITI-41; `documents` says by DocumentEntry id where the bytes are, as a cid: URL."""
    included = "".join(
        [
            f'<xds:Document id="{escaped(entry_id)}"><xop:Include xmlns:xop="{XOP}" href="{escaped(href)}"/>'
            "</xds:Document>"
            for entry_id, href in documents
        ]
    )
    return (
        f'<xds:ProvideAndRegisterDocumentSetRequest xmlns:xds="{XDS}">{_submit_objects_request(submission)}'
        f"{included}</xds:ProvideAndRegisterDocumentSetRequest>"
    ).encode()


def write_registry_response(response: RegistryResponse) -> bytes:
    """Write an rs:RegistryResponse (ITI TF-3: 4.2.4)."""
    return _registry_response(response.status, response.errors).encode()


def write_stored_query(request: StoredQueryRequest) -> bytes:
    """Write the body of ITI-18 (ITI TF-2: 3.18.4.1.2)."""
    home = "" if request.home_community_id is None else f' home="{escaped(request.home_community_id)}"'
    slots = "".join([slot_text(slot) for slot in request.slots])
    return (
        f'<query:AdhocQueryRequest xmlns:query="{QUERY}" xmlns:rim="{RIM}">'
        f'<query:ResponseOption returnType="{escaped(request.return_type)}" returnComposedObjects="true"/>'
        f'<rim:AdhocQuery id="{escaped(request.query_id)}"{home}>{slots}</rim:AdhocQuery>'
        "</query:AdhocQueryRequest>"
    ).encode()


def query_response_head(status: ResponseStatus, errors: Sequence[RegistryError]) -> bytes:
    """Write all of ITI-18's answer that stands before its objects (ITI TF-2: 3.18.4.1.2.6)."""
    declared = f' xmlns:rs="{RS}"' if errors else ""
    return (
        f'<query:AdhocQueryResponse xmlns:query="{QUERY}"{NAMESPACE}{declared} status="{status}">'
        f"{_error_list(errors)}<rim:RegistryObjectList>"
    ).encode()


def write_object_ref(entry_uuid: str, home: str | None = None) -> bytes:
    """Write an rim:ObjectRef for an ITI-18 answer (ITI TF-2: 3.18.4.1.2.6)."""
    of_community = "" if home is None else f' home="{escaped(home)}"'
    return f'<rim:ObjectRef{NAMESPACE} id="{escaped(entry_uuid)}"{of_community}/>'.encode()


def write_retrieve_request(request: RetrieveRequest) -> bytes:
    """Write the body of ITI-43 (ITI TF-2: 3.43.4.1.2)."""
    documents = "".join(
        [f"<xds:DocumentRequest>{_ids(one)}</xds:DocumentRequest>" for one in request.documents]
    )
    return (
        f'<xds:RetrieveDocumentSetRequest xmlns:xds="{XDS}">{documents}</xds:RetrieveDocumentSetRequest>'
    ).encode()


def write_retrieve_response(
    status: ResponseStatus, errors: Sequence[RegistryError], documents: Sequence[DocumentResponse]
) -> tuple[bytes, ...]:
    """Write the answer of ITI-43 in pieces, between which its documents go (ITI TF-2: 3.43.4.1.3).

    Piece n ends where document n begins.
    """
    pieces = []
    text = f'<xds:RetrieveDocumentSetResponse xmlns:xds="{XDS}">{_registry_response(status, errors)}'
    for one in documents:
        text += (
            f"<xds:DocumentResponse>{_ids(one.request)}"
            f"{_new_id('Repository', one.new_repository_unique_id)}"
            f"{_new_id('Document', one.new_document_unique_id)}"
            f"<xds:mimeType>{escaped(one.mime_type)}</xds:mimeType>"
        )
        pieces.append(f"{text}<xds:Document>".encode())
        text = "</xds:Document></xds:DocumentResponse>"
    pieces.append(f"{text}</xds:RetrieveDocumentSetResponse>".encode())
    return tuple(pieces)


def _submit_objects_request(submission: Submission) -> str:
    objects: tuple[RegistryObject, ...] = (
        *submission.submission_sets,
        *submission.document_entries,
        *submission.folders,
        *submission.associations,
    )
    symbolic_ids = _symbolic_ids(objects)
    texts = "".join([object_text(obj, symbolic_ids.__next__) for obj in objects])
    return (
        f'<lcm:SubmitObjectsRequest xmlns:lcm="{LCM}"{NAMESPACE}>'
        f"<rim:RegistryObjectList>{texts}</rim:RegistryObjectList></lcm:SubmitObjectsRequest>"
    )


def _symbolic_ids(objects: Sequence[RegistryObject]) -> Iterator[str]:
    """Ids for Classifications and ExternalIdentifiers that no object has (ITI TF-3: 4.2.3.1.5)."""
    used = {obj.entry_uuid for obj in objects}
    return (symbolic for number in count(1) if (symbolic := f"id{number}") not in used)


def _registry_response(status: ResponseStatus, errors: Sequence[RegistryError]) -> str:
    head = f'<rs:RegistryResponse xmlns:rs="{RS}" status="{status}"'
    return f"{head}>{_error_list(errors)}</rs:RegistryResponse>" if errors else f"{head}/>"


def _error_list(errors: Sequence[RegistryError]) -> str:
    """The list, or nothing: the schema knows none that is empty (ITI TF-3: 4.2.4.2)."""
    if not errors:
        return ""
    worst = Severity.ERROR if any(error.severity is Severity.ERROR for error in errors) else Severity.WARNING
    texts = "".join(
        [
            f'<rs:RegistryError errorCode="{escaped(error.code)}" codeContext="{escaped(error.context)}" '
            f'severity="{error.severity}" location="{escaped(error.location)}"/>'
            for error in errors
        ]
    )
    return f'<rs:RegistryErrorList highestSeverity="{worst}">{texts}</rs:RegistryErrorList>'


def _new_id(of: str, unique_id: str) -> str:
    return f"<xds:New{of}UniqueId>{escaped(unique_id)}</xds:New{of}UniqueId>" if unique_id else ""


def _ids(request: DocumentRequest) -> str:
    home = request.home_community_id
    return (
        ("" if home is None else f"<xds:HomeCommunityId>{escaped(home)}</xds:HomeCommunityId>")
        + f"<xds:RepositoryUniqueId>{escaped(request.repository_unique_id)}</xds:RepositoryUniqueId>"
        + f"<xds:DocumentUniqueId>{escaped(request.document_unique_id)}</xds:DocumentUniqueId>"
    )
