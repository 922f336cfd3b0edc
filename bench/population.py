"""A population of patients with their documents, straight into the tables of a registry on PostgreSQL.

Every object is what Register Document Set [ITI-42] would have stored: some hundred submissions are written
as XML, read and made into rows by the registry's own code; each is then stored many times, with ids of its
own in columns and stored elements. How many documents a patient has is skewed as in the records of a country:
the logarithm is normal, so that most have a few and some have a thousand.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

import psycopg
from lxml import etree
from sqlalchemy import Table

from bench.letters import PATIENT, letters
from ebxml.model import Association, DocumentEntry, Folder, RegistryObject, Submission, SubmissionSet
from ebxml.read import read_submission
from registry import rows
from registry import tables as t
from registry.final_metadata import objects_of, with_final_metadata
from registry.fragments import pack, stored_element, unpack
from registry.replacement import replacements_in
from registry.uuids import bare

TEMPLATES = 400
# The spread of the logarithm of a patient's number of documents.
SPREAD = 1.1
PATIENTS_AT_ONCE = 250
WRITERS = 2

DAY = "20260101000000"

_TABLES = (
    t.registered_object, t.registered_unique_id, t.submission_set, t.document_entry, t.folder,
    t.association, t.withdrawal,
)  # fmt: skip
_COLUMNS = {
    "patient": ("id", "cx", "last_object", "created"),
    **{table.name: tuple(column.name for column in table.columns) for table in _TABLES},
}
_KINDS = {
    "document_entry": t.Kind.DOCUMENT_ENTRY,
    "submission_set": t.Kind.SUBMISSION_SET,
    "folder": t.Kind.FOLDER,
    "association": t.Kind.ASSOCIATION,
}
# What all UUIDs of an object's Classifications end with.
_RELATED = slice(17, None)
# Ids of other lengths may make an element a little longer than that of its template.
_SMALL_BYTES = t.INDEXED_FRAGMENT_BYTES - 64

# An id that is open, by its kind and the number of its object.
Open = tuple[str, int]
Piece = bytes | Open


@dataclass(frozen=True)
class Template:
    """Some submissions of one patient as lines of COPY, in which ids are open."""

    objects: int
    documents: int
    lines: Mapping[str, Sequence[Sequence[Piece]]]
    # By object: its element as it is written, in which ids are open.
    elements: Sequence[Sequence[Piece]]


@dataclass
class Population:
    """How many patients and documents, and by which seed."""

    patients: int
    documents: int
    seed: int = 1
    counts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        dice = random.Random(self.seed)
        weights = [dice.lognormvariate(0, SPREAD) for _ in range(self.patients)]
        each = self.documents / sum(weights)
        self.counts = [round(weight * each) for weight in weights]


def patient_id(number: int) -> str:
    """The CX of a patient, counted from 1."""
    return f"P{number:09d}^^^&2.999.5&ISO"


def fill(url: str, population: Population) -> Iterator[int]:
    """Fill an empty database, yielding after each part how many documents there are."""
    codes, templates = prepared(population.seed)
    with psycopg.connect(url, autocommit=True) as connection:
        with connection.cursor().copy("COPY code (id, code, scheme) FROM STDIN") as copy:
            for (code, scheme), number in codes.items():
                copy.write_row((number, code, scheme))
        connection.execute("SELECT setval(pg_get_serial_sequence('code', 'id'), %s)", (len(codes),))
        undone = _without_indexes(connection)
        parts = [
            (first, population.counts[first : first + PATIENTS_AT_ONCE])
            for first in range(0, population.patients, PATIENTS_AT_ONCE)
        ]
        written = 0
        with ProcessPoolExecutor(WRITERS) as writers:
            for documents in writers.map(partial(_write, url, templates, population.seed), parts):
                written += documents
                yield written
        connection.execute(
            "SELECT setval(pg_get_serial_sequence('patient', 'id'), %s)", (population.patients,)
        )
        for statement in undone:
            connection.execute(statement)
        connection.execute("VACUUM (ANALYZE)")


def prepared(seed: int) -> tuple[Mapping[tuple[str, str], int], list[Template]]:
    """The codes by their numbers, and the templates."""
    dice = random.Random(seed)
    uuids = count(1)

    def new_uuid() -> str:
        return f"urn:uuid:{next(uuids) + 0xFACE0000:08x}-0000-4000-8000-{next(uuids):012x}"

    written = [letters(dice) for _ in range(TEMPLATES)]
    read = [
        [with_final_metadata(read_submission(etree.fromstring(one)), int(DAY), new_uuid) for one in several]
        for several in written
    ]
    pairs = sorted({pair for several in read for one in several for pair in rows.codes_of(one)})
    codes = {pair: number for number, pair in enumerate(pairs, 1)}
    return codes, [_template(several, codes, new_uuid) for several in read]


def _template(
    submissions: Sequence[Submission], codes: Mapping[tuple[str, str], int], new_uuid: Callable[[], str]
) -> Template:
    """One patient's submissions, every id of them open."""
    objects = [each for one in submissions for each in objects_of(one)]
    numbers = {each.entry_uuid: number for number, each in enumerate(objects, 1)}
    ids: dict[bytes, Open] = {PATIENT.replace("&", "&amp;").encode(): ("patient", 0)}
    written = []
    for number, each in enumerate(objects, 1):
        ids[bare(each.entry_uuid).encode()] = ("uuid", number)
        if not isinstance(each, Association):
            ids[str(each.unique_id).encode()] = ("unique", number)
        base = new_uuid()
        ids[base[_RELATED].encode()] = ("related", number)
        written.append(unpack(stored_element(each, partial(str, base))))
    any_id = re.compile(b"(" + b"|".join(map(re.escape, ids)) + b")")
    elements = [[ids.get(piece, piece) for piece in any_id.split(one)] for one in written]
    replacements = [pair for one in submissions for pair in replacements_in(one)]
    replaced = {numbers[each.target_object] for each in replacements}
    lines: dict[str, list[list[Piece]]] = {table.name: [] for table in _TABLES}
    for number, (each, element) in enumerate(zip(objects, written, strict=True), 1):
        table, row = _row(each, numbers, codes, pack(element))
        if number in replaced:
            row["status"] = t.DEPRECATED
        lines[table.name].append(_line(table, row, number))
        kind = b"\t%d\n" % _KINDS[table.name]
        lines["registered_object"].append([("uuid", number), b"\t", ("id", number), kind])
        if not isinstance(each, Association):
            lines["registered_unique_id"].append([("unique", number), b"\t", ("id", number), kind])
    for pair in replacements:
        old, new = numbers[pair.target_object], numbers[pair.source_object]
        lines["withdrawal"].append([("id", old), b"\t", ("id", new), b"\n"])
    documents = sum(isinstance(each, DocumentEntry) for each in objects)
    return Template(len(objects), documents, lines, elements)


def _row(
    each: RegistryObject, numbers: Mapping[str, int], codes: Mapping[tuple[str, str], int], fragment: bytes
) -> tuple[Table, rows.Row]:
    number = numbers[each.entry_uuid]
    match each:
        case DocumentEntry():
            row = rows.document_entry_row(each, number, 0, codes, fragment)
            if len(fragment) > _SMALL_BYTES:
                row |= {"fragment": None, "large_fragment": fragment}
            return t.document_entry, row
        case SubmissionSet():
            return t.submission_set, rows.submission_set_row(each, number, 0, codes, fragment)
        case Folder():
            return t.folder, rows.folder_row(each, number, 0, codes, fragment)
        case Association():
            return t.association, rows.association_row(each, number, 0, numbers, fragment, int(DAY))


def _line(table: Table, row: rows.Row, number: int) -> list[Piece]:
    """A row as a line of COPY."""
    opened: Mapping[str, Piece] = {
        "id": ("id", number), "patient": ("number", 0), "entry_uuid": ("uuid", number),
        "logical_id": ("uuid", number), "unique_id": ("unique", number),
    }  # fmt: skip
    pieces: list[Piece] = []
    for column in table.columns:
        value = row[column.name]
        if column.name in opened:
            pieces.append(opened[column.name])
        elif column.name in ("source", "target"):
            pieces.append(("id", int(str(value))))
        elif column.name in ("fragment", "large_fragment") and value is not None:
            pieces.append(("element", number))
        else:
            pieces.append(_constant(value))
        pieces.append(b"\t")
    pieces[-1] = b"\n"
    return pieces


def _constant(value: object) -> bytes:
    match value:
        case None:
            return rb"\N"
        case bool():
            return b"t" if value else b"f"
        case bytes():
            return rb"\\x" + value.hex().encode()
        case list():
            each = (str(one).replace("\\", r"\\").replace('"', r"\"") for one in value)
            inside = ",".join(f'"{one}"' for one in each)
            return f"{{{inside}}}".replace("\\", r"\\").encode()
        case _:
            return str(value).encode()


def _write(url: str, templates: Sequence[Template], seed: int, part: tuple[int, Sequence[int]]) -> int:
    """Store some patients with their documents; how many these are."""
    first, counts = part
    dice = random.Random(seed * 1_000_003 + first)
    texts: dict[str, list[bytes]] = {"patient": [], **{table.name: [] for table in _TABLES}}
    documents = 0
    for number, wanted in enumerate(counts, first + 1):
        objects = held = 0
        while held < wanted:
            template = dice.choice(templates)
            for name, lines in _filled(template, number, objects, dice):
                texts[name].append(lines)
            objects += template.objects
            held += template.documents
        documents += held
        texts["patient"].append(f"{number}\t{patient_id(number)}\t{objects}\t{DAY}\n".encode())
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for name, written in texts.items():
            with cursor.copy(f"COPY {name} ({', '.join(_COLUMNS[name])}) FROM STDIN") as copy:
                copy.write(b"".join(written))
    return documents


def _filled(
    template: Template, patient: int, before: int, dice: random.Random
) -> Iterator[tuple[str, bytes]]:
    """The lines of a template, with ids of their own."""
    first = patient * t.OBJECTS_PER_PATIENT + before
    ids: dict[Open, bytes] = {
        ("patient", 0): patient_id(patient).replace("&", "&amp;").encode(),
        ("number", 0): b"%d" % patient,
    }
    for number in range(1, template.objects + 1):
        one = dice.randbytes(16).hex().encode()
        ids["id", number] = b"%d" % (first + number)
        ids["uuid", number] = b"-".join((one[:8], one[8:12], b"4" + one[13:16], b"8" + one[17:20], one[20:]))
        ids["unique", number] = b"2.25.%d" % int(one, 16)
        ids["related", number] = b"-".join((b"", one[28:], b"4" + one[5:8], b"9" + one[1:4], one[12:24]))
    for number, element in enumerate(template.elements, 1):
        xml = b"".join([ids[one] if isinstance(one, tuple) else one for one in element])
        ids["element", number] = rb"\\x" + pack(xml).hex().encode()
    for name, lines in template.lines.items():
        yield name, b"".join([ids[one] if isinstance(one, tuple) else one for line in lines for one in line])


def _without_indexes(connection: psycopg.Connection[Any]) -> list[str]:
    """Take away what would be kept in order row by row; the statements that make it again, all at once."""
    tables = list(_COLUMNS)
    undone: list[str] = []
    for kinds in ("f", "pu"):
        found = connection.execute(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE contype = ANY(%s) AND conrelid::regclass::text = ANY(%s)",
            (list(kinds), tables),
        ).fetchall()
        for table, name, definition in found:
            connection.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"'.encode())
            undone.insert(0, f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
    indexes = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY(%s)",
        (tables,),
    ).fetchall()
    for name, definition in indexes:
        connection.execute(f'DROP INDEX "{name}"'.encode())
        undone.insert(0, definition)
    return undone
