"""The command line as a person and as a script meets it: words, JSON and statuses."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from server.command_line import main
from tests.client.answers import answering
from tests.house.tree import PROGRAMS
from tests.services.platform import Platform, running
from tests.services.ports import free_port
from tests.wire import envelope

COMMANDS = (
    *((name,) for name in ("init", "serve", "migrate", "submit", "find", "fetch", "demo")),
    ("patient", "add"),
    ("codes", "list"),
    ("codes", "import"),
    ("idp", "init"),
    ("idp", "user", "add"),
    ("idp", "token"),
    ("audit", "tail"),
    ("audit", "search"),
    ("audit", "diagnose"),
    ("audit", "verify"),
    ("audit", "checkpoint"),
    ("audit", "reconcile"),
)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """A server with the configuration that the product comes with."""
    with running(tmp_path_factory.mktemp("shipped"), toml="") as one:
        yield one


class Shell:
    """Runs `coffre` against one server: all of it but the process, which costs more than the command."""

    def __init__(self, platform: Platform, directory: Path, monkeypatch, capfd) -> None:
        self.directory = directory
        self._monkeypatch = monkeypatch
        self._capfd = capfd
        for name in set(os.environ) - set(clean_environment()):
            monkeypatch.delenv(name)
        monkeypatch.setenv("COFFRE_REGISTRY", platform.url)
        monkeypatch.setenv("COFFRE_REPOSITORY", platform.url)
        monkeypatch.chdir(directory)

    def __call__(self, *words: str, status: int = 0, **environment: str) -> str:
        """What it prints: on stdout if all went well or JSON was asked for, else on stderr."""
        with self._monkeypatch.context() as changed:
            changed.setattr(sys, "argv", ["coffre", *words])
            for name, value in environment.items():
                changed.setenv(name, value)
            try:
                main()
                ended = 0
            except SystemExit as end:
                ended = int(end.code or 0)
        out, err = map(str, self._capfd.readouterr())
        assert ended == status, (out, err)
        return out if not status or "--json" in words else err

    def json(self, *words: str, status: int = 0):
        return json.loads(self(*words, "--json", status=status))


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("COFFRE_")}


@pytest.fixture
def coffre(shipped, tmp_path, monkeypatch, capfd) -> Shell:
    return Shell(shipped, tmp_path, monkeypatch, capfd)


@pytest.fixture
def patient(coffre) -> str:
    patient_id = uuid4().hex
    coffre("patient", "add", patient_id, "--family", "Schmit", "--given", "Anne")
    return patient_id


@pytest.fixture
def pdf(tmp_path) -> Path:
    (tmp_path / "blood.pdf").write_bytes(b"%PDF-1.4\r\n")
    return Path("blood.pdf")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_help_of_a_command_shows_an_example(coffre, words):
    assert f"coffre {' '.join(words)}" in coffre(*words, "--help").partition("Example")[2]


def test_the_help_lists_every_exit_status(coffre):
    shown = coffre("--help").partition("Exit status:")[2]
    assert re.findall(r"^ +(\d+)  \S", shown, re.MULTILINE) == [
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "70",
        "130",
    ]


def test_help_imports_nothing_that_takes_long():
    """Completion asks for it at every keystroke."""
    program = (
        "import sys; sys.argv = ['coffre', '--help']\n"
        "from server.command_line import main\n"
        "try: main()\n"
        "except SystemExit: print(*{'httpx2', 'lxml', 'pydantic', 'rich', 'sqlalchemy'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert shown.splitlines()[-1] == ""


def test_init_writes_a_configuration_that_serve_and_migrate_take(coffre):
    assert "coffre serve --config data/coffre.toml" in coffre("init", "data")
    assert "data/coffre.toml is there already" in coffre("init", "data", status=6)
    coffre("init", "data", "--force")
    assert coffre("migrate", "--config", "data/coffre.toml").startswith("The database stands at revision")
    assert (coffre.directory / "data" / "coffre.db").exists()


def test_a_configuration_that_is_wrong_is_refused_with_file_and_line(coffre):
    (coffre.directory / "bad.toml").write_text("[server]\nprot = 1\n")
    assert "bad.toml:2: server.prot: unknown key, did you mean port?" in coffre(
        "serve", "--config", "bad.toml", status=4
    )
    assert "COFFRE_PROT: unknown variable" in coffre("migrate", status=4, COFFRE_PROT="1")
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    assert "The database cannot be used" in coffre("migrate", status=4, COFFRE_DATABASE_URL=url)


def test_a_port_in_use_is_said_to_be(coffre, shipped):
    coffre("init", "data")
    port = shipped.url.rpartition(":")[2]
    words = [PROGRAMS / "coffre", "serve", "--config", "data/coffre.toml", "--port", port]
    done = subprocess.run(words, env=clean_environment(), capture_output=True, text=True)
    assert done.returncode == 4
    assert f"coffre: The server did not start on 127.0.0.1:{port}; its log, above, says why.\n" in done.stderr
    assert "address already in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_document_goes_in_is_found_and_comes_out(coffre, patient, pdf):
    """ITI TF-2: 3.41, 3.18, 3.43."""
    said = (
        "--type",
        "laboratory",
        "--author",
        "Dr Anne Muller",
        "--created",
        "2024-03-01",
        "--language",
        "en",
    )
    shown = coffre("submit", str(pdf), "--patient", patient, *said)
    assert "Accepted: 1 document.\n  blood (Laboratory report, application/pdf, 10 bytes)\n" in shown
    assert "    assumed   class Reports; format As the MIME type says; confidentiality Normal" in shown
    unique_id = re.findall(r"uniqueId  (\S+)", shown)[0]
    listed = coffre("find", "--patient", patient)
    assert unique_id in listed
    assert "2024-03-01  Dr Anne Muller" in listed
    assert coffre("fetch", unique_id, "-o", "in") == (
        "in/blood.pdf  (10 bytes, SHA-1 6d8a57df0b2bc1566df1ee83d139480fd2fc781f as registered)\n"
    )
    assert (coffre.directory / "in" / "blood.pdf").read_bytes() == b"%PDF-1.4\r\n"
    assert "in/blood.pdf is there already" in coffre("fetch", unique_id, "-o", "in", status=6)
    coffre("fetch", unique_id, "-o", "in", "--force")


def test_programs_get_the_same_in_json(coffre, patient, pdf):
    assert coffre.json("patient", "add", patient) == {"patientId": f"{patient}^^^&2.999.352.1&ISO"}
    receipt = coffre.json(
        "submit", str(pdf), "--patient", patient, "--type", "laboratory", "--folder", "Stay"
    )
    entry = receipt["documents"][0]["entry"]
    assert (entry["typeCode"]["code"], entry["mimeType"], entry["size"]) == (
        "11502-2",
        "application/pdf",
        "10",
    )
    assert receipt["documents"][0]["path"] == "blood.pdf"
    assert receipt["folder"].startswith("urn:uuid:")
    (found,) = coffre.json("find", "--patient", patient)
    assert found == found | {name: value for name, value in entry.items() if name != "availabilityStatus"}
    (fetched,) = coffre.json("fetch", entry["entryUUID"], "-o", "in")
    assert (fetched["path"], fetched["size"], fetched["hash"]) == ("in/blood.pdf", 10, entry["hash"])


def test_a_replaced_document_is_found_only_when_asked_for(coffre, patient, pdf):
    first = coffre.json("submit", str(pdf), "--patient", patient, "--type", "laboratory")
    replaced = first["documents"][0]["entry"]["uniqueId"]
    (coffre.directory / pdf).write_bytes(b"%PDF-1.4 corrected")
    assert "which is deprecated now" in coffre("submit", str(pdf), "--replace", replaced)
    ids = {
        status: [one["uniqueId"] for one in coffre.json("find", "--patient", patient, *options)]
        for status, options in {"approved": (), "all": ("--all",), "old": ("--status", "deprecated")}.items()
    }
    assert ids["old"] == [replaced]
    assert set(ids["approved"]) == set(ids["all"]) - {replaced}
    assert "blood (deprecated)" in coffre("find", "--patient", patient, "--all")


def test_a_search_is_narrowed_by_name_time_and_author(coffre, patient, pdf):
    said = ("--type", "laboratory", "--created", "2024-03-01", "--author", "Anne Muller")
    coffre("submit", str(pdf), "--patient", patient, *said)
    for options in (
        ("--type", "lab"),
        ("--since", "2024-03"),
        ("--until", "2024-03-01"),
        ("--author", "muller"),
    ):
        assert len(coffre.json("find", "--patient", patient, *options)) == 1, options
    for options in (
        ("--type", "imaging"),
        ("--since", "2024-03-03"),
        ("--until", "2023"),
        ("--author", "weber"),
    ):
        assert coffre.json("find", "--patient", patient, *options) == [], options
    assert coffre("find", "--patient", "nobody") == "No document of patient nobody was found.\n"


def test_a_sidecar_speaks_for_its_document_and_options_before_it(coffre, patient, pdf):
    (coffre.directory / "blood.pdf.toml").write_text(
        f'patient = "{patient}"\ntype = "laboratory"\ntitle = "A"\n'
    )
    (coffre.directory / "common.json").write_text('{"title": "B", "facility": "pharmacy"}')
    receipt = coffre.json("submit", "blood.pdf", "blood.pdf.toml")
    assert [one["entry"]["title"] for one in receipt["documents"]] == ["A"]
    receipt = coffre.json("submit", "blood.pdf", "--metadata", "common.json", "--practice", "pharmacy")
    entry = receipt["documents"][0]["entry"]
    assert (entry["title"], entry["healthcareFacilityTypeCode"]["code"]) == ("B", "264372000")
    assert entry["practiceSettingCode"]["code"] == "310080006"


def test_a_refusal_names_the_code_and_a_remedy(coffre, pdf):
    """ITI TF-3: Table 4.2.4.1-2."""
    words = ("submit", str(pdf), "--patient", "nobody", "--type", "laboratory")
    shown = coffre(*words, status=1)
    assert "The repository (Provide and Register Document Set-b [ITI-41]) refused:" in shown
    assert "  - XDSUnknownPatientId: " in shown
    assert "    Remedy: Make the patient known first: `coffre patient add ID`.\n" in shown
    error = coffre.json(*words, status=1)["error"]
    assert (error["exit_code"], error["transaction"]) == (1, "ITI-41")
    assert [one["code"] for one in error["errors"]] == ["XDSUnknownPatientId"]


def test_what_cannot_be_sent_is_told_all_at_once(coffre, pdf):
    shown = coffre("submit", str(pdf), "nofile.txt", status=2)
    assert "blood.pdf: type is missing, expected one of: Laboratory report (11502-2), " in shown
    assert "nofile.txt cannot be read: No such file or directory" in shown
    assert "did you mean Pharmacy?" in coffre("submit", str(pdf), "--facility", "farmacy", status=2)
    assert "'soon' is no time" in coffre("find", "--patient", "P1", "--since", "soon", status=2)
    assert "Missing option '--patient'" in coffre("find", status=2)
    assert "expected id^^^&OID&ISO" in coffre("patient", "add", "P1^^^&x&ISO", status=2)


def test_an_unknown_document_is_refused_under_its_code(coffre):
    shown = coffre("fetch", "2.999.404", status=1)
    assert "No such document (XDSDocumentUniqueIdError):\n  - 2.999.404 is not registered." in shown


def test_a_server_that_is_not_there_is_told_from_one_that_is_something_else(coffre):
    nowhere = f"http://127.0.0.1:{free_port()}"
    shown = coffre("find", "--patient", "P1", "--registry", nowhere, status=3)
    assert f"No registry or repository answers at {nowhere}/registry: Connection refused." in shown
    assert "`coffre serve`" in shown
    with answering(b"<html>", "text/html") as url:
        assert "text/html, which is no SOAP answer" in coffre(
            "find", "--patient", "P1", "--registry", url, status=3
        )


def test_a_peer_cannot_write_on_the_terminal(coffre):
    """Control characters of a peer's text are shown as what they are: none of it is an instruction."""
    errors = (
        '<rs:RegistryErrorList><rs:RegistryError errorCode="X" codeContext="a&#x9b;31m&#x9;b" severity=""/>'
    )
    answer = (
        '<query:AdhocQueryResponse xmlns:query="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" '
        'xmlns:rs="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" '
        f'status="urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Failure">{errors}</rs:RegistryErrorList>'
        "</query:AdhocQueryResponse>"
    )
    with answering(envelope("urn:answer", answer)) as url:
        shown = coffre("find", "--patient", "P1", "--registry", url, status=1)
    assert "X: a\ufffd31m\ufffdb" in shown


def test_codes_are_listed_and_taken_over(coffre):
    assert "  11502-2  Laboratory report / Compte-rendu de laboratoire / " in coffre(
        "codes", "list", "typeCode"
    )
    assert {row["attribute"] for row in coffre.json("codes", "list", "classCode")} == {"classCode"}
    assert "mimeType:\n  application/pdf\n  text/xml\n" in coffre("codes", "list")
    assert "there are lists for: typeCode" in coffre("codes", "list", "nonsense", status=2)
    (coffre.directory / "codes.xml").write_text(
        '<Codes><CodeType name="classCode" classScheme="urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a">'
        '<Code code="A" display="Alpha" codingScheme="2.999.7"/></CodeType></Codes>'
    )
    assert "Wrote 1 codes of 1 attributes to codes.toml." in coffre("codes", "import", "codes.xml")
    assert "codes.toml is there already" in coffre("codes", "import", "codes.xml", status=6)
    (coffre.directory / "codes.xml").write_text("<Codes>")
    assert "codes.xml:1: " in coffre("codes", "import", "codes.xml", "--force", status=4)


def test_the_audit_trail_tells_who_did_what(coffre, shipped, patient):
    """ITI TF-2: 3.20.7."""
    config = ("--config", str(shipped.directory / "coffre.toml"))
    coffre("find", "--patient", patient)
    (last,) = coffre.json("audit", "tail", "-n", "1", *config)
    assert (last["event"], last["outcome"]) == ("ITI-18 Registry Stored Query", "SUCCESS")
    assert last["patients"] == [f"{patient}^^^&2.999.352.1&ISO"]
    assert "ITI-44 Patient Identity Feed" in coffre("audit", "tail", *config)
    assert "There is no audit record in" in coffre("audit", "tail", status=4)


def test_codes_of_a_domain_without_lists_are_written_out(tmp_path, platform, pdf, monkeypatch, capfd):
    coffre = Shell(platform, tmp_path, monkeypatch, capfd)
    config = ("--config", str(platform.directory / "coffre.toml"))
    patient = uuid4().hex
    coffre("patient", "add", patient, *config)
    assert "expected CODE^DISPLAY NAME^SCHEME" in coffre(
        "submit", "blood.pdf", "--type", "lab", *config, status=2
    )
    own = "X^Own^2.999.7"
    options = ("--type", own, "--class", own, "--facility", own, "--practice", own, "--content-type", own)
    coffre("submit", "blood.pdf", "--patient", patient, *options, *config)
    (found,) = coffre.json("find", "--patient", patient, "--type", own, *config)
    assert found["typeCode"] == {"code": "X", "scheme": "2.999.7", "displayName": "Own"}


def test_version_names_the_product(coffre):
    assert re.fullmatch(r"coffre \d+\.\d+\.\d+\S* on Python 3\.\d+\.\d+\n", coffre("version"))
    assert set(coffre.json("version")) == {"coffre", "python"}
