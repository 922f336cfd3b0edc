"""`coffre consent`, as an operator uses it at a patient's word."""

import json
import subprocess
import sys

import pytest

from tests.services.platform import OPEN_DOMAIN, ROOT
from tests.services.ruled import RULED_DOMAIN, write_rules

PATIENT = "P1^^^&2.999.5&ISO"


@pytest.fixture
def directory(tmp_path):
    """A domain with rules, of which no server runs."""
    write_rules(tmp_path)
    (tmp_path / "coffre.toml").write_text(RULED_DOMAIN)
    return tmp_path


def consent(directory, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "server.command_line", "consent", *words]
    command += ["--config", str(directory / "coffre.toml")]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def said(directory, *words: str) -> str:
    done = consent(directory, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_is_decided_is_shown_explained_and_taken_back(directory):
    """Each line as a person reads it."""
    assert said(directory, "open", "P1") == f"The record of {PATIENT} is open.\n"
    given = said(directory, "grant", "P1", "--person", "2.999.4|A", "--read", "--origin", "presence")
    assert given.startswith(
        f"For {PATIENT} holds from now on: grant person 2.999.4|A read normal presence from "
    )
    question = ("explain", "P1", "--person", "2.999.4|A", "--profession", "DOCTOR|2.999.7")
    assert said(directory, *question) == (
        "Permitted.\n- the record is open\n- a care relationship, for what is normal\n"
        "- the access matrix opens 2 types of documents\nHe would see no document.\n"
    )
    assert said(directory, "exclude", "P1", "--person", "2.999.4|A").endswith("exclusion person 2.999.4|A.\n")
    answer = json.loads(said(directory, *question, "--verb", "deposit", "--json"))
    assert answer == {
        "permit": False,
        "reasons": ["the record is open", "the patient has excluded him"],
        "documents": [],
    }
    assert said(directory, "admit", "P1", "--person", "2.999.4|A") == f"For {PATIENT} it holds no longer.\n"
    shown = json.loads(said(directory, "show", "P1", "--json"))
    assert (shown["patientId"], shown["status"]) == (PATIENT, "open")
    assert [line["what"] for line in shown["history"]][-2:] == [
        "exclusion person 2.999.4|A",
        "no longer: exclusion person 2.999.4|A",
    ]
    assert shown["history"][-1]["before"] == "exclusion person 2.999.4|A"


def test_a_grant_may_begin_later(directory):
    """Its days are counted from its start; what somebody would see then is told."""
    said(directory, "open", "P1")
    later = ("--from", "2031-01-01", "--days", "5")
    given = said(directory, "grant", "P1", "--person", "2.999.4|A", "--read", *later)
    assert given.endswith("grant person 2.999.4|A read normal portal from 2031-01-01 until 2031-01-06.\n")
    question = ("explain", "P1", "--person", "2.999.4|A", "--profession", "DOCTOR|2.999.7", "--at")
    assert "- a care relationship" in said(directory, *question, "2031-01-05")


def test_each_language_is_told_why(directory):
    """In plain words; an emergency and a day may be supposed."""
    said(directory, "open", "P1")
    question = ("explain", "P1", "--person", "2.999.4|A", "--profession", "DOCTOR|2.999.7", "--emergency")
    assert said(directory, *question, "--language", "fr") == (
        "Permis.\n- le dossier est ouvert\n- une urgence, qui ouvre ce qui est normal\n"
        "- la matrice d'accès ouvre 2 types de documents\nIl ne verrait aucun document.\n"
    )
    for language, word in (("de", "Erlaubt."), ("lb", "Erlaabt."), ("en", "Permitted.")):
        assert said(directory, *question, "--language", language).startswith(word)
    before = said(directory, *question, "--at", "2020-01-01")
    assert before == "Not permitted.\n- the record was not opened\nHe would see no document.\n"


def test_levels_representatives_and_reopening_are_said_in_words(directory):
    """Each as a person reads it."""
    for words, told in (
        (("level", "P1", "restricted"), f"For {PATIENT} holds from now on: minimum restricted.\n"),
        (("level", "P1", "own"), f"For {PATIENT} it holds no longer.\n"),
        (
            ("level", "P1", "secret", "--document", "urn:uuid:1"),
            f"For {PATIENT} holds from now on: level urn:uuid:1 secret.\n",
        ),
        (("born", "P1", "2020-05-01"), f"For {PATIENT} holds from now on: born from 2020-05-01.\n"),
        (("close", "P1"), f"The record of {PATIENT} is closed.\n"),
        (("reopen", "P1"), f"The record of {PATIENT} is open.\n"),
    ):
        assert said(directory, *words) == told
    said(directory, "represent", "P1", "--person", "2.999.4|M", "--manage")
    assert "representative person 2.999.4|M manage minor" in said(directory, "show", "P1")
    refused = consent(directory, "reopen", "P1")
    assert "Not possible: the record is not closed." in refused.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("grant", "P1", "--person", "a|b"), "A grant gives a right."),
        (("grant", "P1", "--read"), "Whom?"),
        (("grant", "P1", "--person", "a|b", "--read", "--level", "some"), "'some' is no level."),
        (("revoke", "P1", "--person", "a|b"), "Nothing of the kind holds."),
    ],
)
def test_what_is_not_understood_is_said_in_a_sentence(directory, words, message):
    """With exit status 2."""
    done = consent(directory, *words)
    assert done.returncode == 2
    assert message in done.stderr


def test_without_rules_nothing_is_decided(tmp_path):
    """What would have no effect is not taken down."""
    (tmp_path / "coffre.toml").write_text(OPEN_DOMAIN)
    done = consent(tmp_path, "open", "P1")
    assert done.returncode == 4
    assert "This domain has no consent rules" in done.stderr
