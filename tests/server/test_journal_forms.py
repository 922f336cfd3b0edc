"""The journal in forms that people keep: CSV (RFC 4180) and PDF/A-2u (ISO 19005-2)."""

import csv
import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pikepdf
import pytest

from atna_audit.accesses import Access, Deed, NamedDocument, Person
from atna_audit.journal import Journal
from atna_audit.journal_texts import Language
from server.journal_forms import as_csv, as_pdf

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Luxembourg")


def journal(number: int, title: str = "Radiographie du thorax « face »") -> Journal:
    access = Access(
        at=NOON,
        deed=Deed.DOCUMENT_OPENED,
        succeeded=True,
        person=Person("<a@idp>", "Dr Zoë Müller-Łuczak", establishment="Hôpital"),
        documents=(NamedDocument("2.999.3.1", title),),
    )
    return Journal("p1^^^&2.999.5&ISO", (access,) * number, more=False)


def test_csv_has_a_line_for_each_access_and_no_formulas():
    written = as_csv(journal(1, "=HYPERLINK(1)"), Language.GERMAN, ZONE)
    assert written.startswith(b"\xef\xbb\xbf")
    header, row = csv.reader(io.StringIO(written.decode("utf-8-sig")))
    assert header[0] == "Datum und Uhrzeit"
    assert row[:2] == ["2030-01-01 13:00:00 +0100", "Dr Zoë Müller-Łuczak"]
    assert row[6] == "'=HYPERLINK(1)"


@pytest.mark.parametrize("rows", [0, 1, 100])
def test_a_pdf_is_one_for_archives(rows):
    """It says so, names its colours, has its fonts in it, and nothing acts (ISO 19005-2: 6.2.2, 6.2.11.4)."""
    with pikepdf.open(io.BytesIO(as_pdf(journal(rows), Language.FRENCH, ZONE, NOON))) as pdf:
        with pdf.open_metadata() as metadata:
            assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("2", "U")
            assert "Journal des accès" in str(metadata["dc:title"])
        assert pdf.Root.Lang == "fr"
        [intent] = pdf.Root.OutputIntents
        assert intent.S == "/GTS_PDFA1"
        assert intent.DestOutputProfile.read_bytes()[36:40] == b"acsp"
        assert "/Encrypt" not in pdf.trailer
        assert not {"/AA", "/JavaScript"} & set(pdf.Root.keys())
        for page in pdf.pages:
            for font in page.Resources.Font.values():
                [descendant] = font.DescendantFonts
                assert "/FontFile2" in descendant.FontDescriptor
                assert "/ToUnicode" in font
        assert len(pdf.pages) == (1 if rows < 2 else len(pdf.pages))
