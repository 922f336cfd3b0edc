"""Writes docs/conformance.md: what the Framework asks for, and the journeys that show it over the wire.

    python -m tests.house.conformance_table

Rows come from `ihe/`. A journey shows a rule whose words are its name or the name of one of its cases (others
stand in `tests/house/proofs.py`), an attribute that is a case of it or stands in its docstring, and a query
with a parameter, an association type or an error code that it names as it stands on the wire.
"""

import re
from collections.abc import Iterable, Iterator

from ihe import rules, stored_queries
from ihe.associations import ASSOCIATION_TYPES
from ihe.attributes import ASSOCIATION, DOCUMENT_ENTRY, FOLDER, SUBMISSION_SET, Attribute
from ihe.error_codes import CODES_OF_OTHERS, ERROR_CODES, ErrorCode
from ihe.rules import Rule
from ihe.stored_queries import Parameter, StoredQuery
from tests.house.journeys import Test, journeys, proving
from tests.house.proofs import PROOFS
from tests.house.tree import ROOT, name

TABLE = ROOT / "docs" / "conformance.md"
# A reader wants an example or two; more would change with every new test.
SHOWN = 2
_QUERIES = {key: row for key, row in vars(stored_queries).items() if isinstance(row, StoredQuery)}
_RULES = {
    "Envelopes": rules.ENVELOPES,
    "Form of what is submitted": rules.FORM,
    "Data types": rules.DATATYPES,
    "Registration": rules.REGISTRATION,
    "Associations and Folders": rules.ASSOCIATIONS,
    "Provide and Register": rules.PROVIDING,
    "On-demand documents": rules.ON_DEMAND,
    "Queries": rules.QUERYING,
    "Retrieval": rules.RETRIEVING,
    "New versions": rules.VERSIONS,
    "Updates": rules.UPDATES,
    "Status changes": rules.STATUS_CHANGES,
    "Submitted Associations": rules.SUBMITTED_ASSOCIATIONS,
    "Restricted updates": rules.RESTRICTED_UPDATES,
    "Removal": rules.REMOVING,
}
_OBJECTS = {
    "DocumentEntry": DOCUMENT_ENTRY,
    "SubmissionSet": SUBMISSION_SET,
    "Folder": FOLDER,
    "Association": ASSOCIATION,
}
_HEAD = f"""# What is asked for, and the tests that show it

Written by `python -m tests.house.conformance_table`; do not edit. Every test shown speaks to a running server
over the wire, its tables once in SQLite and once in PostgreSQL (but where a message never gets as far as a
table), and cites the section it is about; at most {SHOWN} are shown for a row. Besides, one
[property test](../tests/registry/test_stored_queries_property.py) holds every query with every parameter
against its rules in plain Python.
"""

Shown = list[Test] | str


class NotShown(Exception):
    """A row that no journey shows."""


def written() -> str:
    """The whole page; NotShown if a row is without its test."""
    parts = [_HEAD, "\n## Stored queries [ITI-18, ITI-51]\n", *map(_query, _QUERIES.items())]
    parts.append("\n## Rules\n")
    for title, of in _RULES.items():
        parts.append(f"\n### {title}\n\n" + _table("rule", map(_rule, of)))
    for kind, rows in _OBJECTS.items():
        parts.append(f"\n## Attributes of a {kind}\n\n" + _table("attribute", _attributes(kind, rows)))
    types = [(f"`{row.name}`", _naming(_word(row.name))) for row in ASSOCIATION_TYPES.values()]
    parts.append("\n## Association types\n\n" + _table("type", types))
    parts.append("\n## Error codes\n\n" + _table("code", map(_code, ERROR_CODES.values())))
    others = [(f"`{code}`", f"does not apply: {reason}") for code, reason in CODES_OF_OTHERS.items()]
    parts.append("\n## Error codes that are never sent\n\n" + _table("code", others))
    return "".join(parts)


def _query(item: tuple[str, StoredQuery]) -> str:
    key, query = item
    asks = re.compile(rf"\b{key}\b(?!_)|\b{key.lower()}\(|{query.id}|\b{query.name}\b")
    # First those that are called after it, last those that ask wrongly.
    of_query = sorted(
        (test for test in journeys() if asks.search(test.text)),
        key=lambda test: (key.lower() not in test.title.replace(" ", "_"), "test_bad" in test.path.stem),
    )
    rows = [
        (f"`{row.slot}`", [test for test in of_query if _slot(row).search(test.text)])
        for row in query.parameters
    ]
    transaction = "ITI-51" if query.multi_patient else "ITI-18"
    head = f"\n### {query.name}\n\n{transaction}, ITI TF-2: {query.section}. {_links(of_query)}\n\n"
    return head + _table("parameter", rows)


def _slot(row: Parameter) -> re.Pattern[str]:
    return re.compile(rf"""{re.escape(row.slot)}(?=["'])""")


def _rule(row: Rule) -> tuple[str, Shown]:
    found = proving(row.says) or [test for words in PROOFS.get(row.says, ()) for test in proving(words)]
    return f"{row.says} ({_transactions(row.transactions)}; {row.section})", found


def _attributes(of: str, rows: Iterable[Attribute]) -> Iterator[tuple[str, Shown]]:
    for row in rows:
        word = f"{of}.{row.name}"
        told = [test for test in journeys() if _word(word).search(test.said)]
        yield f"`{row.name}` ({row.section})", proving(word) + proving(f"{of} without {row.name}") + told


def _code(row: ErrorCode) -> tuple[str, Shown]:
    of = f"`{row.name}` ({_transactions(row.transactions)}): {row.meaning}"
    return of, f"does not apply: {row.never}" if row.never else _naming(_word(row.name))


def _naming(pattern: re.Pattern[str]) -> list[Test]:
    return [test for test in journeys() if pattern.search(test.text)]


def _word(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z]){re.escape(text)}(?![A-Za-z])")


def _transactions(numbers: str) -> str:
    return ", ".join(f"ITI-{number}" for number in numbers.split())


def _table(of: str, rows: Iterable[tuple[str, Shown]]) -> str:
    body = []
    for what, found in rows:
        if not found:
            raise NotShown(f"no journey shows {what}")
        shown = found if isinstance(found, str) else _links(found)
        body.append(f"| {what.replace('|', chr(92) + '|')} | {shown} |\n")
    return f"| {of} | shown by |\n| --- | --- |\n{''.join(body)}"


def _links(found: list[Test]) -> str:
    return "; ".join(dict.fromkeys(test.link for test in found[:SHOWN]))


if __name__ == "__main__":
    TABLE.write_text(written(), encoding="utf-8")
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    print(f"{name(TABLE)}: {sum(line.startswith('| ') for line in lines)} rows, each with its test")
