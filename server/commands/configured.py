"""The configuration as the commands see it: the file, the environment, and options before both."""

import os
from collections.abc import Mapping
from pathlib import Path

from server.configuration import load
from server.settings import Configuration

# Read by the commands that are clients; no key of the configuration.
CLIENT_VARIABLES = frozenset(
    {
        "COFFRE_AS",
        "COFFRE_ASSERTION",
        "COFFRE_CA",
        "COFFRE_CERTIFICATE",
        "COFFRE_KEY",
        "COFFRE_REGISTRY",
        "COFFRE_REPOSITORY",
        "COFFRE_SOURCE_ID",
    }
)

_NO_OPTIONS: Mapping[str, str] = {}


def configuration_of(file: Path | None, chosen: Mapping[str, str] = _NO_OPTIONS) -> Configuration:
    """Load the file, or without one what holds by default; raises BadConfiguration."""
    environment = {name: value for name, value in os.environ.items() if name not in CLIENT_VARIABLES}
    return load(file, {**environment, **chosen})
