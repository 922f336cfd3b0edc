"""Patient Registry Record Added, Revised, Duplicates Resolved, and their acknowledgement (ITI TF-2: 3.44)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import quoteattr

from lxml import etree

from hl7v2.datatypes import CX
from hl7v2.identifiers import PATIENT_ID_CHARACTERS
from ihe.namespaces import HL7

_NS = {"h": HL7}
_INTERACTIONS = "2.16.840.1.113883.1.6"
_DETAIL_CODES = "2.16.840.1.113883.5.1100"

# Where the ids stand, below the root of each interaction (ITI TF-2: 3.44.4.1.2.4, 3.44.4.2.2.4).
_EVENT = "controlActProcess/subject/registrationEvent"
PATIENT_PATH = f"{_EVENT}/subject1/patient/id"
REPLACED_PATH = f"{_EVENT}/replacementOf/priorRegistration/subject1/priorRegisteredRole/id"


@dataclass(frozen=True, slots=True)
class InstanceIdentifier:
    """An II: `root` is an OID or UUID, `extension` may be empty (HL7 V3 data types)."""

    root: str
    extension: str = ""


@dataclass(frozen=True, slots=True)
class RecordAdded:
    """What a registry takes from PRPA_IN201301UV02: ids; demographics need not be stored (3.44.4.1.3)."""

    message_id: InstanceIdentifier
    sender: InstanceIdentifier
    receiver: InstanceIdentifier
    patient_ids: tuple[CX, ...]


@dataclass(frozen=True, slots=True)
class DuplicatesResolved(RecordAdded):
    """What a registry takes from PRPA_IN201304UV02: surviving ids, and those they replace (3.44.4.2.2)."""

    replaced_ids: tuple[CX, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedError:
    """Why a feed message was not accepted; `code` is one of AcknowledgementDetailCode."""

    code: str
    text: str
    location: str = ""


def read_record_added(message: etree._Element) -> RecordAdded:
    """Read what can be read; what is missing comes out empty and `errors_in_record_added` names it."""
    return RecordAdded(*_ends_of(message), _ids(message, PATIENT_PATH))


def read_duplicates_resolved(message: etree._Element) -> DuplicatesResolved:
    """Read what can be read, `errors_in_duplicates_resolved` names the rest (ITI TF-2: 3.44.4.2.2)."""
    return DuplicatesResolved(
        *_ends_of(message), _ids(message, PATIENT_PATH), replaced_ids=_ids(message, REPLACED_PATH)
    )


def errors_in_record_added(
    record: RecordAdded, interaction: str = "PRPA_IN201301UV02"
) -> tuple[FeedError, ...]:
    """Every reason not to take the record (ITI TF-2: 3.44.4.1.2)."""
    root = f"/{interaction}"
    patient = f"{root}/{PATIENT_PATH}"
    errors = []
    if not record.message_id.root:
        errors.append(FeedError("SYN105", "the message has no id with a root", f"{root}/id"))
    if not record.sender.root:
        errors.append(FeedError("SYN105", "the sender's device has no id", f"{root}/sender/device/id"))
    if not record.receiver.root:
        errors.append(FeedError("SYN105", "the receiver's device has no id", f"{root}/receiver/device/id"))
    if not record.patient_ids:
        errors.append(FeedError("SYN105", "the record names no patient id", patient))
    errors.extend(_errors_in_ids(record.patient_ids, patient))
    return tuple(errors)


def errors_in_duplicates_resolved(merge: DuplicatesResolved) -> tuple[FeedError, ...]:
    """Every reason not to take the message: one id is replaced, no more and no less (3.44.4.2.2)."""
    interaction = "PRPA_IN201304UV02"
    replaced = f"/{interaction}/{REPLACED_PATH}"
    errors = [*errors_in_record_added(merge, interaction), *_errors_in_ids(merge.replaced_ids, replaced)]
    if len(merge.replaced_ids) != 1:
        text = f"the message names {len(merge.replaced_ids)} replaced ids, expected one"
        errors.append(FeedError("SYN105" if not merge.replaced_ids else "SYN102", text, replaced))
    return tuple(errors)


def write_record_added(
    message_id: str, at: datetime, patient_id: CX, name: tuple[str, str], sender: str, receiver: str
) -> bytes:
    """A feed message for one new patient; `name` is family and given, `sender` and `receiver` are OIDs."""
    family, given = (_text(part) for part in name)
    person = f"<name><family>{family}</family><given>{given}</given></name>"
    return _write("PRPA_IN201301UV02", message_id, at, patient_id, person, "", sender, receiver)


def write_duplicates_resolved(
    message_id: str, at: datetime, surviving: CX, replaced: CX, sender: str, receiver: str
) -> bytes:
    """A feed message that lets one patient's record be part of another's; ids as in `write_record_added`."""
    replacement = (
        '<replacementOf typeCode="RPLC"><priorRegistration classCode="REG" moodCode="EVN">'
        '<statusCode code="obsolete"/><subject1 typeCode="SBJ"><priorRegisteredRole classCode="PAT">'
        f"<id root={quoteattr(replaced.assigning_authority)} extension={quoteattr(replaced.id)}/>"
        "</priorRegisteredRole></subject1></priorRegistration></replacementOf>"
    )
    person = '<name nullFlavor="NA"/>'
    return _write("PRPA_IN201304UV02", message_id, at, surviving, person, replacement, sender, receiver)


def write_acknowledgement(
    message_id: str, at: datetime, record: RecordAdded, errors: tuple[FeedError, ...]
) -> bytes:
    """MCCI_IN000002UV01: CA when there is no error, CE with a detail for each otherwise (3.44.4.1.3)."""
    target = f"<id root={quoteattr(record.message_id.root)}"
    if record.message_id.extension:
        target += f" extension={quoteattr(record.message_id.extension)}"
    details = "".join(
        f'<acknowledgementDetail typeCode="E">'
        f'<code code={quoteattr(error.code)} codeSystem="{_DETAIL_CODES}"/>'
        f"<text>{_text(error.text)}</text><location>{_text(error.location)}</location></acknowledgementDetail>"
        for error in errors
    )
    return (
        f'<MCCI_IN000002UV01 xmlns="{HL7}" ITSVersion="XML_1.0">'
        + _wrapper("MCCI_IN000002UV01", message_id, at, "NE", record.receiver.root, record.sender.root)
        + f'<acknowledgement><typeCode code="{"CE" if errors else "CA"}"/>'
        f"<targetMessage>{target}/></targetMessage>{details}</acknowledgement></MCCI_IN000002UV01>"
    ).encode()


def read_acknowledgement(message: etree._Element) -> tuple[str, tuple[str, ...]]:
    """The type code (CA, CE, CR) and the texts of its details."""
    code = message.find("h:acknowledgement/h:typeCode", _NS)
    details = message.findall("h:acknowledgement/h:acknowledgementDetail/h:text", _NS)
    return (code.get("code", "") if code is not None else ""), tuple(
        "".join(map(str, detail.itertext())).strip() for detail in details
    )


def _write(
    interaction: str,
    message_id: str,
    at: datetime,
    patient_id: CX,
    person: str,
    replacement: str,
    sender: str,
    receiver: str,
) -> bytes:
    authority = quoteattr(patient_id.assigning_authority)
    return (
        f'<{interaction} xmlns="{HL7}" ITSVersion="XML_1.0">'
        + _wrapper(interaction, message_id, at, "AL", sender, receiver)
        + '<controlActProcess classCode="CACT" moodCode="EVN">'
        f'<code code="{interaction.replace("_IN", "_TE")}" codeSystem="{_INTERACTIONS}"/>'
        '<subject typeCode="SUBJ"><registrationEvent classCode="REG" moodCode="EVN">'
        '<id nullFlavor="NA"/><statusCode code="active"/>'
        '<subject1 typeCode="SBJ"><patient classCode="PAT">'
        f"<id root={authority} extension={quoteattr(patient_id.id)}/>"
        '<statusCode code="active"/><patientPerson classCode="PSN" determinerCode="INSTANCE">'
        f"{person}</patientPerson>"
        '<providerOrganization classCode="ORG" determinerCode="INSTANCE">'
        f'<id root={authority}/><contactParty classCode="CON"/></providerOrganization></patient></subject1>'
        '<custodian typeCode="CST"><assignedEntity classCode="ASSIGNED">'
        f"<id root={authority}/></assignedEntity></custodian>{replacement}"
        f"</registrationEvent></subject></controlActProcess></{interaction}>"
    ).encode()


def _ends_of(
    message: etree._Element,
) -> tuple[InstanceIdentifier, InstanceIdentifier, InstanceIdentifier]:
    return (
        _identifier(message, "h:id"),
        _identifier(message, "h:sender/h:device/h:id"),
        _identifier(message, "h:receiver/h:device/h:id"),
    )


def _ids(message: etree._Element, path: str) -> tuple[CX, ...]:
    found = message.findall("/".join(f"h:{step}" for step in path.split("/")), _NS)
    return tuple(CX.of(one.get("extension", ""), one.get("root", "")) for one in found)


def _errors_in_ids(ids: tuple[CX, ...], location: str) -> Iterator[FeedError]:
    for one in ids:
        if not (one.id and one.assigning_authority):
            yield FeedError("SYN102", "a patient id needs root and extension", location)
        elif len(one) > PATIENT_ID_CHARACTERS:
            text = f"a patient id has {len(one)} characters as CX, expected at most {PATIENT_ID_CHARACTERS}"
            yield FeedError("SYN102", text, location)


def _identifier(message: etree._Element, path: str) -> InstanceIdentifier:
    found = message.find(path, _NS)
    if found is None:
        return InstanceIdentifier("")
    return InstanceIdentifier(found.get("root", ""), found.get("extension", ""))


def _wrapper(
    interaction: str, message_id: str, at: datetime, accept_ack: str, sender: str, receiver: str
) -> str:
    return (
        f'<id root={quoteattr(message_id)}/><creationTime value="{at:%Y%m%d%H%M%S}"/>'
        f'<interactionId root="{_INTERACTIONS}" extension="{interaction}"/>'
        f'<processingCode code="P"/><processingModeCode code="T"/><acceptAckCode code="{accept_ack}"/>'
        + "".join(
            f'<{role} typeCode="{code}"><device classCode="DEV" determinerCode="INSTANCE">'
            f"<id root={quoteattr(oid)}/></device></{role}>"
            for role, code, oid in (("receiver", "RCV", receiver), ("sender", "SND", sender))
        )
    )


def _text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
