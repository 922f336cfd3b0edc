"""What an affinity domain has agreed on, from a TOML file: its codes, authority and OIDs."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What `coffre init` sets up, so that our own platform is judged without a word more.
BUILT_IN = Path(__file__).parent / "domain.toml"
# So many codes of an attribute the plans speak of.
CODES_OF_EACH = 2


@dataclass(frozen=True, slots=True)
class User:
    """Whom an assertion speaks of; role and purpose as code^^scheme, `root` of the id where it is an II."""

    name: str
    role: str
    purpose: str
    id: str = "conformance-kit"
    root: str = ""


@dataclass(frozen=True, slots=True)
class Domain:
    """Codes as code^^scheme, by attribute; `home` is the homeCommunityId."""

    authority: str
    repository: str
    home: str
    restricted: bool
    codes: Mapping[str, tuple[str, ...]]
    users: Mapping[str, User]
    policies: Mapping[str, str]


def read_domain(path: Path | None) -> Domain:
    """Read a file of one's own over the built-in one; ValueError where it is not understood."""
    content = tomllib.loads(BUILT_IN.read_text(encoding="utf-8"))
    if path:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
        if unknown := set(written) - set(content):
            raise ValueError(f"{path}: unknown keys {sorted(unknown)}")
    else:
        written = {}
    try:
        inner = {key: {**content[key], **written.get(key, {})} for key in ("codes", "users")}
        return _domain({**content, **written, **inner})
    except (TypeError, AttributeError, ValueError) as problem:
        raise ValueError(f"{path or BUILT_IN}: {problem}") from None


def _domain(content: Mapping[str, Any]) -> Domain:
    codes = {attribute: tuple(values) for attribute, values in content["codes"].items()}
    for attribute, values in codes.items():
        if len(values) < CODES_OF_EACH or any("^^" not in value for value in values):
            raise ValueError(f"{attribute} needs {CODES_OF_EACH} codes, as code^^scheme")
    return Domain(
        content["authority"],
        content["repository"],
        content["home"],
        content["restricted"],
        codes,
        {name: User(**said) for name, said in content["users"].items()},
        dict(content["policies"]),
    )
