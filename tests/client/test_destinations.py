"""Files for fetched documents: named after titles, wherever a title comes from."""

import pytest

from client.destinations import destinations
from client.errors import FileIsThere
from tests.messages.submissions import document_entry, text


def names(tmp_path, *entries, overwrite=False):
    return [path.name for path in destinations(entries, tmp_path, overwrite)]


@pytest.mark.parametrize(
    ("title", "mime_type", "name"),
    [
        ("Lettre de sortie", "application/pdf", "Lettre_de_sortie.pdf"),
        ("../../etc/passwd", "text/plain", "etc_passwd.txt"),
        ("C:\\x\0y", "image/jpeg", "C_x_y.jpg"),
        (".hidden", "text/xml", "hidden.xml"),
        ("a" * 200, "image/png", "a" * 60 + ".png"),
        ("///", "application/x-unheard-of", "document.bin"),
    ],
)
def test_a_title_becomes_a_name_that_stays_in_its_directory(tmp_path, title, mime_type, name):
    assert names(tmp_path, document_entry(title=text(title), mime_type=mime_type)) == [name]


def test_without_a_title_the_unique_id_names_the_file(tmp_path):
    assert names(tmp_path, document_entry(title=(), unique_id="2.999.5^7", mime_type="text/xml")) == [
        "2.999.5_7.xml"
    ]


def test_equal_titles_are_numbered(tmp_path):
    upper, lower = (document_entry(title=text(title), mime_type="text/xml") for title in ("Report", "report"))
    assert names(tmp_path, upper, lower, upper) == ["Report.xml", "report_2.xml", "Report_3.xml"]


def test_nothing_is_overwritten_unasked(tmp_path):
    entry = document_entry(title=text("a"), mime_type="text/xml")
    (tmp_path / "a.xml").touch()
    with pytest.raises(FileIsThere, match=r"a\.xml"):
        names(tmp_path, entry)
    assert names(tmp_path, entry, overwrite=True) == ["a.xml"]
