"""Inserts as `pgbench` does them: a transaction each, as quickly as the disk flushes."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.load import CONNECTIONS
from bench.raw_sql import Sent
from tests.services.postgresql import Cluster, program

JOBS = 2
# What an object is known by: its number, its UUID and its uniqueId.
_KEYS = re.compile(
    r"(?P<uuid>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})|(?P<unique>2\.25\.\d+)|(?P<number>\d+)"
)
_PLACE = re.compile(r"\$(\d+)")
_RANDOM = "CAST(:random AS bigint)"


def transactions_of(database: Cluster, inserts: Sequence[Sent], directory: Path, seconds: int) -> float:
    """How many a second, each of all these inserts with keys of its own."""
    script = directory / "inserts.sql"
    script.write_text(script_of(inserts))
    command = [str(program("pgbench")), "--no-vacuum", "--protocol", "prepared", "--file", str(script)]
    command += ["--client", str(CONNECTIONS), "--jobs", str(JOBS), "--time", str(seconds)]
    done = subprocess.run([*command, database.url], capture_output=True, text=True, check=True)
    said = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    if not said or "number of failed transactions: 0 " not in done.stdout:
        raise SystemExit(f"pgbench: {done.stdout}{done.stderr}")
    return float(said[1])


def script_of(inserts: Sequence[Sent]) -> str:
    """A transaction of these inserts, in which whatever an object is known by is random."""
    directory = next(one for one in inserts if one.text.startswith("INSERT INTO registered_object "))
    numbers = str(directory.parameters[1]).strip("{}").split(",")
    first = int(numbers[0])

    def key(found: re.Match[str]) -> str | None:
        value = found[0]
        if found["number"]:
            return f"({_RANDOM} * 8 + {int(value) - first})" if value in numbers else None
        # The same key, wherever it stands, is the same number behind the random one.
        place = keys.setdefault(value, len(keys))
        text = f"CAST({_RANDOM} AS text) || '{place}'"
        return f"CAST(md5({text}) AS uuid)" if found["uuid"] else f"('2.25.' || {text})"

    def literal(value: str | None) -> str:
        if value is None:
            return "NULL"
        inside = value.removeprefix("{").removesuffix("}").split(",")
        found = [(match := _KEYS.fullmatch(one)) and key(match) for one in inside]
        if all(found):
            joined = ", ".join(map(str, found))
            return f"(ARRAY[{joined}])" if value.startswith("{") else joined
        return "'" + value.replace("'", "''") + "'"

    keys: dict[str, int] = {}
    lines = ["\\set random random(1, 900000000000000000)", "BEGIN;"]
    for one in inserts:
        # Every other piece is the number of a parameter.
        pieces = _PLACE.split(one.text)
        pieces[1::2] = [literal(one.parameters[int(number) - 1]) for number in pieces[1::2]]
        lines.append(" ".join("".join(pieces).split()) + ";")
    return "\n".join([*lines, "COMMIT;"]) + "\n"
