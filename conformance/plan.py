"""Test plans as data: read from TOML, tables of rows laid out into plans of their own."""

import itertools
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PLANS = Path(__file__).parent / "plans"
# A change in what is asked for makes another number; attestations name it.
PLAN_SET = "2026.1"
# What is no plan but prepared before all of them: the record that queries are asked about.
LIBRARY = "library"

_NOT_OF_IDS = re.compile(r"[^a-z0-9.]+")
_PLACE = re.compile(r"\{([A-Za-z][A-Za-z0-9_]*)\}")
_KEYS_OF_PLAN = {
    "id",
    "requirement",
    "section",
    "patient",
    "patients",
    "needs",
    "columns",
    "rows",
    "by",
    "step",
}
_KEYS_OF_FILE = {"group", "actor", "option", "needs", "leaves_nothing", "plan"}


class BadPlan(Exception):
    """A plan that cannot be understood; says which one and why."""


@dataclass(frozen=True, slots=True)
class Step:
    """One message, described by words (`send` is the transaction) and what its answer must be."""

    send: str
    said: Mapping[str, Any]
    expect: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """One requirement of the standard and the messages that show whether a target meets it.

    `patient` is "own" (made known for this plan alone), "empty" or "library" (shared, never written to by
    what succeeds); `patients` are further own ones by name; without its `needs` it is not run.
    """

    id: str
    group: str
    actor: str
    option: str
    requirement: str
    section: str
    steps: tuple[Step, ...]
    patient: str = "own"
    patients: tuple[str, ...] = ()
    needs: tuple[str, ...] = field(default=())


def load(*more: Path, folder: Path = PLANS) -> tuple[Plan, ...]:
    """Every plan of a folder and of more, file by file; BadPlan where one is wrong or an id there twice."""
    files = (path for one in (folder, *more) for path in sorted(one.glob("*.toml")))
    plans = tuple(plan for path in files for plan in read(path))
    seen: set[str] = set()
    for plan in plans:
        if plan.id in seen:
            raise BadPlan(f"{plan.id}: there are two plans of this id")
        seen.add(plan.id)
    return plans


def read(path: Path) -> Iterator[Plan]:
    """Yield the plans of one file."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as problem:
        raise BadPlan(f"{path.name}: {problem}") from None
    if unknown := set(content) - _KEYS_OF_FILE:
        raise BadPlan(f"{path.name}: unknown keys {sorted(unknown)}")
    for written in content.get("plan", ()):
        for one in _laid_out(path.name, written):
            yield _plan(path.name, content, one)


def chosen(plans: Iterable[Plan], groups: Iterable[str], ids: Iterable[str]) -> tuple[Plan, ...]:
    """The plans of these groups or options, and of these ids (* is any text); all of them without any."""
    plans, groups, ids = tuple(plans), tuple(groups), tuple(ids)
    known = {word.lower() for plan in plans for word in (plan.group, plan.option)}
    for group in groups:
        if group.lower() not in known:
            raise BadPlan(f"there is no group {group!r}; there are {', '.join(sorted(known))}")
    patterns = [re.compile(re.escape(one).replace(r"\*", ".*")) for one in ids]
    for pattern, one in zip(patterns, ids, strict=True):
        if not any(pattern.fullmatch(plan.id) for plan in plans):
            raise BadPlan(f"there is no plan {one!r}")
    return tuple(
        plan
        for plan in plans
        if (not groups or {plan.group.lower(), plan.option.lower()} & {group.lower() for group in groups})
        and (not patterns or any(pattern.fullmatch(plan.id) for pattern in patterns))
    )


def _laid_out(file: str, written: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Each row of a plan's table, and each combination with what stands in `by`, makes one plan."""
    columns, rows = written.get("columns", []), written.get("rows", [[]])
    by = written.get("by", {})
    for row in rows:
        if len(row) != len(columns):
            raise BadPlan(f"{file}: {written.get('id')}: the row {row} has not {len(columns)} columns")
        for combination in itertools.product(*by.values()):
            values = {**dict(zip(columns, row, strict=True)), **dict(zip(by, combination, strict=True))}
            yield {key: filled(value, values) for key, value in written.items() if key != "rows"}


def filled(value: Any, values: Mapping[str, Any]) -> Any:
    """Put the values of a row where its columns are named; what is no column waits for the run."""
    match value:
        case str():
            whole = _PLACE.fullmatch(value)
            if whole and whole[1] in values:
                return values[whole[1]]
            return _PLACE.sub(lambda found: _in_text(values.get(found[1], found[0])), value)
        case list():
            done = [filled(one, values) for one in value]
            # A list of a row's stands among others as its values.
            return [one for item in done for one in (item if _is_inserted(item, value) else [item])]
        case dict():
            return {filled(key, values): filled(one, values) for key, one in value.items()}
        case _:
            return value


def _is_inserted(item: Any, written: list[Any]) -> bool:
    return isinstance(item, list) and len(written) > 1 and item not in written


def _in_text(value: Any) -> str:
    """A table stands in an id by its name."""
    return str(value["name"] if isinstance(value, dict) else value)


def _plan(file: str, content: Mapping[str, Any], written: Mapping[str, Any]) -> Plan:
    # A column's value may be a URN or hold blanks; an id is typed on a command line.
    id = _NOT_OF_IDS.sub("-", str(written.get("id", "")).lower()).strip("-")
    if not id:
        raise BadPlan(f"{file}: a plan has no id")
    if unknown := set(written) - _KEYS_OF_PLAN:
        raise BadPlan(f"{id}: unknown keys {sorted(unknown)}")
    missing = [key for key in ("requirement", "section", "step") if not written.get(key)]
    if missing:
        raise BadPlan(f"{id}: there is no {', '.join(missing)}")
    steps = tuple(_step(id, one) for one in written["step"])
    if content.get("leaves_nothing"):
        steps = (*steps, _nothing_left(steps))
    if id != LIBRARY and not any(step.expect for step in steps):
        raise BadPlan(f"{id}: nothing is expected of any answer")
    patient = written.get("patient", "own")
    if patient not in ("own", "empty", LIBRARY):
        raise BadPlan(f"{id}: patient is own, empty or library, not {patient!r}")
    return Plan(
        id,
        content["group"],
        content["actor"],
        content["option"],
        written["requirement"],
        written["section"],
        steps,
        patient,
        tuple(written.get("patients", ())),
        (*content.get("needs", ()), *written.get("needs", ())),
    )


def _nothing_left(steps: Iterable[Step]) -> Step:
    """A refused submission leaves nothing (ITI TF-2: 3.42.4.1.3): none of its documents is found."""
    documents = (one for step in steps for one in step.said.get("documents", ()))
    names = dict.fromkeys(one if isinstance(one, str) else one["name"] for one in documents)
    said = {
        "title": "Look whether anything was stored",
        "query": "GetDocuments",
        "slots": {
            "$XDSDocumentEntryEntryUUID": "({})".format(",".join(f"'{{{name}.id}}'" for name in names))
        },
    }
    return Step("query", said, {"status": "Success", "count": 0})


def _step(id: str, written: Mapping[str, Any]) -> Step:
    # A row may say a part of its step, or all of it.
    written = {**{key: value for key, value in written.items() if key != "is"}, **written.get("is", {})}
    if "send" not in written:
        raise BadPlan(f"{id}: a step does not say what it sends")
    said = {key: value for key, value in written.items() if key not in ("send", "expect")}
    expect = dict(written.get("expect", {}))
    # What the answer must be differs with the returnType that was asked for.
    expect |= expect.pop("as", {}).get(said.get("return_type"), {})
    return Step(written["send"], said, expect)
