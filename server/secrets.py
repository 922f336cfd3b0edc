"""Secrets of the configuration: they lie in files of their own or in the environment, not in coffre.toml."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from server.toml_file import BadFile, Key, Problem, read_file

# Each setting that is a secret, and where it lies instead.
ELSEWHERE: Mapping[tuple[str, str], str] = {
    ("database", "url"): "password_file, or the whole address in COFFRE_DATABASE_URL",
    ("object_storage", "secret_access_key"): "credentials, or COFFRE_OBJECT_STORAGE__SECRET_ACCESS_KEY",
    ("vault", "master_key_text"): "master_key, or COFFRE_MASTER_KEY",
    ("vault", "pkcs11_pin"): "pkcs11_pin_file, or COFFRE_VAULT__PKCS11_PIN",
}


def secrets_in(content: Mapping[str, Any]) -> Iterator[tuple[Key, str]]:
    """The secrets that stand in the content of a file, and where each belongs."""
    for (section, key), place in ELSEWHERE.items():
        table = content.get(section)
        value = table.get(key) if isinstance(table, dict) else None
        if isinstance(value, str) and value and (key != "url" or _has_password(value)):
            yield (section, key), f"a secret does not stand in this file: use {place}"


def with_password(database: Mapping[str, Any], directory: Path) -> dict[str, Any]:
    """The section [database] with the password from its file in the address; raises BadFile."""
    file, url = database.get("password_file"), database.get("url")
    if not (isinstance(file, str) and file and isinstance(url, str)):
        return dict(database)
    parts = urlsplit(url)
    if not parts.username or parts.password:
        reason = "is for an address that names a user and no password: postgresql://USER@HOST/DATABASE"
        raise BadFile(Problem("", 0, "database.password_file", reason))
    password = read_file(directory / file).decode("utf-8", "replace").strip()
    user, _, host = parts.netloc.rpartition("@")
    return {**database, "url": urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))}


def _has_password(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.password) or "password=" in parts.query
    except ValueError:
        return False
