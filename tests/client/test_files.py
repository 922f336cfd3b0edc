"""What a file is, and that its bytes are those that were measured (ITI TF-3: 4.2.3.2.15)."""

import hashlib

import pytest

from client.errors import BadMetadata, FileChanged
from client.files import CHUNK_BYTES, LocalFile, chunks_of, measured, mime_type_of


@pytest.mark.parametrize(
    ("head", "name", "mime_type"),
    [
        (b"%PDF-1.7\n", "letter", "application/pdf"),
        (b"junk of a scanner\n%PDF-1.4\n", "scan.pdf", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n\0\0", "x.jpg", "image/png"),
        (b"\xff\xd8\xff\xe0", "photo", "image/jpeg"),
        (b"II*\0abc", "fax.tiff", "image/tiff"),
        (b"MM\0*abc", "fax", "image/tiff"),
        (b"\0" * 128 + b"DICM", "image", "application/dicom"),
        (b'<?xml version="1.0"?><a/>', "report.cda", "text/xml"),
        (b'\xef\xbb\xbf\n<ClinicalDocument xmlns="urn:hl7-org:v3">', "x", "text/xml"),
        ('<?xml version="1.0"?>'.encode("utf-16"), "x", "text/xml"),
        ("Lëtzebuerg".encode(), "note", "text/plain"),
        ("Lëtzebuerg".encode()[:-9], "note.txt", "text/plain"),
        (b"a;b\n", "values.csv", "text/csv"),
        (b"<p>no namespace", "page.html", "text/html"),
        (b"\0\x01\x02", "sound.mp3", "audio/mpeg"),
        (b"\0\x01\x02", "thing", "application/octet-stream"),
        (b"", "empty.pdf", "application/pdf"),
        (b"", "empty", "application/octet-stream"),
    ],
)
def test_content_goes_before_the_name(head, name, mime_type):
    """ITI TF-3: 4.2.3.2.15."""
    assert mime_type_of(head, name) == mime_type


def test_a_name_that_promises_something_else_is_not_believed():
    with pytest.raises(
        BadMetadata, match=r"report\.pdf is named like application/pdf, but its content is something else"
    ):
        mime_type_of(b"<html>Please log in", "report.pdf")


def test_size_and_hash_are_those_of_all_bytes(tmp_path):
    """ITI TF-3: 4.2.3.2.10, 4.2.3.2.21."""
    content = b"%PDF-" + bytes(range(256)) * 4096 + b"\r\n"
    (tmp_path / "a.pdf").write_bytes(content)
    file = measured(tmp_path / "a.pdf")
    assert file == LocalFile(
        tmp_path / "a.pdf",
        "application/pdf",
        len(content),
        hashlib.sha1(content, usedforsecurity=False).hexdigest(),
    )
    assert b"".join(chunks_of(file)) == content


def test_the_type_may_be_said(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    assert measured(tmp_path / "a", "application/x-own").mime_type == "application/x-own"


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(BadMetadata, match=r"nothing\.pdf cannot be read: No such file"):
        measured(tmp_path / "nothing.pdf")


@pytest.mark.parametrize("change", [b"", b"short", b"%PDF-other bytes", b"%PDF-first bytes and more"])
def test_a_file_that_changes_before_it_is_sent_is_noticed(tmp_path, change):
    """ITI TF-3: 4.2.3.2.10: what was hashed is what is sent."""
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-first bytes")
    file = measured(path)
    path.write_bytes(change)
    with pytest.raises(FileChanged):
        list(chunks_of(file))


def test_a_file_is_held_in_memory_by_the_chunk(tmp_path):
    (tmp_path / "a").write_bytes(b"a" * (3 * CHUNK_BYTES + 1))
    assert [len(chunk) for chunk in chunks_of(measured(tmp_path / "a"))] == [CHUNK_BYTES] * 3 + [1]
