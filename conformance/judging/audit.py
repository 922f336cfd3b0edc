"""Audit messages: DICOM PS3.15 A.5, and what each transaction records (ITI TF-2: 3.20)."""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator

from lxml import etree

from conformance.judging.datatypes import is_named_cx
from conformance.judging.found import error, note, warning
from conformance.judging.schema import findings_of_schema
from conformance.results import Finding
from conformance.xml import select, where
from ihe.audit_events import (
    ALERT_DESCRIPTION,
    APPLICATION,
    APPLICATION_ACTIVITY,
    AUDIT_LOG_USED,
    AUDITED_TRANSACTIONS,
    DESTINATION,
    QUERY_ENCODING,
    REPOSITORY_UNIQUE_ID,
    SECURITY_ALERT,
    SOURCE,
    TRANSACTION_SYSTEM,
    USER_AUTHENTICATION,
    About,
    AuditedTransaction,
    ObjectKind,
)

_SCHEMA = "DICOM PS3.15 A.5.1"
# What each record has when its transaction succeeded; a patient is named only where the side knows him.
_ALWAYS = {About.SUBMISSION_SET, About.QUERY, About.DOCUMENT, About.REGISTRY_OBJECT}
_NAMES_ITS_PATIENT = ("ITI-8", "ITI-41", "ITI-42", "ITI-44", "ITI-57", "ITI-61", "ITI-92")
_WITH_TIME_ZONE = re.compile(r".*(Z|[+-]\d\d:\d\d)")


def findings_in_audit_message(root: etree._Element) -> Iterator[Finding]:
    """Yield what is wrong in an AuditMessage."""
    if select(root, ".//*[@code and not(@csd-code)]"):
        yield error(
            root,
            "a code stands in csd-code",
            _SCHEMA,
            "attributes code of RFC 3881",
            "csd-code",
            "Write audit messages as DICOM has them since 2010: csd-code, codeSystemName, originalText.",
        )
    yield from findings_of_schema(root, _SCHEMA)
    yield from _of_time_and_outcome(root)
    yield from _of_details(root)
    types = {one.get("csd-code", ""): one for one in select(root, "EventIdentification/EventTypeCode")}
    rows = [row for row in AUDITED_TRANSACTIONS if row.event_type.code in types]
    if rows:
        yield from _of_transaction(root, _row_of(root, rows), types)
    elif unknown := [code for code in types if code.startswith("ITI-")]:
        yield note(
            types[unknown[0]],
            "the transaction is one that is judged here",
            "ITI TF-2: 3.20.7",
            unknown[0],
            ", ".join(sorted({row.event_type.code for row in AUDITED_TRANSACTIONS})),
            "Nothing: its tables are not known here.",
        )
    else:
        yield from _of_other_event(root)


def _row_of(root: etree._Element, rows: list[AuditedTransaction]) -> AuditedTransaction:
    """The row whose action fits: a transaction may have several, for what it adds, changes and merges."""
    action = _event(root).get("EventActionCode", "")
    return next((row for row in rows if action in _actions(row)), rows[0])


def _actions(row: AuditedTransaction) -> set[str]:
    found = {str(row.client.action), str(row.server.action)}
    return found | {str(row.obsolete_action)} if row.obsolete_action else found


def _event(root: etree._Element) -> etree._Element:
    return next(iter(select(root, "EventIdentification")), root)


def _of_time_and_outcome(root: etree._Element) -> Iterator[Finding]:
    event = _event(root)
    time = event.get("EventDateTime", "")
    if time and not _WITH_TIME_ZONE.fullmatch(time):
        yield warning(
            f"{where(event)}/@EventDateTime", "a time says its zone", _SCHEMA, time, "a time with Z or +01:00"
        )
    if event.get("EventOutcomeIndicator", "0") != "0" and not select(event, "EventOutcomeDescription"):
        yield note(
            event,
            "what failed says why",
            "DICOM PS3.15 A.5.2",
            "no EventOutcomeDescription",
            "the reason in words",
        )
    if not select(root, "AuditSourceIdentification[@AuditSourceID!='']"):
        yield error(
            root, "a record names its source", _SCHEMA, "no AuditSourceID", "the name of the recording system"
        )


def _of_details(root: etree._Element) -> Iterator[Finding]:
    for one in select(root, "ParticipantObjectIdentification/ParticipantObjectDetail"):
        if _decoded(one.get("value", "")) is None:
            yield error(
                f"{where(one)}/@value",
                "the value of a detail is base64",
                _SCHEMA,
                one.get("value", ""),
                "the base64 of the text",
            )


def _decoded(text: str) -> bytes | None:
    try:
        return b64decode("".join(text.split()), validate=True)
    except (NotBase64, ValueError):
        return None


def _of_transaction(
    root: etree._Element, row: AuditedTransaction, types: dict[str, etree._Element]
) -> Iterator[Finding]:
    section = f"ITI TF-2: 3.{row.event_type.code.removeprefix('ITI-')}.5.1"
    said = types[row.event_type.code]
    for attribute, wanted in (
        ("codeSystemName", row.event_type.system),
        ("originalText", row.event_type.original_text),
    ):
        if said.get(attribute, "") != wanted:
            say = error if attribute == "codeSystemName" else warning
            yield say(
                f"{where(said)}/@{attribute}",
                "the event type names the transaction",
                section,
                said.get(attribute, ""),
                wanted,
            )
    event, ids = _event(root), {row.client.event_id, row.server.event_id}
    for one in select(event, "EventID"):
        if one.get("csd-code", "") not in {id.code for id in ids}:
            yield error(
                one,
                "the event id is that of the transaction",
                section,
                one.get("csd-code", ""),
                " or ".join(sorted(f"{id.code} {id.original_text}" for id in ids)),
            )
    if (action := event.get("EventActionCode", "")) not in _actions(row):
        yield error(
            f"{where(event)}/@EventActionCode",
            "the action is that of the transaction",
            section,
            action,
            " or ".join(sorted(_actions(row))),
        )
    if row.event_type.system == TRANSACTION_SYSTEM:
        yield from _of_sides(root, section)
    if event.get("EventOutcomeIndicator") == "0":
        for kind in row.objects:
            yield from _of_objects(root, row, kind, section)


def _of_sides(root: etree._Element, section: str) -> Iterator[Finding]:
    ends = []
    for role in (SOURCE, DESTINATION):
        found = select(root, f"ActiveParticipant[RoleIDCode/@csd-code='{role.code}']")
        ends += found
        if len(found) != 1:
            yield error(
                root,
                f"one participant is the {role.original_text}",
                section,
                f"{len(found)} participants",
                "one",
                f"Give one ActiveParticipant the RoleIDCode {role.code} of {role.system}.",
            )
        for one in found:
            if not one.get("NetworkAccessPointID") or not one.get("NetworkAccessPointTypeCode"):
                yield error(
                    one,
                    "a system says from where it speaks",
                    section,
                    "no network access point",
                    "NetworkAccessPointID, and 1 (name) or 2 (address) as its type",
                )
    if ends and not any(one.get("AlternativeUserID") for one in ends):
        yield warning(
            root,
            "the recording side names its process",
            section,
            "no AlternativeUserID",
            "the process id",
            "Write the process id as AlternativeUserID of the participant that is you.",
        )


def _of_objects(
    root: etree._Element, row: AuditedTransaction, kind: ObjectKind, section: str
) -> Iterator[Finding]:
    id_type = kind.id_type or row.event_type
    there = [
        one
        for one in select(root, "ParticipantObjectIdentification")
        if one.get("ParticipantObjectTypeCode") == kind.type_code
        and one.get("ParticipantObjectTypeCodeRole") == kind.role
    ]
    needed = kind.about in _ALWAYS or (
        kind.about is About.PATIENT and row.event_type.code in _NAMES_ITS_PATIENT
    )
    if needed and not there:
        yield error(
            root,
            f"the record names its {kind.about}",
            section,
            f"no {kind.about}",
            f"a ParticipantObjectIdentification of type {kind.type_code}, role {kind.role}",
        )
    for one in there:
        types = {found.get("csd-code", "") for found in select(one, "ParticipantObjectIDTypeCode")}
        if id_type.code not in types and kind.about not in (About.SUBMITTED_DOCUMENT, About.AUDIT_LOG):
            yield error(
                one,
                f"the id of a {kind.about} says of what kind it is",
                section,
                ", ".join(types),
                f"{id_type.code}, {id_type.system}, {id_type.original_text}",
            )
        yield from _of_object(one, kind, section)


def _of_object(one: etree._Element, kind: ObjectKind, section: str) -> Iterator[Finding]:
    details = {found.get("type", "").lower() for found in select(one, "ParticipantObjectDetail")}
    id = one.get("ParticipantObjectID", "")
    if kind.about is About.PATIENT and not is_named_cx(id):
        yield error(
            f"{where(one)}/@ParticipantObjectID", "a patient is named as CX", section, id, "id^^^&OID&ISO"
        )
    if kind.about is About.QUERY:
        queries = select(one, "ParticipantObjectQuery")
        decoded = _decoded(queries[0].text or "") if queries else None
        if not decoded or b"AdhocQuery" not in decoded:
            seen = (
                "no ParticipantObjectQuery"
                if not queries
                else (decoded or b"no base64").decode("utf-8", "replace")
            )
            yield error(one, "a query is kept whole", section, seen, "the base64 of the AdhocQueryRequest")
        if QUERY_ENCODING.lower() not in details:
            yield warning(
                one, "a query says its encoding", section, "no QueryEncoding", f"a detail {QUERY_ENCODING}"
            )
    if kind.about is About.DOCUMENT and REPOSITORY_UNIQUE_ID.lower() not in details:
        yield error(
            one,
            "a document says from which repository it is",
            section,
            "no Repository Unique Id",
            f"a detail {REPOSITORY_UNIQUE_ID} with the base64 of the OID",
        )
    if kind.life_cycle == "15" and one.get("ParticipantObjectDataLifeCycle") != "15":
        yield error(
            one,
            "what is removed is erased for good",
            section,
            one.get("ParticipantObjectDataLifeCycle", ""),
            'ParticipantObjectDataLifeCycle="15"',
        )


def _of_other_event(root: etree._Element) -> Iterator[Finding]:
    ids = {one.get("csd-code", "") for one in select(root, "EventIdentification/EventID")}
    types = {one.get("csd-code", "") for one in select(root, "EventIdentification/EventTypeCode")}
    if APPLICATION_ACTIVITY.code in ids:
        section = "DICOM PS3.15 A.5.3.1"
        if not types & {"110120", "110121"}:
            yield error(root, "an application starts or stops", section, ", ".join(types), "110120 or 110121")
        if len(select(root, f"ActiveParticipant[RoleIDCode/@csd-code='{APPLICATION.code}']")) != 1:
            yield error(
                root,
                "one participant is the application",
                section,
                "none or several",
                f"one with {APPLICATION.code}",
            )
    if USER_AUTHENTICATION.code in ids and not types & {"110122", "110123"}:
        yield error(
            root, "a user comes or goes", "DICOM PS3.15 A.5.3.11", ", ".join(types), "110122 or 110123"
        )
    alerts = f"ParticipantObjectIdentification/ParticipantObjectDetail[@type='{ALERT_DESCRIPTION}']"
    if (
        SECURITY_ALERT.code in ids
        and not select(root, alerts)
        and select(root, "ParticipantObjectIdentification")
    ):
        yield warning(
            root, "an alert says what happened", "DICOM PS3.15 A.5.3.10", "no detail", ALERT_DESCRIPTION
        )
    if AUDIT_LOG_USED.code in ids and not select(root, "ParticipantObjectIdentification"):
        yield error(
            root, "the log that was used is named", "DICOM PS3.15 A.5.3.2", "no object", "the URI of the log"
        )
