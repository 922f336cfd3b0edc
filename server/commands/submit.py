"""`coffre submit`: documents in."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.commands import options
from server.commands.outcome import harmless, write_json

if TYPE_CHECKING:
    from client import Document, Metadata, Receipt, Speaker, SubmittedDocument

Text = str | None
Texts = list[str] | None


def submit(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="PDF, CDA or other XML, text, images.")
    ],
    patient: Annotated[Text, typer.Option(help="The patient's id: alone, or as ID^^^&OID&ISO.")] = None,
    type: Annotated[Text, typer.Option(help="What it is: laboratory, discharge..., or 11502-2.")] = None,
    title: Annotated[Text, typer.Option(help="The title; else the CDA's own, or the file's name.")] = None,
    replace: Annotated[
        Text, typer.Option(metavar="ID", help="Be a new version of that uniqueId or entryUUID.")
    ] = None,
    folder: Annotated[
        Text, typer.Option(help="Put all into a new folder of this title, or into that urn:uuid:.")
    ] = None,
    author: Annotated[Texts, typer.Option(help="Dr Anne Muller; may be repeated.")] = None,
    institution: Annotated[Texts, typer.Option(help="The author's organization.")] = None,
    role: Annotated[Texts, typer.Option(help="What the author is to the patient.")] = None,
    specialty: Annotated[Texts, typer.Option(help="The author's specialty.")] = None,
    class_: Annotated[Text, typer.Option("--class", help="The broad kind: reports, summaries...")] = None,
    format: Annotated[Text, typer.Option(help="The formatCode.")] = None,
    facility: Annotated[Text, typer.Option(help="Where care was given: hospital, pharmacy...")] = None,
    practice: Annotated[Text, typer.Option(help="In which specialty: cardiology, radiology...")] = None,
    content_type: Annotated[Text, typer.Option(help="The occasion: outpatient, emergency...")] = None,
    confidentiality: Annotated[Texts, typer.Option(help="normal, restricted, very restricted.")] = None,
    event: Annotated[Texts, typer.Option(help="A code of eventCodeList; may be repeated.")] = None,
    language: Annotated[Text, typer.Option(help="The document's language, e.g. de-LU.")] = None,
    created: Annotated[Text, typer.Option(help="When it was written, e.g. 2024-03-01T14:30.")] = None,
    service_start: Annotated[Text, typer.Option(help="When the care it tells of began.")] = None,
    service_stop: Annotated[Text, typer.Option(help="When that care ended.")] = None,
    comments: Annotated[Text, typer.Option(help="A remark for readers.")] = None,
    unique_id: Annotated[Text, typer.Option(help="The document's own id; else a fresh one.")] = None,
    mime_type: Annotated[Text, typer.Option(help="What it is, if its content does not tell.")] = None,
    source_patient: Annotated[Text, typer.Option(help="The patient's id where it comes from.")] = None,
    metadata: Annotated[
        Path | None, typer.Option(help="All this in a .toml or .json file; its keys are the options' names.")
    ] = None,
    user: options.As = None,
    assertion: options.Assertion = None,
    registry: options.RegistryUrl = None,
    repository: options.RepositoryUrl = None,
    ca: options.Authority = None,
    certificate: options.Certificate = None,
    key: options.Key = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Submit documents, all or none (Provide and Register Document Set-b [ITI-41]).

    What no option says is taken from --metadata, from the sidecar file (report.pdf.toml), from the header
    of a CDA, from the document that is replaced, and at last from what is usual for the type.

    \b
    Examples:
      coffre submit report.pdf --patient 1980010112345 --type laboratory
      coffre submit letter.pdf scan.png --patient 1980010112345 --type discharge --folder "Hospital stay"
      coffre submit report-corrected.pdf --replace 2.25.203...
    """
    from server.commands.display import progress_bar
    from server.commands.peers import Ourselves, Whom, peer

    texts = {
        "patient": patient, "type": type, "title": title, "author": author, "institution": institution,
        "role": role, "specialty": specialty, "class": class_, "format": format, "facility": facility,
        "practice": practice, "content-type": content_type, "confidentiality": confidentiality,
        "event": event, "language": language, "created": created, "service-start": service_start,
        "service-stop": service_stop, "comments": comments, "unique-id": unique_id,
        "mime-type": mime_type, "source-patient": source_patient,
    }  # fmt: skip
    whom, ourselves = Whom(user, assertion), Ourselves(ca, certificate, key)
    with peer(config, registry, repository, whom, ourselves) as one:
        documents = documents_of(files, given(texts), metadata, one.speaker)
        with progress_bar("Sending") as progress:
            receipt = one.coffre.submit(
                documents, replaces=replace or "", folder=folder or "", progress=progress
            )
    if as_json:
        write_json(_as_json(receipt))
    else:
        for line in receipt_lines(receipt):
            typer.echo(line)


def given(texts: Mapping[str, str | Sequence[str] | None]) -> dict[str, Sequence[str]]:
    """Those options that were given, each with a list of values."""
    return {key: [text] if isinstance(text, str) else text for key, text in texts.items() if text}


def documents_of(
    files: Sequence[Path], texts: Mapping[str, Sequence[str]], common: Path | None, speaker: "Speaker"
) -> list["Document"]:
    """Each file with what options, --metadata and its sidecar say; a sidecar is no document itself."""
    from client import BadMetadata, Document, read_metadata, sidecar_of

    said = read_metadata(texts, speaker)
    if common:
        said = said.or_else(_read(common, speaker))
    sidecars = {file: sidecar_of(file) for file in files}
    documents = [
        Document(file, said.or_else(_read(sidecar, speaker)) if sidecar else said)
        for file, sidecar in sidecars.items()
        if file not in sidecars.values()
    ]
    if len(documents) > 1 and said.unique_id:
        raise BadMetadata("one uniqueId cannot be that of several documents")
    return documents


def receipt_lines(receipt: "Receipt") -> Iterable[str]:
    """What was registered, for a person."""
    number = len(receipt.documents)
    yield f"Accepted: {number} {'document' if number == 1 else 'documents'}."
    for document in receipt.documents:
        yield from _document_lines(document)
    if receipt.replaced_entry_uuid:
        yield f"  Replaces {receipt.replaced_entry_uuid}, which is deprecated now."
    if receipt.folder_entry_uuid:
        yield f"  In folder {receipt.folder_entry_uuid}."
    for warning in receipt.warnings:
        yield f"  Warning {harmless(warning.code)}: {harmless(warning.context)}"


def _document_lines(document: "SubmittedDocument") -> Iterable[str]:
    from server.commands.display import name_of_code, size_in_words, title_of

    entry = document.entry
    size = size_in_words(int(entry.size or 0))
    yield f"  {title_of(entry)} ({name_of_code(entry.type_code)}, {entry.mime_type}, {size})"
    yield f"    uniqueId  {entry.unique_id}"
    if assumed := "; ".join(_assumed(document)):
        yield f"    assumed   {assumed} (options of these names say otherwise)"


def _assumed(document: "SubmittedDocument") -> Iterable[str]:
    """What nobody had said, by the option that says otherwise."""
    from client.metadata import CODED_KEYS, CODED_LIST_KEYS, TIME_KEYS
    from client.times import shown
    from server.commands.display import name_of_code

    entry = document.entry
    coded = {field: key for key, (field, _) in (*CODED_KEYS.items(), *CODED_LIST_KEYS.items())}
    options_of = coded | {field: key for key, field in TIME_KEYS.items()} | {"language_code": "language"}
    for field in document.assumed:
        value = getattr(entry, field, None)
        if field == "creation_time":
            yield f"{options_of[field]} {shown(value, None)}"
        elif value:
            codes = value if isinstance(value, tuple) else (value,)
            names = ", ".join(code if isinstance(code, str) else name_of_code(code) for code in codes)
            yield f"{options_of[field]} {names}"


def _read(sidecar: Path, speaker: "Speaker") -> "Metadata":
    from client import BadMetadata, read_metadata, read_sidecar

    texts = read_sidecar(sidecar)
    try:
        return read_metadata(texts, speaker)
    except BadMetadata as problem:
        raise BadMetadata(*(f"{sidecar}: {one}" for one in problem.problems)) from None


def _as_json(receipt: "Receipt") -> dict[str, Any]:
    from server.commands.display import entry_as_json

    documents = [
        {"path": str(one.path), "assumed": list(one.assumed), "entry": entry_as_json(one.entry)}
        for one in receipt.documents
    ]
    warnings = [{"code": one.code, "context": one.context} for one in receipt.warnings]
    return {
        "submissionSet": receipt.submission_set_unique_id,
        "documents": documents,
        "folder": receipt.folder_entry_uuid or None,
        "replaced": receipt.replaced_entry_uuid or None,
        "warnings": warnings,
    }
