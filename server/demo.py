"""The main job end to end, by the real server and the real client."""

import filecmp
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import httpx2
from rich import box
from rich.table import Table
from rich.text import Text

from client import Document, FetchedDocument, Receipt, Search, SubmittedDocument, patient_id_of, read_metadata
from ihe.object_types import Status
from ihe.transactions import ITI_18, ITI_41, ITI_43, ITI_44_ADD
from server.commands.audit import audit_table, latest
from server.commands.display import (
    console,
    entry_table,
    name_of_code,
    size_in_words,
    status_of,
    title_of,
)
from server.commands.idp import LOCAL_PROVIDER, SYSTEM_USER, name_in_configuration
from server.commands.outcome import ExitCode, Trouble, harmless
from server.commands.peers import Peer, Whom, peer_of
from server.commands.serving import write_configuration
from server.configuration import load
from server.local_provider import LocalUser, add_system_user, add_user, create_provider
from server.settings import Configuration
from server.story import Story

# On two shared cores a server is up in a second or two; CI machines have been seen to take ten.
START_TIMEOUT_SECONDS = 60
# Between two looks at whether it is.
LOOK_SECONDS = 0.05
# The server finishes what it has accepted, and there is nothing large.
STOP_TIMEOUT_SECONDS = 30
# What of its log says why a server did not start.
LOG_LINES = 15
# More than one demo writes.
MOST_AUDIT_RECORDS = 50

PATIENT = "DEMO-1"
USER = "pweber"
LETTER = "lettre_de_sortie.pdf"
CORRECTED_LETTER = "lettre_de_sortie_corrigee.pdf"
REPORT = "compte_rendu_de_laboratoire.xml"


def run(directory: Path) -> None:
    """Do and tell every step; raises Trouble at the first that fails."""
    begun = time.monotonic()
    story = Story(console())
    story.title("Coffre demo: two real documents, all the way in and out again")
    with story.step("A platform of its own"):
        configuration = _prepare(story, directory)
        server = _start(directory, configuration)
    with _stopping(server), peer_of(configuration, whom=Whom(USER)) as peer:
        with story.step("It is ready"):
            _wait_until_ready(story, server, configuration, directory)
        with story.step("A patient"):
            _add_patient(story, peer)
        with story.step("A discharge letter, as PDF"):
            letter = _submit_letter(story, peer, directory)
        with story.step("A laboratory report, as CDA"):
            report = _submit_report(story, peer, directory)
        with story.step("The letter had an error: a new version"):
            corrected = _replace_letter(story, peer, directory, letter)
        with story.step("What is there of the patient?"):
            _find(story, peer)
        submitted = (*letter.documents, *report.documents, *corrected.documents)
        with story.step("The documents, out again"):
            fetched = _fetch(story, peer, directory, submitted)
        with story.step("Are they the same?"):
            _compare(story, submitted, fetched)
        with story.step("Who did what?"):
            _show_audit(story, configuration)
    story.end(f"Done in {time.monotonic() - begun:.1f} seconds: every document came back byte for byte.")


def _prepare(story: Story, directory: Path) -> Configuration:
    story.command(f"init {directory}")
    file = write_configuration(directory)
    story.command(f"idp init --config {file}")
    create_provider(directory / LOCAL_PROVIDER)
    add_system_user(directory / LOCAL_PROVIDER, SYSTEM_USER)
    name_in_configuration(file, LOCAL_PROVIDER)
    story.command(f'idp user add {USER} --name "Dr Paul Weber" --organization "Hôpital de la Vallée"')
    add_user(
        directory / LOCAL_PROVIDER,
        USER,
        LocalUser(name="Dr Paul Weber", organization="Hôpital de la Vallée"),
    )
    story.say(
        "Every request is made for a user whom an identity provider vouches for [ITI-40]; this one is local."
    )
    material = directory / "documents-to-submit"
    material.mkdir()
    for name in (LETTER, CORRECTED_LETTER, REPORT):
        content = (resources.files("server") / "demo_material" / name).read_bytes()
        (material / name).write_bytes(content)
    # The demo is the same for everyone: what the environment says holds for other servers.
    return load(file, {"COFFRE_SERVER__PORT": str(_free_port())})


def _start(directory: Path, configuration: Configuration) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-m",
        "server.command_line",
        "serve",
        "--config",
        str(directory / "coffre.toml"),
    ]
    command += ["--port", str(configuration.server.port)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COFFRE_")}
    with (directory / "server.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment)  # noqa: S603  # our own program


def _wait_until_ready(
    story: Story, server: subprocess.Popen[bytes], configuration: Configuration, directory: Path
) -> None:
    address = configuration.address
    story.command(f"serve --config {directory / 'coffre.toml'} --port {configuration.server.port}")
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not _is_ready(address):
        if server.poll() is not None or time.monotonic() > deadline:
            lines = (directory / "server.log").read_text(encoding="utf-8", errors="replace").splitlines()
            raise Trouble(
                ExitCode.CONFIGURATION,
                "The server did not become ready. The end of its log:",
                details=[(line, "") for line in lines[-LOG_LINES:]],
            )
        time.sleep(LOOK_SECONDS)
    story.say(f"Document Registry    {address}/registry")
    story.say(f"Document Repository  {address}/repository")
    story.say(f"Both run as process {server.pid}, with SQLite and plain directories under {directory}.")


def _add_patient(story: Story, peer: Peer) -> None:
    story.command(f"patient add {PATIENT} --family Schmit --given Anne")
    patient_id = patient_id_of(PATIENT, peer.speaker.assigning_authority)
    peer.coffre.add_patient(patient_id, "Schmit", "Anne")
    story.sent(ITI_44_ADD, f"accepted {patient_id}")
    story.say("A registry takes documents of patients it knows only; it keeps the id and not the name.")


def _submit_letter(story: Story, peer: Peer, directory: Path) -> Receipt:
    story.command(
        f'submit {LETTER} --as {USER} --patient {PATIENT} --type discharge --title "Lettre de sortie" '
        '--author "Dr Paul Weber" --institution "Hôpital de la Vallée" --created 2026-03-06T10:15'
    )
    said = {
        "patient": [PATIENT],
        "type": ["discharge"],
        "title": ["Lettre de sortie"],
        "author": ["Dr Paul Weber"],
        "institution": ["Hôpital de la Vallée"],
        "created": ["2026-03-06T10:15"],
    }
    path = directory / "documents-to-submit" / LETTER
    receipt = peer.coffre.submit([Document(path, read_metadata(said, peer.speaker))])
    _show_receipt(story, receipt)
    story.say("The repository hashed and stored it, then registered it by Register Document Set-b [ITI-42].")
    return receipt


def _submit_report(story: Story, peer: Peer, directory: Path) -> Receipt:
    story.command(f"submit {REPORT} --as {USER}")
    receipt = peer.coffre.submit([Document(directory / "documents-to-submit" / REPORT)])
    _show_receipt(story, receipt)
    story.say("Nothing had to be typed: patient, type, title, author and times were read from its header.")
    return receipt


def _replace_letter(story: Story, peer: Peer, directory: Path, letter: Receipt) -> Receipt:
    replaced = letter.documents[0].entry.unique_id or ""
    story.command(f"submit {CORRECTED_LETTER} --as {USER} --replace {replaced} --created 2026-03-06T16:40")
    path = directory / "documents-to-submit" / CORRECTED_LETTER
    said = read_metadata({"created": ["2026-03-06T16:40"]}, peer.speaker)
    receipt = peer.coffre.submit([Document(path, said)], replaces=replaced)
    _show_receipt(story, receipt)
    story.say("What is not said is taken from the letter that it replaces, which is deprecated now.")
    return receipt


def _show_receipt(story: Story, receipt: Receipt) -> None:
    entry = receipt.documents[0].entry
    size = size_in_words(int(entry.size or 0))
    story.sent(ITI_41, f"accepted {title_of(entry)!r} ({name_of_code(entry.type_code)}, {size})")


def _find(story: Story, peer: Peer) -> None:
    story.command(f"find --as {USER} --patient {PATIENT} --all")
    patient_id = patient_id_of(PATIENT, peer.speaker.assigning_authority)
    entries = peer.coffre.find(patient_id, Search(status=(Status.APPROVED, Status.DEPRECATED)))
    story.sent(ITI_18, f"FindDocuments, {len(entries)} documents")
    story.show(entry_table(entries))
    found = sorted(status_of(entry) for entry in entries)
    if found != ["Approved", "Approved", "Deprecated"]:
        raise Trouble(
            ExitCode.DAMAGED, f"Expected two approved documents and a deprecated one, found {found}."
        )


def _fetch(
    story: Story, peer: Peer, directory: Path, submitted: Sequence[SubmittedDocument]
) -> tuple[FetchedDocument, ...]:
    story.command(
        f"fetch --as {USER} " + " ".join(one.entry.unique_id or "" for one in submitted) + " -o fetched"
    )
    fetched = peer.coffre.fetch([one.entry.entry_uuid for one in submitted], directory / "fetched")
    story.sent(ITI_43, f"{len(fetched)} documents, {size_in_words(sum(one.size_bytes for one in fetched))}")
    story.say("The deprecated letter too: who acted on it must be able to show what it said.")
    return fetched


def _compare(
    story: Story, submitted: Sequence[SubmittedDocument], fetched: Sequence[FetchedDocument]
) -> None:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in ("Submitted", "Fetched", "SHA-1", "Same bytes"):
        table.add_column(heading, overflow="fold")
    same = []
    for sent, came in zip(submitted, fetched, strict=True):
        same.append(filecmp.cmp(sent.path, came.path, shallow=False) and came.sha1 == sent.entry.hash)
        verdict = Text("yes", "green") if same[-1] else Text("NO", "bold red")
        table.add_row(sent.path.name, harmless(came.path.name), f"{came.sha1[:12]}...", verdict)
    story.show(table)
    if not all(same):
        raise Trouble(ExitCode.DAMAGED, "A document came back with other bytes.")


def _show_audit(story: Story, configuration: Configuration) -> None:
    story.command("audit tail")
    records = latest(configuration, MOST_AUDIT_RECORDS)
    if not records:
        raise Trouble(ExitCode.DAMAGED, "The server wrote no audit record.")
    story.show(audit_table(records))
    story.say("Each record was on the disk before its answer went out.")


@contextmanager
def _stopping(server: subprocess.Popen[bytes]) -> Iterator[None]:
    """Whatever happens, no server stays behind."""
    try:
        yield
    finally:
        server.terminate()
        try:
            server.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
            raise Trouble(
                ExitCode.INTERNAL, f"The server did not stop within {STOP_TIMEOUT_SECONDS} seconds."
            ) from None


def _is_ready(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/readyz").is_success
    except httpx2.TransportError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
