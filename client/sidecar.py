"""Metadata in a file beside the document: FILE.toml or FILE.json, with the words of the options."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from client.errors import BadMetadata
from client.metadata import Texts

# A sidecar is written by hand or by a small program; what is larger is something else.
MAX_BYTES = 1024 * 1024

SUFFIXES = (".toml", ".json")


def sidecar_of(document: Path) -> Path | None:
    """The sidecar of report.pdf is report.pdf.toml or report.pdf.json."""
    candidates = (document.with_name(document.name + suffix) for suffix in SUFFIXES)
    return next((path for path in candidates if path.is_file()), None)


def read_sidecar(path: Path) -> Texts:
    """Each key with its texts, for `read_metadata`."""
    if path.suffix not in SUFFIXES:
        raise BadMetadata(f"{path} is no metadata file, expected the ending {' or '.join(SUFFIXES)}")
    content = _content(path)
    if not isinstance(content, Mapping):
        raise BadMetadata(f"{path} holds no table of metadata")
    return {str(key).replace("_", "-"): _texts(path, key, value) for key, value in content.items()}


def _content(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise BadMetadata(f"{path} is larger than {MAX_BYTES} bytes")
        text = content.decode("utf-8-sig")
        return tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise BadMetadata(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        kind = path.suffix.removeprefix(".").upper()
        raise BadMetadata(f"{path} is not {kind}: {error}") from None


def _texts(path: Path, key: object, value: Any) -> Sequence[str]:
    values = value if isinstance(value, list) else [value]
    if any(isinstance(one, list | dict) or one is None or one == "" for one in values):
        raise BadMetadata(
            f"{path}: {key} holds {json.dumps(value, default=str)}, expected a text or a list of texts"
        )
    # Numbers, dates and times are what TOML makes of codes and times without quotes.
    return [str(one) for one in values]
