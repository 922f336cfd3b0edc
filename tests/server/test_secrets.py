"""Secrets do not stand in coffre.toml: each can lie in a file of its own, or come from the environment."""

from typing import get_type_hints

import pytest

from server.configuration import BadConfiguration, load
from server.secrets import ELSEWHERE
from server.settings import Configuration

REPLACED = "a secret does not stand in this file: use "


def refusals(path) -> list[str]:
    with pytest.raises(BadConfiguration) as refused:
        load(path, {})
    return [str(problem).removeprefix(f"{path}:") for problem in refused.value.problems]


@pytest.fixture
def file(tmp_path):
    """Writes coffre.toml and names it."""

    def write(text):
        path = tmp_path / "coffre.toml"
        path.write_text(text)
        return path

    return write


def test_every_secret_can_lie_in_a_file_or_in_the_environment():
    """What is not shown when a configuration is printed is a secret."""
    sections = get_type_hints(Configuration)
    secrets = {
        (section, key)
        for section in Configuration.model_fields
        for key, field in sections[section].model_fields.items()
        if field.repr is False
    }
    assert secrets == set(ELSEWHERE)
    for (section, _), place in ELSEWHERE.items():
        words = place.replace(",", "").split()
        assert words[0] in sections[section].model_fields
        assert words[-1].startswith("COFFRE_")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            '[database]\nurl = "postgresql://coffre:s3cret@db/coffre"\n',
            f"2: database.url: {REPLACED}password_file, or the whole address in COFFRE_DATABASE_URL",
        ),
        (
            '[database]\nurl = "postgresql://coffre@db/coffre?password=s3cret"\n',
            f"2: database.url: {REPLACED}password_file, or the whole address in COFFRE_DATABASE_URL",
        ),
        (
            '[vault]\nmaster_key_text = "s3cret"\n',
            f"2: vault.master_key_text: {REPLACED}master_key, or COFFRE_MASTER_KEY",
        ),
        (
            '[object_storage]\naccess_key_id = "a"\nsecret_access_key = "s3cret"\n',
            f"3: object_storage.secret_access_key: {REPLACED}"
            "credentials, or COFFRE_OBJECT_STORAGE__SECRET_ACCESS_KEY",
        ),
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(file, text, problem):
    assert refusals(file(text)) == [problem]


def test_a_secret_in_the_environment_is_taken(file):
    environment = {
        "COFFRE_DATABASE_URL": "postgresql://coffre:s3cret@db/coffre",
        "COFFRE_MASTER_KEY": "s3cret",
        "COFFRE_OBJECT_STORAGE__ACCESS_KEY_ID": "a",
        "COFFRE_OBJECT_STORAGE__SECRET_ACCESS_KEY": "s3cret",
    }
    configuration = load(file(""), environment)
    assert configuration.database.url == "postgresql://coffre:s3cret@db/coffre"
    assert configuration.vault.master_key_text == "s3cret"
    assert "s3cret" not in repr(configuration)


def test_the_password_of_the_database_is_read_from_its_file(file, tmp_path):
    (tmp_path / "password").write_text("s3cret/@\n")
    text = '[database]\nurl = "postgresql://coffre@db:5432/coffre"\npassword_file = "password"\n'
    configuration = load(file(text), {})
    assert configuration.database.url == "postgresql://coffre:s3cret%2F%40@db:5432/coffre"
    assert "s3cret" not in repr(configuration)


def test_a_password_file_that_leads_nowhere_is_refused(file, tmp_path):
    text = '[database]\nurl = "postgresql://coffre@db/coffre"\npassword_file = "password"\n'
    assert refusals(file(text)) == [f"{tmp_path}/password: cannot be read: No such file or directory"]
    (refusal,) = refusals(file('[database]\npassword_file = "password"\nurl = "sqlite:///x.db"\n'))
    assert "is for an address that names a user and no password" in refusal
