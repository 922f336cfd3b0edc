"""The patient's journal as text, CSV, JSON and PDF/A."""

import csv
import io
from collections.abc import Mapping
from datetime import datetime, tzinfo
from importlib import resources
from typing import Any

from atna_audit import journal_texts as texts
from atna_audit.accesses import Access
from atna_audit.journal import Journal, told
from atna_audit.journal_texts import Language

# What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_FONT = "Noto Sans"
_BOLD = {"wght": 700.0}
# Millimetres of 277 that A4 across leaves; names and titles wrap.
_WIDTHS = (31, 33, 25, 30, 25, 40, 42, 20, 20, 20)
_SIZE_POINTS, _TITLE_POINTS = 7.5, 14


def as_csv(journal: Journal, language: Language, zone: tzinfo) -> bytes:
    """One line for each access, UTF-8 with the BOM by which spreadsheets know it (RFC 4180)."""
    written = io.StringIO(newline="")
    rows = csv.writer(written)
    rows.writerow(text.in_(language) for text in texts.COLUMNS)
    for access in journal.rows:
        rows.writerow(map(_harmless, told(access, language, zone)))
    return written.getvalue().encode("utf-8-sig")


def as_json(journal: Journal, language: Language, zone: tzinfo) -> dict[str, Any]:
    """For programs: what was done in a code that is the same in every language, and in words."""
    return {
        "patient": journal.patient_id,
        "language": str(language),
        "more": journal.more,
        "accesses": [_facts(access, language, zone) for access in journal.rows],
    }


def as_pdf(journal: Journal, language: Language, zone: tzinfo, at: datetime) -> bytes:
    """A document to keep: PDF/A-2u (ISO 19005-2), with its font in it."""
    # Loaded here: nobody else of the server needs half a second of fonts.
    from fpdf import FPDF, FontFace

    class Sheet(FPDF):
        def footer(self) -> None:
            self.set_y(-12)
            self.cell(0, 6, f"{texts.PAGE.in_(language)} {self.page_no()}", align="R")

    sheet = Sheet("L", "mm", "A4", enforce_compliance="PDF/A-2U")
    with resources.as_file(
        resources.files("fontpkg_noto_sans") / "files" / "NotoSans[wdth,wght].ttf"
    ) as font:
        sheet.add_font(_FONT, "", font)
        sheet.add_font(_FONT, "B", font, variations=_BOLD)
    title = texts.TITLE.in_(language)
    sheet.set_title(title)
    sheet.set_lang(language)
    sheet.set_creation_date(at)
    sheet.set_font(_FONT, "", _SIZE_POINTS)
    sheet.add_page()
    sheet.set_font(_FONT, "B", _TITLE_POINTS)
    sheet.cell(0, 9, title, new_x="LMARGIN", new_y="NEXT")
    sheet.set_font(_FONT, "", _SIZE_POINTS)
    said = f"{texts.PATIENT.in_(language)}: {journal.patient_id}"
    made = f"{texts.PRINTED.in_(language)} {at.astimezone(zone):%Y-%m-%d %H:%M:%S %z}"
    sheet.cell(0, 6, f"{said}    {made}", new_x="LMARGIN", new_y="NEXT")
    if not journal.rows:
        sheet.cell(0, 6, texts.NOTHING.in_(language), new_x="LMARGIN", new_y="NEXT")
    with sheet.table(col_widths=_WIDTHS, headings_style=FontFace(emphasis="BOLD")) as table:
        table.row([text.in_(language) for text in texts.COLUMNS])
        for access in journal.rows:
            table.row(list(told(access, language, zone)))
    if journal.more:
        sheet.cell(0, 6, texts.MORE.in_(language), new_x="LMARGIN", new_y="NEXT")
    return bytes(sheet.output())


def _facts(access: Access, language: Language, zone: tzinfo) -> Mapping[str, Any]:
    _, who, profession, establishment, on_behalf_of, what, _, purpose, basis, software = told(
        access, language, zone
    )
    return {
        "at": access.at.astimezone(zone).isoformat(),
        "deed": str(access.deed),
        "what": what,
        "succeeded": access.succeeded,
        "emergency": access.emergency,
        "person": {
            "id": access.person.id,
            "name": who,
            "isMachine": access.person.is_machine,
            "profession": profession,
            "establishment": establishment,
            "onBehalfOf": on_behalf_of,
        },
        "documents": [{"id": one.id, "title": one.title} for one in access.documents],
        "context": {"purpose": purpose, "relationship": basis, "software": software},
        "records": list(access.records),
    }


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
