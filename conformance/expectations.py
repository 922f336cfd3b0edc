"""What a plan expects of an answer, word by word; every word that does not hold is a finding."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.answer import Answer, RegistryObject, values_of
from conformance.names import Names
from conformance.plan import BadPlan
from conformance.results import Finding, Severity
from ihe.associations import ASSOCIATION_TYPES

_STATUSES = {
    "Success": "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success",
    "PartialSuccess": "urn:ihe:iti:2007:ResponseStatusType:PartialSuccess",
    "Failure": "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Failure",
}
_ERROR = "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"
_TYPE_NAMES = {row.urn: row.name for row in ASSOCIATION_TYPES.values()}
_KINDS = {
    "documents": "DocumentEntry",
    "folders": "Folder",
    "sets": "SubmissionSet",
    "refs": "ObjectRef",
}
_OBJECT = re.compile(r"^(DocumentEntry|SubmissionSet|Folder|Association)\.")
# Of a list that is too long to read, so many ids are shown.
_SHOWN = 6


@dataclass
class Memory:
    """What a plan has submitted so far, by the names of the objects."""

    kinds: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """An answer, what is expected of it, and by which requirement."""

    answer: Answer
    expect: Mapping[str, Any]
    names: Names
    memory: Memory
    requirement: str
    section: str

    def wrong(self, where: str, seen: str, expected: str, fix: str) -> Finding:
        """One finding against the plan's requirement."""
        return Finding(Severity.ERROR, where, self.requirement, self.section, seen, expected, fix)


def findings_in(question: Question) -> Iterator[Finding]:
    """Yield what is not as the plan expects; a word that nobody knows is a fault of the plan."""
    if _is_fault_instead(question):
        return
    for word in question.expect:
        if word == "or_fault":
            continue
        if word not in _WORDS:
            raise BadPlan(f"{question.names.plan}: {word!r} is no expectation")
        yield from _WORDS[word](question)


def _is_fault_instead(question: Question) -> bool:
    fault = question.answer.fault
    return bool(question.expect.get("or_fault") and fault and fault.code == "Sender")


def _status(question: Question) -> Iterator[Finding]:
    words = str(question.expect["status"]).split("|")
    seen = question.answer.status
    if seen not in [_STATUSES[word] for word in words]:
        yield question.wrong(
            "/soap:Envelope/soap:Body/*/@status",
            _seen(question.answer),
            " or ".join(_STATUSES[word] for word in words),
            "Answer with this status; errors of content are told in a RegistryErrorList, not as a fault.",
        )


def _errors(question: Question) -> Iterator[Finding]:
    """Each wanted code (A|B is either) is there, and no error of another code."""
    seen = [error.code for error in question.answer.errors if error.severity == _ERROR]
    wanted = [str(one).split("|") for one in question.expect["errors"]]
    where = "/soap:Envelope/soap:Body//rs:RegistryErrorList/rs:RegistryError/@errorCode"
    for codes in wanted:
        if not set(codes) & set(seen):
            yield question.wrong(
                where,
                ", ".join(seen) or _seen(question.answer),
                " or ".join(codes),
                "Report this error code.",
            )
    allowed = {code for codes in wanted for code in codes}
    if others := set(seen) - allowed:
        yield question.wrong(
            where,
            ", ".join(sorted(others)),
            ", ".join(sorted(allowed)) or "no error",
            "Report no other error.",
        )


def _only_errors(question: Question) -> Iterator[Finding]:
    """Where there are errors, they are of these codes; a success is as good."""
    seen = {error.code for error in question.answer.errors if error.severity == _ERROR}
    if others := seen - set(question.expect["only_errors"]):
        yield question.wrong(
            "//rs:RegistryError/@errorCode",
            ", ".join(sorted(others)),
            ", ".join(question.expect["only_errors"]),
            "Report no other error.",
        )


def _warnings(question: Question) -> Iterator[Finding]:
    seen = [error.code for error in question.answer.errors if error.severity != _ERROR]
    if sorted(seen) != sorted(question.expect["warnings"]):
        yield question.wrong(
            "//rs:RegistryError/@errorCode",
            ", ".join(seen) or "no warning",
            ", ".join(question.expect["warnings"]) or "no warning",
            "Report these warnings and no others.",
        )


def _says(question: Question) -> Iterator[Finding]:
    """The errors' codeContext or location names this; of alternatives with | one is enough."""
    wanted = question.expect["says"]
    told = " ".join(f"{one.context} {one.location}" for one in question.answer.errors)
    fault = question.answer.fault
    told = f"{told} {fault.reason}" if fault else told
    for text in [wanted] if isinstance(wanted, str) else wanted:
        # An attribute's name is enough, whichever object it is of.
        names = [_OBJECT.sub("", one).lower() for one in str(text).split("|")]
        if not any(name in told.lower() for name in names):
            yield question.wrong(
                "//rs:RegistryError/@codeContext",
                told.strip() or "nothing",
                f"a text that names {text}",
                "Name in codeContext what the error is about, so that its sender can find it.",
            )


def _location(question: Question) -> Iterator[Finding]:
    seen = sorted(one.location for one in question.answer.errors)
    if seen != sorted(question.expect["location"]):
        yield question.wrong(
            "//rs:RegistryError/@location",
            ", ".join(seen) or "nothing",
            ", ".join(question.expect["location"]),
            "Give one error for each document that is not returned, with its uniqueId as location.",
        )


def _fault(question: Question) -> Iterator[Finding]:
    wanted, seen = question.expect["fault"], question.answer.fault
    if seen is None:
        yield question.wrong(
            "/soap:Envelope/soap:Body",
            _seen(question.answer),
            f"a SOAP fault {wanted}",
            "Answer with a SOAP fault.",
        )
        return
    for part, text in (("code", seen.code), ("subcode", seen.subcode)):
        if part in wanted and text not in str(wanted[part]).split("|"):
            yield question.wrong(
                f"/soap:Envelope/soap:Body/soap:Fault/soap:Code//soap:Value ({part})",
                text or "nothing",
                str(wanted[part]),
                "Use the fault code that SOAP 1.2, WS-Addressing or WS-Security gives to this.",
            )


def _http(question: Question) -> Iterator[Finding]:
    wanted = question.expect["http"]
    if question.answer.http not in (wanted if isinstance(wanted, list) else [wanted]):
        yield question.wrong(
            "HTTP status", str(question.answer.http), str(wanted), "Answer with this status."
        )


def _ack(question: Question) -> Iterator[Finding]:
    path = "//hl7:MCCI_IN000002UV01/hl7:acknowledgement/hl7:typeCode/@code"
    seen = question.answer.text(path)
    if seen not in str(question.expect["ack"]).split("|"):
        yield question.wrong(
            path,
            seen or _seen(question.answer),
            str(question.expect["ack"]),
            "Acknowledge with this typeCode.",
        )


def _objects(word: str) -> Callable[[Question], Iterator[Finding]]:
    """Exactly these objects of a kind are there."""

    def check(question: Question) -> Iterator[Finding]:
        kind = _KINDS[word]
        wanted = {question.names.uuid(name): name for name in question.expect[word]}
        seen = [one.id for one in question.answer.objects if one.kind == kind]
        yield from _compared(question, kind, wanted, seen)

    return check


def _associations(question: Question) -> Iterator[Finding]:
    """Exactly these Associations are there, as "source TYPE target" of named objects."""
    names = _names_by_id(question)
    seen = []
    for one in question.answer.objects:
        if one.kind == "Association":
            names[one.id] = f"({_association(one, names)})"
    for one in question.answer.objects:
        if one.kind == "Association":
            seen.append(_association(one, names))
    wanted = {one: one for one in question.expect["associations"]}
    yield from _compared(question, "Association", wanted, seen)


def _compared(question: Question, kind: str, wanted: Mapping[str, str], seen: list[str]) -> Iterator[Finding]:
    where = "/soap:Envelope/soap:Body/query:AdhocQueryResponse/rim:RegistryObjectList"
    if missing := [name for id, name in wanted.items() if id not in seen]:
        yield question.wrong(
            where,
            f"{len(seen)} {kind}, without {_some(missing)}" if seen else _seen(question.answer),
            f"the {kind} {_some(missing)}",
            "Return every object that the query asks for.",
        )
    known = _names_by_id(question)
    if surplus := [known.get(id, id) for id in seen if id not in wanted]:
        yield question.wrong(
            where,
            f"{kind} {_some(surplus)}",
            f"only {_some(list(wanted.values()))}" if wanted else f"no {kind}",
            "Return nothing that the query does not ask for.",
        )
    if len(set(seen)) != len(seen):
        yield question.wrong(where, "one object twice", "each object once", "Return each object once.")


def _count(question: Question) -> Iterator[Finding]:
    seen = len(question.answer.objects)
    if seen != question.expect["count"]:
        yield question.wrong(
            "//rim:RegistryObjectList",
            f"{seen} objects" if question.answer.fault is None else _seen(question.answer),
            f"{question.expect['count']} objects",
            "Return exactly what the query asks for.",
        )


def _has(question: Question) -> Iterator[Finding]:
    ids = {one.id for one in question.answer.objects}
    for name in question.expect["has"]:
        if question.names.uuid(name) not in ids:
            yield question.wrong(
                "//rim:RegistryObjectList",
                f"{len(ids)} objects without {name}",
                f"{name} ({question.names.uuid(name)})",
                "Return this object too.",
            )


def _lacks(question: Question) -> Iterator[Finding]:
    ids = {one.id for one in question.answer.objects}
    for name in question.expect["lacks"]:
        if question.names.uuid(name) in ids:
            yield question.wrong("//rim:RegistryObjectList", name, f"nothing of {name}", "Do not return it.")


def _values(question: Question) -> Iterator[Finding]:
    """Attributes of objects by name: "document.classCode" is this, these in any order, or absent ([])."""
    by_id = {one.id: one for one in question.answer.objects}
    for place, wanted in question.expect["values"].items():
        name, _, attribute = place.rpartition(".")
        found = by_id.get(question.names.uuid(name))
        if found is None:
            yield question.wrong(
                "//rim:RegistryObjectList", f"no {name}", f"{name} with {attribute}", "Return it."
            )
            continue
        seen = values_of(found.node, found.kind, attribute)
        expected = [str(one) for one in (wanted if isinstance(wanted, list) else [wanted])]
        if sorted(seen) != sorted(expected):
            yield question.wrong(
                f"//*[@id='{found.id}'] {attribute}",
                ", ".join(seen) or "nothing",
                ", ".join(expected) or "nothing",
                f"Return {attribute} with this value.",
            )


def _same(question: Question) -> Iterator[Finding]:
    """Every attribute of these objects comes back as it was submitted."""
    by_id = {one.id: one for one in question.answer.objects}
    for name in question.expect["same"]:
        submitted = question.memory.attributes[name]
        found = by_id.get(str(submitted["entryUUID"]))
        if found is None:
            yield question.wrong("//rim:RegistryObjectList", f"no {name}", name, "Return it.")
            continue
        for attribute, value in submitted.items():
            expected = [_shown(attribute, one) for one in (value if isinstance(value, list) else [value])]
            seen = values_of(found.node, found.kind, attribute)
            if sorted(seen) != sorted(expected):
                yield question.wrong(
                    f"//*[@id='{found.id}'] {attribute}",
                    ", ".join(seen) or "nothing",
                    ", ".join(expected),
                    "Return what was submitted, unchanged.",
                )


def _retrieved(question: Question) -> Iterator[Finding]:
    """Exactly these documents came, each byte by byte and with its mimeType."""
    seen = question.answer.documents
    wanted = {question.names.oid(name): name for name in question.expect["retrieved"]}
    where = "//xds:DocumentResponse"
    for unique_id, name in wanted.items():
        if unique_id not in seen:
            yield question.wrong(
                where, _seen(question.answer), f"the document {name}", "Return this document."
            )
            continue
        mime_type, content = seen[unique_id]
        submitted = question.memory.contents[name]
        if content != submitted:
            yield question.wrong(
                f"{where}[xds:DocumentUniqueId='{unique_id}']/xds:Document",
                f"{len(content)} bytes, other ones",
                f"the {len(submitted)} bytes that were provided",
                "Return the document byte by byte as it came.",
            )
        expected = str(question.memory.attributes[name]["mimeType"])
        if mime_type != expected:
            yield question.wrong(
                f"{where}/xds:mimeType", mime_type, expected, "Return the mimeType of the metadata."
            )
    if surplus := set(seen) - set(wanted):
        yield question.wrong(
            where, _some(sorted(surplus)), "no other document", "Return only what was asked for."
        )


def _matches(question: Question) -> Iterator[Finding]:
    """XPaths that are true of the envelope."""
    for path in question.expect["matches"]:
        from conformance.xml import PREFIXES

        if question.answer.envelope.xpath(f"boolean({path})", namespaces=PREFIXES) is not True:
            yield question.wrong(path, "this is not so", "this is so", "Answer so that this XPath holds.")


_WORDS: Mapping[str, Callable[[Question], Iterator[Finding]]] = {
    "status": _status,
    "errors": _errors,
    "only_errors": _only_errors,
    "warnings": _warnings,
    "says": _says,
    "location": _location,
    "fault": _fault,
    "http": _http,
    "ack": _ack,
    "documents": _objects("documents"),
    "folders": _objects("folders"),
    "sets": _objects("sets"),
    "refs": _objects("refs"),
    "associations": _associations,
    "count": _count,
    "has": _has,
    "lacks": _lacks,
    "values": _values,
    "same": _same,
    "retrieved": _retrieved,
    "matches": _matches,
}
WORDS = frozenset(_WORDS) | {"or_fault"}


def _names_by_id(question: Question) -> dict[str, str]:
    return {question.names.uuid(name): name for name in question.memory.kinds}


def _association(one: RegistryObject, names: Mapping[str, str]) -> str:
    source, target = one.node.get("sourceObject", ""), one.node.get("targetObject", "")
    urn = one.node.get("associationType", "")
    return f"{names.get(source, source)} {_TYPE_NAMES.get(urn, urn)} {names.get(target, target)}"


def _shown(attribute: str, value: Any) -> str:
    if isinstance(value, dict):
        said = {part: one if isinstance(one, list) else [one] for part, one in value.items()}
        order = (
            "authorPerson",
            "authorInstitution",
            "authorRole",
            "authorSpecialty",
            "authorTelecommunication",
        )
        return ";".join(f"{part}={','.join(said[part])}" for part in order if part in said)
    text = str(value)
    if "^" in text and attribute.endswith(("Code", "CodeList", "codeList")) and text.count("^") == 2:
        code, _, scheme = text.split("^")
        return f"{code}^^{scheme}"
    return text


def _seen(answer: Answer) -> str:
    if fault := answer.fault:
        return f"a SOAP fault {fault.code} {fault.subcode}: {fault.reason}"
    if answer.status:
        errors = "; ".join(f"{error.code}: {error.context}" for error in answer.errors[:_SHOWN])
        return f"{answer.status.rpartition(':')[2]} {errors}".strip()
    content = answer.content
    return f"HTTP {answer.http}" if content is None else str(content.tag)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
