"""Message bodies to objects (ITI TF-2: 3.18, 3.41 to 3.43; ITI TF-3: 4.2).

Requests are read after their schema was checked; what the schema cannot see comes out as a fault.
"""

import base64
from dataclasses import dataclass

from lxml import etree

from ebxml.kinds import cut
from ebxml.model import (
    Association,
    DocumentEntry,
    DocumentRequest,
    Folder,
    RegistryObject,
    RegistryResponse,
    RemoveObjectsRequest,
    RetrieveRequest,
    StoredQueryRequest,
    Submission,
    SubmissionSet,
)
from ebxml.read_objects import Faults, read_objects, read_slot
from ebxml.refused import Refused
from hl7v2.er7 import shown
from ihe.error_codes import (
    REGISTRY_ERROR,
    REPOSITORY_METADATA_ERROR,
    RegistryError,
    ResponseStatus,
    Severity,
)
from ihe.namespaces import QUERY, RIM, RS, XDS, XOP

DOCUMENT = f"{{{XDS}}}Document"

_REGISTRY_OBJECT_LIST = f"{{{RIM}}}RegistryObjectList"
_OBJECT_REF = f"{{{RIM}}}ObjectRef"
_ADHOC_QUERY = f"{{{RIM}}}AdhocQuery"
_NAMED_OBJECT = f"{{{RIM}}}ObjectRefList/{{{RIM}}}ObjectRef"
_SLOT = f"{{{RIM}}}Slot"
_RESPONSE_OPTION = f"{{{QUERY}}}ResponseOption"
_QUERY_RESPONSE = f"{{{QUERY}}}AdhocQueryResponse"
_REGISTRY_RESPONSE = f"{{{RS}}}RegistryResponse"
_REGISTRY_ERROR = f"{{{RS}}}RegistryErrorList/{{{RS}}}RegistryError"
_RETRIEVE_RESPONSE = f"{{{XDS}}}RetrieveDocumentSetResponse"
_DOCUMENT_REQUEST = f"{{{XDS}}}DocumentRequest"
_DOCUMENT_RESPONSE = f"{{{XDS}}}DocumentResponse"
_HOME_COMMUNITY_ID = f"{{{XDS}}}HomeCommunityId"
_REPOSITORY_UNIQUE_ID = f"{{{XDS}}}RepositoryUniqueId"
_DOCUMENT_UNIQUE_ID = f"{{{XDS}}}DocumentUniqueId"
_MIME_TYPE = f"{{{XDS}}}mimeType"
_INCLUDE = f"{{{XOP}}}Include"

# The white space of XML; any other is no part of base64 (XML Schema 2: 3.2.16).
_NO_WHITE_SPACE = str.maketrans("", "", " \t\r\n")

# What the schema takes an absent returnType to be; ITI-18 has no such type (ITI TF-2: 3.18.4.1.2.4).
_DEFAULT_RETURN_TYPE = "RegistryObject"


# The one scope that removes metadata; the schema takes an absent deletionScope to be this.
_DELETE_ALL = "urn:oasis:names:tc:ebxml-regrep:DeletionScopeType:DeleteAll"


class AnswerNotUnderstood(Exception):
    """A peer answered with something that is no answer to what was asked."""


class _WrongContent(Exception):
    """The content of an xds:Document stands for no bytes."""


@dataclass(frozen=True, slots=True)
class ProvidedDocument:
    """One xds:Document of an ITI-41: either `href` says which part it is, or the bytes were `inline`."""

    id: str
    href: str | None
    inline: bytes | None


@dataclass(frozen=True, slots=True)
class QueryResponse:
    """An ITI-18 answer (ITI TF-2: 3.18.4.1.2.6): objects, or only references to them."""

    status: ResponseStatus
    errors: tuple[RegistryError, ...]
    objects: tuple[RegistryObject, ...]
    object_refs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RetrievedDocument:
    """One xds:DocumentResponse of ITI-43: either `href` says which part it is, or the bytes were `inline`."""

    repository_unique_id: str
    document_unique_id: str
    mime_type: str
    home_community_id: str | None
    href: str | None
    inline: bytes | None


@dataclass(frozen=True, slots=True)
class RetrieveResponse:
    """An ITI-43 answer (ITI TF-2: 3.43.4.1.3)."""

    status: ResponseStatus
    errors: tuple[RegistryError, ...]
    documents: tuple[RetrievedDocument, ...]


def read_submission(submit_objects_request: etree._Element) -> Submission:
    """Read an lcm:SubmitObjectsRequest (ITI TF-2: 3.42.4.1.2)."""
    faults = Faults()
    objects: list[RegistryObject] = []
    for registry_object_list in submit_objects_request.iterchildren(_REGISTRY_OBJECT_LIST):
        objects.extend(read_objects(registry_object_list, faults))
    return Submission(
        submission_sets=tuple([obj for obj in objects if isinstance(obj, SubmissionSet)]),
        document_entries=tuple([obj for obj in objects if isinstance(obj, DocumentEntry)]),
        folders=tuple([obj for obj in objects if isinstance(obj, Folder)]),
        associations=tuple([obj for obj in objects if isinstance(obj, Association)]),
        faults=tuple(faults.found),
    )


def take_documents(request: etree._Element) -> tuple[ProvidedDocument, ...]:
    """Take the content out of every xds:Document; what stays is small and valid (ITI TF-2: 3.41.4.1.2)."""
    documents = []
    errors = []
    for element in request.iterchildren(DOCUMENT):
        document_id = element.get("id", "")
        try:
            href, inline = _take_content(element)
        except _WrongContent as problem:
            location = f"Document[@id='{cut(document_id)}']"
            errors.append(
                REPOSITORY_METADATA_ERROR.error(f"xds:Document {cut(document_id)} {problem}", location)
            )
        else:
            documents.append(ProvidedDocument(document_id, href, inline))
    if errors:
        raise Refused(*errors)
    return tuple(documents)


def read_stored_query(adhoc_query_request: etree._Element) -> StoredQueryRequest:
    """Read a query:AdhocQueryRequest, its parameters not yet looked into (ITI TF-2: 3.18.4.1.2)."""
    option = adhoc_query_request.find(_RESPONSE_OPTION)
    return_type = _DEFAULT_RETURN_TYPE if option is None else option.get("returnType", _DEFAULT_RETURN_TYPE)
    query = adhoc_query_request.find(_ADHOC_QUERY)
    if query is None:
        return StoredQueryRequest(query_id="", return_type=return_type)
    return StoredQueryRequest(
        query_id=query.get("id", "").strip(),
        return_type=return_type,
        slots=tuple([read_slot(slot) for slot in query.iterchildren(_SLOT)]),
        home_community_id=query.get("home"),
    )


def read_remove_objects_request(request: etree._Element) -> RemoveObjectsRequest:
    """Read an lcm:RemoveObjectsRequest (Remove Metadata supplement: 3.62.4.1.2)."""
    if request.find(_ADHOC_QUERY) is not None:
        raise Refused(
            REGISTRY_ERROR.error(
                "the request chooses by an rim:AdhocQuery, expected rim:ObjectRefs only", "AdhocQuery"
            )
        )
    if (scope := request.get("deletionScope", _DELETE_ALL)) != _DELETE_ALL:
        problem = f"deletionScope is {shown(scope)}, expected {_DELETE_ALL}"
        raise Refused(REGISTRY_ERROR.error(problem, "RemoveObjectsRequest/@deletionScope"))
    return RemoveObjectsRequest(tuple([one.get("id", "") for one in request.iterfind(_NAMED_OBJECT)]))


def read_retrieve_request(request: etree._Element) -> RetrieveRequest:
    """Read an xds:RetrieveDocumentSetRequest (ITI TF-2: 3.43.4.1.2)."""
    return RetrieveRequest(
        tuple(
            [
                DocumentRequest(
                    one.findtext(_REPOSITORY_UNIQUE_ID, "").strip(),
                    one.findtext(_DOCUMENT_UNIQUE_ID, "").strip(),
                    _home_community_id(one),
                )
                for one in request.iterchildren(_DOCUMENT_REQUEST)
            ]
        )
    )


def read_registry_response(element: etree._Element) -> RegistryResponse:
    """Read an rs:RegistryResponse (ITI TF-3: 4.2.4)."""
    _expect(element, _REGISTRY_RESPONSE)
    return RegistryResponse(_status(element), _errors(element))


def read_query_response(element: etree._Element) -> QueryResponse:
    """Read a query:AdhocQueryResponse (ITI TF-2: 3.18.4.1.2.6)."""
    _expect(element, _QUERY_RESPONSE)
    objects: list[RegistryObject] = []
    object_refs: list[str] = []
    for registry_object_list in element.iterchildren(_REGISTRY_OBJECT_LIST):
        # A consumer takes what it is given: rules that bind a submission are not held against an answer.
        objects.extend(read_objects(registry_object_list, Faults()))
        object_refs.extend(one.get("id", "") for one in registry_object_list.iterchildren(_OBJECT_REF))
    return QueryResponse(_status(element), _errors(element), tuple(objects), tuple(object_refs))


def read_retrieve_response(element: etree._Element) -> RetrieveResponse:
    """Read an xds:RetrieveDocumentSetResponse (ITI TF-2: 3.43.4.1.3)."""
    _expect(element, _RETRIEVE_RESPONSE)
    response = element.find(_REGISTRY_RESPONSE)
    if response is None:
        raise AnswerNotUnderstood("the answer has no rs:RegistryResponse")
    documents = tuple([_retrieved(one) for one in element.iterchildren(_DOCUMENT_RESPONSE)])
    return RetrieveResponse(_status(response), _errors(response), documents)


def _retrieved(element: etree._Element) -> RetrievedDocument:
    document = element.find(DOCUMENT)
    try:
        href, inline = (None, b"") if document is None else _take_content(document)
    except _WrongContent as problem:
        raise AnswerNotUnderstood(f"an xds:Document {problem}") from problem
    return RetrievedDocument(
        element.findtext(_REPOSITORY_UNIQUE_ID, "").strip(),
        element.findtext(_DOCUMENT_UNIQUE_ID, "").strip(),
        element.findtext(_MIME_TYPE, "").strip(),
        _home_community_id(element),
        href,
        inline,
    )


def _take_content(document: etree._Element) -> tuple[str | None, bytes | None]:
    """Where the bytes are, or the bytes; afterwards the element is empty (ITI TF-2: V.8)."""
    include = document.find(_INCLUDE)
    text = (document.text or "").translate(_NO_WHITE_SPACE)
    document.text = None
    if include is None:
        try:
            # validate: without it, characters that are not base64 are passed over, and the bytes are others.
            return None, base64.b64decode(text, validate=True)
        except ValueError as problem:
            raise _WrongContent("has content that is not base64") from problem
    document.remove(include)
    # White space is not allowed there either, yet printed by those who indent; it stands for no bytes.
    if text or (include.tail or "").strip():
        raise _WrongContent("has text beside its xop:Include")
    return include.get("href", ""), None


def _home_community_id(element: etree._Element) -> str | None:
    home = element.findtext(_HOME_COMMUNITY_ID)
    return None if home is None else home.strip()


def _expect(element: etree._Element, tag: str) -> None:
    if element.tag != tag:
        seen, expected = etree.QName(element).localname, etree.QName(tag).localname
        raise AnswerNotUnderstood(f"the answer is a {seen}, expected {expected}")


def _status(element: etree._Element) -> ResponseStatus:
    try:
        return ResponseStatus(element.get("status", "").strip())
    except ValueError as problem:
        raise AnswerNotUnderstood("the answer has no status of ITI TF-3: 4.2.4.1") from problem


def _errors(element: etree._Element) -> tuple[RegistryError, ...]:
    return tuple(
        [
            RegistryError(
                one.get("errorCode", ""),
                one.get("codeContext", ""),
                # A word for the severity that we do not know is no reason to think less of the error.
                Severity.WARNING if one.get("severity") == Severity.WARNING else Severity.ERROR,
                one.get("location", ""),
            )
            for one in element.iterfind(_REGISTRY_ERROR)
        ]
    )
