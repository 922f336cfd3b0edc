"""The configuration: `coffre.toml` and the COFFRE_ environment, read once, typed and frozen."""

import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import ValidationError

from ebxml.affinity_domain import AffinityDomain
from server.codes import CodeSet, read_code_set
from server.secrets import secrets_in, with_password
from server.settings import Configuration, Section
from server.toml_file import BadFile, Key, Problem, TomlFile, near, read_file, read_toml, reasons, validated

__all__ = ["BadConfiguration", "Configuration", "Problem", "affinity_domain", "load", "template"]

PREFIX = "COFFRE_"

# What deployments set most, without its section; every key can be set as COFFRE_SECTION__KEY.
SHORT_NAMES: Mapping[str, tuple[str, str]] = {
    "COFFRE_HOST": ("server", "host"),
    "COFFRE_PORT": ("server", "port"),
    "COFFRE_BASE_URL": ("server", "base_url"),
    "COFFRE_DATABASE_URL": ("database", "url"),
    "COFFRE_DOCUMENTS": ("repository", "documents"),
    "COFFRE_REGISTRY_URL": ("repository", "registry_url"),
    "COFFRE_MASTER_KEY": ("vault", "master_key_text"),
}

# Where the file itself is; the command line reads it.
NOT_SETTINGS = frozenset({"COFFRE_CONFIG"})


class BadConfiguration(BadFile):
    """A configuration that was refused, with everything that is wrong with it."""


def load(path: Path | None, environment: Mapping[str, str], directory: Path | None = None) -> Configuration:
    """The configuration of that file, or of none; the environment goes before the file.

    Relative paths begin at the file's directory, without a file at `directory` or the current one.
    """
    toml = _read(path)
    directory = (path.parent if path else directory or Path()).absolute()
    content: dict[str, Any] = {section: {} for section in Configuration.model_fields} | dict(toml.content)
    variables, problems = _overlay(content, environment)
    problems += [toml.problem(key, reason) for key, reason in secrets_in(toml.content)]
    try:
        content["database"] = with_password(content["database"], directory)
        configuration = validated(Configuration, content, {"directory": directory})
    except ValidationError as error:
        for key, reason in reasons(error, Configuration):
            variable = variables.get(key[:2])
            problems.append(Problem("", 0, variable, reason) if variable else toml.problem(key, reason))
        raise _refusal(problems) from None
    except BadFile as error:
        raise _refusal([*problems, *error.problems]) from None
    if configuration.domain.rules and not (
        configuration.xua.identity_providers or configuration.xua.local_provider
    ):
        problems.append(toml.problem(("domain", "rules"), _RULES_NEED_USERS))
    if configuration.api.enabled and not (
        configuration.xua.identity_providers or configuration.xua.local_provider
    ):
        problems.append(toml.problem(("api", "enabled"), _API_NEEDS_USERS))
    if problems:
        raise _refusal(problems)
    return configuration


_RULES_NEED_USERS = (
    "rules are about users: name identity_providers or a local_provider in [xua], or leave rules empty"
)

_API_NEEDS_USERS = (
    "whoever asks there is a user: name identity_providers or a local_provider in [xua], or leave it off"
)


def code_set_of(configuration: Configuration) -> CodeSet:
    """The code set of the domain; an empty one if the domain takes any code."""
    codes = configuration.domain.codes
    return read_code_set(codes) if codes else CodeSet()


def affinity_domain(configuration: Configuration) -> AffinityDomain:
    """The configured domain with its code set, or BadConfiguration by the lines of the code set's file."""
    domain = configuration.domain
    try:
        code_set = code_set_of(configuration)
    except BadFile as error:
        raise BadConfiguration(*error.problems) from None
    authorities = domain.assigning_authorities or code_set.assigning_authorities
    if not authorities:
        reason = "no assigning authority is named here nor by the code set, expected one"
        raise BadConfiguration(Problem(domain.codes, 0, "domain.assigning_authorities", reason))
    repositories = frozenset(domain.repositories)
    return AffinityDomain(
        home_community_id=domain.home_community_id,
        assigning_authorities=frozenset(authority.oid for authority in authorities),
        codes=code_set.allowed(),
        mime_types=frozenset(code_set.mime_types),
        repository_unique_ids=repositories and repositories | {configuration.repository.unique_id},
        tolerances=frozenset(domain.tolerate),
        unknown_patient_is_error=domain.unknown_patient_in_query == "error",
    )


def template() -> str:
    """A commented `coffre.toml` to begin with."""
    return (resources.files("server") / "coffre.toml").read_text(encoding="utf-8")


def _refusal(problems: list[Problem]) -> BadConfiguration:
    return BadConfiguration(*sorted(problems, key=lambda problem: problem.line))


def _read(path: Path | None) -> TomlFile:
    if path is None:
        return TomlFile("", {}, {})
    try:
        return read_toml(read_file(path), str(path))
    except BadFile as error:
        raise BadConfiguration(*error.problems) from None


def _overlay(content: dict[str, Any], environment: Mapping[str, str]) -> tuple[dict[Key, str], list[Problem]]:
    """Put the environment over the file's content; the variable behind each key, and variables of no key."""
    variables: dict[Key, str] = {}
    problems = []
    for name, text in sorted(environment.items()):
        if not name.startswith(PREFIX) or name in NOT_SETTINGS:
            continue
        section, _, key = name.removeprefix(PREFIX).lower().partition("__")
        section, key = SHORT_NAMES.get(name, (section, key))
        if section not in Configuration.model_fields or not key:
            problems.append(Problem("", 0, name, near(name, _names(), "variable")))
        elif isinstance(content[section], dict):
            variables[section, key] = name
            content[section] = content[section] | {key: _typed(section, key, text)}
    return variables, problems


def _typed(section: str, key: str, text: str) -> Any:
    """Text for a key that holds text, else the TOML value it reads as; what is neither is refused later."""
    field = _section(section).model_fields.get(key)
    if field is None or field.annotation in (str, Path):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _names() -> list[str]:
    every = [(name, key) for name in Configuration.model_fields for key in _section(name).model_fields]
    return [*SHORT_NAMES, *(f"{PREFIX}{name}__{key}".upper() for name, key in every)]


def _section(name: str) -> type[Section]:
    section: type[Section] = get_type_hints(Configuration)[name]
    return section
