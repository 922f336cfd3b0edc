"""`coffre find`: what there is of a patient."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from server.commands import options
from server.commands.outcome import harmless, write_json

if TYPE_CHECKING:
    from client import Speaker
    from ebxml.model import Code


class StatusName(StrEnum):
    """availabilityStatus, in a word (ITI TF-3: 4.2.3.2.2)."""

    APPROVED = "approved"
    DEPRECATED = "deprecated"
    ALL = "all"


Texts = list[str] | None


def find(
    patient: Annotated[str, typer.Option(help="The patient's id: alone, or as ID^^^&OID&ISO.")],
    type: Annotated[Texts, typer.Option(help="What it is; repeated, any of them.")] = None,
    class_: Annotated[Texts, typer.Option("--class", help="The broad kind.")] = None,
    format: Annotated[Texts, typer.Option(help="The formatCode.")] = None,
    facility: Annotated[Texts, typer.Option(help="Where care was given.")] = None,
    practice: Annotated[Texts, typer.Option(help="In which specialty.")] = None,
    confidentiality: Annotated[Texts, typer.Option(help="normal, restricted, very restricted.")] = None,
    event: Annotated[Texts, typer.Option(help="A code of eventCodeList.")] = None,
    author: Annotated[Texts, typer.Option(help="A part of the author's name.")] = None,
    since: Annotated[str | None, typer.Option(help="Created then or later: 2024-03-01, 2024, 7d...")] = None,
    until: Annotated[
        str | None, typer.Option(help="Created then or earlier, that day or year included.")
    ] = None,
    status: Annotated[
        StatusName, typer.Option(help="Replaced documents are deprecated.")
    ] = StatusName.APPROVED,
    everything: Annotated[bool, typer.Option("--all", help="The same as --status all.")] = False,
    user: options.As = None,
    assertion: options.Assertion = None,
    registry: options.RegistryUrl = None,
    ca: options.Authority = None,
    certificate: options.Certificate = None,
    key: options.Key = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Find a patient's documents, the newest first (Registry Stored Query [ITI-18], FindDocuments).

    \b
    Examples:
      coffre find --patient 1980010112345
      coffre find --patient 1980010112345 --type laboratory --since 2024-01 --until 2024-06
      coffre find --patient 1980010112345 --all --json
    """
    from client import Search, patient_id_of
    from client.people import patterns_of
    from client.times import since as first_moment
    from client.times import until as moment_after
    from ihe.object_types import Status
    from server.commands.display import console, entry_as_json, entry_table
    from server.commands.peers import Ourselves, Whom, peer

    status = StatusName.ALL if everything else status
    wanted = {
        StatusName.APPROVED: (Status.APPROVED,),
        StatusName.DEPRECATED: (Status.DEPRECATED,),
        StatusName.ALL: (Status.APPROVED, Status.DEPRECATED),
    }[status]
    with peer(config, registry, None, Whom(user, assertion), Ourselves(ca, certificate, key)) as one:
        speaker = one.speaker
        patient_id = patient_id_of(patient, speaker.assigning_authority)
        search = Search(
            status=wanted,
            type_code=_codes("typeCode", type, speaker),
            class_code=_codes("classCode", class_, speaker),
            format_code=_codes("formatCode", format, speaker),
            healthcare_facility_type_code=_codes("healthcareFacilityTypeCode", facility, speaker),
            practice_setting_code=_codes("practiceSettingCode", practice, speaker),
            confidentiality_code=_codes("confidentialityCode", confidentiality, speaker),
            event_code_list=_codes("eventCodeList", event, speaker),
            author=tuple(pattern for text in author or () for pattern in patterns_of(text)),
            created_from=first_moment(since, speaker.now) if since else None,
            created_before=moment_after(until, speaker.now) if until else None,
        )
        entries = one.coffre.find(patient_id, search)
    if as_json:
        write_json([entry_as_json(entry) for entry in entries])
    elif entries:
        console().print(entry_table(entries))
    else:
        typer.echo(f"No document of patient {harmless(patient_id.id)} was found.")


def _codes(attribute: str, texts: Texts, speaker: "Speaker") -> tuple["Code", ...]:
    return tuple(speaker.codes.resolve(attribute, text) for text in texts or ())
