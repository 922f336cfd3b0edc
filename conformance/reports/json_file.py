"""A run as JSON, which reads back to the same run."""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from conformance.results import Exchange, Finding, Outcome, Run, Severity, Verdict

# Changes when a reader of the old would misunderstand the new.
FORMAT = "coffre-conformance-run/1"


def write_run(run: Run) -> str:
    """Write a run with every message; bytes that are no text are base64."""
    return json.dumps({"format": FORMAT, **asdict(run)}, default=_plain, ensure_ascii=False, indent=1) + "\n"


def read_run(text: str) -> Run:
    """Read what write_run wrote; ValueError where it is anything else."""
    try:
        said = json.loads(text)
        if said.pop("format") != FORMAT:
            raise ValueError(f"no run of the format {FORMAT}")
        outcomes = tuple(_outcome(one) for one in said.pop("outcomes"))
        endpoints = tuple((name, address) for name, address in said.pop("endpoints"))
        started, ended = (datetime.fromisoformat(said.pop(name)) for name in ("started", "ended"))
        return Run(**said, started=started, ended=ended, endpoints=endpoints, outcomes=outcomes)
    except (KeyError, TypeError, AttributeError) as problem:
        raise ValueError(f"this is no saved run: {problem}") from None


def _outcome(said: Mapping[str, Any]) -> Outcome:
    return Outcome(
        **{
            **said,
            "verdict": Verdict(said["verdict"]),
            "exchanges": tuple(_exchange(one) for one in said["exchanges"]),
            "findings": tuple(_finding(one) for one in said["findings"]),
        }
    )


def _exchange(said: Mapping[str, Any]) -> Exchange:
    return Exchange(
        **{
            **said,
            "sent": _bytes(said["sent"]),
            "received": _bytes(said["received"]),
            "started": datetime.fromisoformat(said["started"]),
            "findings": tuple(_finding(one) for one in said["findings"]),
        }
    )


def _finding(said: Mapping[str, Any]) -> Finding:
    return Finding(**{**said, "severity": Severity(said["severity"])})


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        try:
            return {"text": value.decode()}
        except UnicodeDecodeError:
            return {"base64": b64encode(value).decode()}
    raise TypeError(type(value).__name__)


def _bytes(said: Mapping[str, str]) -> bytes:
    return said["text"].encode() if "text" in said else b64decode(said["base64"])
