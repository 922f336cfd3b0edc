"""What asks a registry or a repository: stored queries, retrievals, removals (ITI TF-2: 3.18, 3.43, 3.51)."""

import re
from collections import Counter
from collections.abc import Iterator

from lxml import etree

from conformance.judging.datatypes import is_cx, is_dtm, is_oid, is_uuid
from conformance.judging.found import error, note, warning
from conformance.judging.parts import MAX_VALUE
from conformance.results import Finding
from conformance.xml import select, where
from ihe.associations import ASSOCIATION_TYPES
from ihe.object_types import DocumentEntryType, Status
from ihe.stored_queries import STORED_QUERIES, Match, Parameter, StoredQuery

_SECTION = "ITI TF-2: 3.18.4.1.2.3.5"
_ONE = re.compile(r"'(?:[^']|'')*'")
_LIST = re.compile(r"\(\s*'(?:[^']|'')*'(?:\s*,\s*'(?:[^']|'')*')*\s*\)")
_CODE = re.compile(r"[^^]+\^\^[^^]+")


def findings_in_query(request: etree._Element, transaction: str) -> Iterator[Finding]:
    """Yield what is wrong in an AdhocQueryRequest."""
    for option in select(request, "query:ResponseOption"):
        if option.get("returnType") not in ("LeafClass", "ObjectRef"):
            yield error(
                option,
                "the returnType is LeafClass or ObjectRef",
                "ITI TF-2: 3.18.4.1.2.4",
                option.get("returnType", ""),
                "LeafClass",
            )
        if option.get("returnComposedObjects") not in ("true", "1"):
            yield warning(
                option,
                "an answer is asked for with all its parts",
                "ITI TF-2: 3.18.4.1.2.4",
                option.get("returnComposedObjects", ""),
                'returnComposedObjects="true"',
            )
    for adhoc in select(request, "rim:AdhocQuery"):
        query = STORED_QUERIES.get(adhoc.get("id", ""))
        if query is None:
            yield error(
                f"{where(adhoc)}/@id",
                "a stored query is known",
                "ITI TF-2: 3.18.4.1.2.4",
                adhoc.get("id", ""),
                "the id of a stored query",
                "Take the id from the table of stored queries, in lower case.",
            )
            continue
        wanted = "ITI-51" if query.multi_patient else "ITI-18"
        if transaction in ("ITI-18", "ITI-51") and transaction != wanted:
            yield error(
                f"{where(adhoc)}/@id",
                "the queries of the two transactions do not know each other",
                "ITI TF-2: 3.51.4.1.3",
                f"{query.name} in {transaction}",
                f"{query.name} in {wanted}",
            )
        yield from _of_query(adhoc, query)


def transaction_of_query(request: etree._Element) -> str:
    """Which transaction the query of a bare AdhocQueryRequest belongs to."""
    ids = [one.get("id", "") for one in select(request, "rim:AdhocQuery")]
    several = any(id in STORED_QUERIES and STORED_QUERIES[id].multi_patient for id in ids)
    return "ITI-51" if several else "ITI-18"


def findings_in_retrieval(request: etree._Element, section: str) -> Iterator[Finding]:
    """Yield what is wrong in a RetrieveDocumentSetRequest or a RemoveDocumentsRequest."""
    seen = Counter()  # type: Counter[tuple[str, str]]
    for one in select(request, "xds:DocumentRequest"):
        said = {etree.QName(part).localname: (part.text or "").strip() for part in one}
        repository, document = said.get("RepositoryUniqueId", ""), said.get("DocumentUniqueId", "")
        if not is_oid(repository):
            yield error(
                one, "a repository is named by its OID", section, repository, "the entry's repositoryUniqueId"
            )
        if not document:
            yield error(one, "a document is named by its uniqueId", section, document, "the entry's uniqueId")
        home = said.get("HomeCommunityId", "")
        if home and not (home.startswith("urn:oid:") and is_oid(home.removeprefix("urn:oid:"))):
            yield error(one, "a home is urn:oid: and an OID", section, home, "urn:oid:2.999.1")
        seen[repository, document] += 1
        if seen[repository, document] == 2:
            yield note(one, "a document asked for twice comes once", section, document, "each document once")


def findings_in_removal(request: etree._Element) -> Iterator[Finding]:
    """Yield what is wrong in a RemoveObjectsRequest (RMD supplement: 3.62.4.1.2)."""
    if not select(request, "rim:ObjectRefList/rim:ObjectRef"):
        rule = "a removal names something"
        yield error(request, rule, "RMD supplement: 3.62.4.1.2", "no ObjectRef", "at least one rim:ObjectRef")
    for one in select(request, "rim:ObjectRefList/rim:ObjectRef"):
        if not is_uuid(one.get("id", "")):
            yield error(
                f"{where(one)}/@id",
                "objects are removed by their ids alone",
                "RMD supplement: 3.62.4.1.2",
                one.get("id", ""),
                "the entryUUID of a registered object",
            )


def _of_query(adhoc: etree._Element, query: StoredQuery) -> Iterator[Finding]:
    section = f"ITI TF-2: {query.section}"
    slots = select(adhoc, "rim:Slot")
    given = Counter(one.get("name", "") for one in slots)
    for slot in slots:
        name = slot.get("name", "")
        row = query.parameter(name)
        if row is None:
            yield warning(
                slot,
                "a parameter is one of its query",
                section,
                name,
                ", ".join(one.slot for one in query.parameters),
                "Leave it out, or spell it as the table has it; a registry passes over it.",
            )
            continue
        if given[name] > 1 and not row.conjoined:
            yield error(
                slot,
                "a Slot is repeated only where lists are ANDed",
                _SECTION,
                f"{given[name]} Slots {name}",
                "one",
                "Put all values into one Slot.",
            )
        yield from _of_values(slot, row)
        if row.excludes and given[row.excludes]:
            yield error(
                slot,
                "a parameter and its contrary are not given together",
                section,
                name,
                f"without {row.excludes}",
            )
    for row in query.parameters:
        if row.required and not given[row.slot]:
            yield error(
                adhoc,
                "what a query requires is there",
                section,
                f"no {row.slot}",
                row.slot,
                f'Add rim:Slot name="{row.slot}"; a registry answers XDSStoredQueryMissingParam.',
            )
    for word in {row.either for row in query.parameters if row.either}:
        alternatives = [row.slot for row in query.parameters if row.either == word]
        there = [name for name in alternatives if given[name]]
        if len(there) != 1:
            yield error(
                adhoc,
                "of alternatives exactly one is given",
                section,
                ", ".join(there),
                f"one of {', '.join(alternatives)}",
            )
    if query.narrowed_by and not any(given[name] for name in query.narrowed_by):
        yield error(
            adhoc, "something must narrow the search", section, "none of them", ", ".join(query.narrowed_by)
        )


def _of_values(slot: etree._Element, row: Parameter) -> Iterator[Finding]:
    values = select(slot, "rim:ValueList/rim:Value")
    if not values:
        yield error(
            slot, "a parameter has a value", _SECTION, f"{row.slot} without a value", "a value, or no Slot"
        )
    if len(values) > 1 and not row.many:
        yield error(
            slot, "a single parameter has one value in one Slot", _SECTION, f"{len(values)} values", "one"
        )
    for node in values:
        text = (node.text or "").strip()
        if len(text) > MAX_VALUE:
            yield warning(
                node,
                "a value has at most 256 characters",
                "ebRIM 3.0, XML schema",
                f"{len(text)} characters",
                "256 at most",
                "Divide the list among several Values of the same Slot.",
            )
        if row.match in (Match.FROM, Match.BEFORE, Match.METADATA_LEVEL):
            yield from _of_number(node, row, text)
        elif row.many and not _LIST.fullmatch(text):
            expected = "('value') or ('one','other')"
            yield error(
                node,
                "a parameter is spelled as its type wants",
                _SECTION,
                text,
                expected,
                "Write strings in single quotes, and lists of them in parentheses.",
            )
        elif not row.many and not _ONE.fullmatch(text):
            yield error(
                node,
                "a parameter is spelled as its type wants",
                _SECTION,
                text,
                "'value'",
                "Write the string in single quotes, without parentheses.",
            )
        else:
            for quoted in _ONE.findall(text):
                yield from _of_value(node, row, quoted[1:-1].replace("''", "'"))


def _of_number(node: etree._Element, row: Parameter, text: str) -> Iterator[Finding]:
    plain = text.strip("'")
    if row.match is Match.METADATA_LEVEL:
        if plain not in ("1", "2"):
            yield error(node, "a metadata level is 1 or 2", _SECTION, text, "1 or 2")
    elif not is_dtm(plain):
        yield error(
            node, "a parameter is spelled as its type wants", _SECTION, text, "a time such as 20240131"
        )


def _of_value(node: etree._Element, row: Parameter, value: str) -> Iterator[Finding]:
    expected = ""
    match row.match:
        case Match.ANY_CODE_OF if not _CODE.fullmatch(value):
            expected = "code^^scheme"
        case Match.STATUS_OF if value not in set(Status):
            expected = " or ".join(Status)
        case Match.TYPE_OF if value not in set(DocumentEntryType):
            expected = " or ".join(DocumentEntryType)
        case Match.ASSOCIATION_TYPES if value not in ASSOCIATION_TYPES:
            expected = "the whole URN of an association type"
        case Match.OBJECT_IDS if not is_uuid(value):
            expected = "an entryUUID"
        case _ if row.attribute == "patientId" and not is_cx(value):
            expected = "id^^^&OID&ISO"
        case _ if row.attribute in ("entryUUID", "logicalID") and not is_uuid(value):
            expected = "an entryUUID"
    if expected:
        yield error(node, "a parameter is spelled as its type wants", _SECTION, value, expected)
