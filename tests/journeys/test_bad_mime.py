"""MTOM that cannot be understood: each case in real bytes, with its exact fault, and nothing of it stored."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from atna_audit.spool import stored_records
from audit_message.read import read_audit_message
from tests.messages import requests
from tests.messages.requests import (
    FAILURE,
    ITI_18,
    ITI_41,
    ITI_43,
    SUCCESS,
    find_documents,
    provide,
    submission,
)
from tests.services.platform import OPEN_DOMAIN, storing_nothing
from tests.wire import (
    MTOM_TYPE,
    Part,
    envelope,
    include,
    multipart,
    post,
    root_part,
    send_and_hang_up,
)


def instead(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """Put one text in the place of another that stands there exactly once."""

    def change(message: bytes) -> bytes:
        assert message.count(old) == 1, old
        return message.replace(old, new)

    return change


def unchanged(message: bytes) -> bytes:
    return message


NO_ELEMENT = "there is no XML element here"
WRONG_TYPE = "the Content-Type must be application/soap+xml or multipart/related; it is "
# For the server to notice that its peer is gone.
PROMPT_SECONDS = 10

DOCUMENT = Part("part1@wire", b"all is well\r\n", "text/plain")


@dataclass(frozen=True)
class BadMime:
    """MTOM that is spoiled: either its parts, or the finished message."""

    reason: str
    parts: tuple[Part, ...] = (DOCUMENT,)
    change: Callable[[bytes], bytes] = unchanged
    content_type: str = MTOM_TYPE
    status: int = 400


def instead_of_id(new: str) -> Callable[[bytes], bytes]:
    return instead(b"Content-ID: <part1@wire>\r\n", new.encode())


def typed(old: str, new: str) -> str:
    assert old in MTOM_TYPE
    return MTOM_TYPE.replace(old, new)


def encoded(content: bytes, encoding: str) -> tuple[Part, ...]:
    return (Part("part1@wire", content, "text/plain", encoding),)


NO_END = "the closing boundary is missing"
NOT_BASE64 = "MIME part 2 is not base64 as its header says"
ENCODINGS = "the Content-Transfer-Encoding of MIME part 2 must be binary, 8bit, 7bit or base64"
TOO_MANY_PARTS = tuple(Part(f"part{number}@wire", b"") for number in range(1, 1002))

MIME = {
    "cut off in the document": BadMime(
        f"the message ends within MIME part 2: {NO_END}", change=lambda m: m[:-20]
    ),
    "cut off in the envelope": BadMime(
        f"the message ends within MIME part 1: {NO_END}", change=lambda m: m[:2000]
    ),
    "cut off in the headers": BadMime(
        "the message ends within the headers of MIME part 2", change=lambda m: m[: m.rindex(b"Content-ID")]
    ),
    "no closing boundary": BadMime(
        f"the message ends within MIME part 2: {NO_END}", change=instead(b"--=_wire--\r\n", b"")
    ),
    "closing boundary without hyphens": BadMime(
        "the message ends within the headers of MIME part 3", change=instead(b"--=_wire--", b"--=_wire")
    ),
    "another boundary": BadMime(
        "no part found with the declared boundary", content_type=typed("=_wire", "=_other")
    ),
    "no boundary": BadMime(
        "the Content-Type multipart/related has no boundary parameter",
        content_type=typed(' boundary="=_wire";', ""),
    ),
    "boundary of 300 characters": BadMime(
        "the boundary is over the limit of 200 characters",
        content_type=typed("=_wire", "x" * 300), status=413,
    ),
    "boundary twice": BadMime(
        "the Content-Type has the parameter boundary twice", content_type=f"{MTOM_TYPE}; boundary=other"
    ),
    "another type": BadMime(
        "the type parameter of multipart/related must be application/xop+xml",
        content_type=typed("application/xop+xml", "text/xml"),
    ),
    "multipart/mixed": BadMime(
        f"{WRONG_TYPE}multipart/mixed", content_type=typed("related", "mixed"), status=415
    ),
    "a form": BadMime(
        f"{WRONG_TYPE}multipart/form-data",
        content_type='multipart/form-data; boundary="=_wire"', status=415,
    ),
    "start names no part": BadMime(
        "no MIME part has the Content-ID that the start parameter names",
        content_type=typed("root@wire", "elsewhere@wire"),
    ),
    "start names the document": BadMime(
        f"the message is not readable XML: {NO_ELEMENT}", content_type=typed("root@wire", "part1@wire")
    ),
    "one Content-ID twice": BadMime(
        "MIME part 3 has the Content-ID of a part before it", parts=(DOCUMENT, DOCUMENT)
    ),
    "no Content-ID": BadMime(
        "MIME part 2 has no Content-ID, so nothing can refer to it", change=instead_of_id("")
    ),
    "two Content-IDs in a part": BadMime(
        "MIME part 2 has two Content-ID headers",
        change=instead_of_id("Content-ID: <part1@wire>\r\nContent-ID: <x@wire>\r\n"),
    ),
    "part without headers": BadMime(
        "MIME part 3 has no headers", change=instead(b"--=_wire--", b"--=_wire\r\n\r\n--=_wire--")
    ),
    "header without a colon": BadMime(
        "MIME part 2 has a header line without a colon", change=instead_of_id("Content-ID <part1@wire>\r\n")
    ),
    "unknown encoding": BadMime(ENCODINGS, parts=encoded(b"all", "quoted-printable")),
    "not base64": BadMime(NOT_BASE64, parts=encoded(b"%%%%", "base64")),
    "base64 cut off": BadMime(NOT_BASE64, parts=encoded(b"YWxsI", "base64")),
    "base64 after its end": BadMime(NOT_BASE64, parts=encoded(b"YQ==YQ==", "base64")),
    "headers without end": BadMime(
        "the header block of MIME part 2 is over the limit of 16384 bytes",
        change=instead_of_id(f"X-Long: {'y' * 70_000}\r\n"), status=413,
    ),
    "closes with its first boundary": BadMime(
        "the message closes with its first boundary and has no part", change=lambda _: b"--=_wire--\r\n"
    ),
    "preamble without end": BadMime(
        "no part found with the declared boundary", change=lambda m: b"x" * 9000 + b"\r\n" + m
    ),
    "href that is missing": BadMime(
        "the href of an xop:Include must be a cid: URL", change=instead(b' href="cid:part1@wire"', b"")
    ),
    "href that is no cid": BadMime(
        "the href of an xop:Include must be a cid: URL", change=instead(b"cid:part1@wire", b"http://wire/part1")
    ),
}  # fmt: skip


@pytest.mark.parametrize("bad", MIME.values(), ids=MIME.keys())
def test_mtom_that_cannot_be_understood_is_a_fault(platform, bad):
    """ITI TF-2: V.3.6; RFC 2046: 5.1; RFC 2387; what came before the fault is not stored."""
    sent = submission(platform.add_patient())
    body = provide(sent.submit_objects_request, ("Document1", include("part1@wire")))
    message = multipart(root_part(envelope(ITI_41, body)), *bad.parts)
    with storing_nothing(platform, sent.patient_id):
        answer = post(platform.repository_url, bad.change(message), bad.content_type)
        assert (answer.status, answer.fault) == (bad.status, ("Sender", None, bad.reason))
    assert answer.headers["content-type"] == "application/soap+xml; charset=UTF-8"


def test_how_long_the_headers_of_a_part_may_be_is_a_setting(fresh_platform):
    """ITI TF-2: V.3.6; `[limits] part_header_size_bytes`, refused as soon as it is known."""
    platform = fresh_platform(toml=f"{OPEN_DOMAIN}\n[limits]\npart_header_size_bytes = 40000\n")
    sent = submission(platform.add_patient())
    body = provide(sent.submit_objects_request, ("Document1", include("part1@wire")))
    message = multipart(root_part(envelope(ITI_41, body)), DOCUMENT)

    def with_header(length: int) -> bytes:
        return instead_of_id(f"Content-ID: <part1@wire>\r\nX-Long: {'y' * length}\r\n")(message)

    answer = post(platform.repository_url, with_header(50_000), MTOM_TYPE)
    reason = "the header block of MIME part 2 is over the limit of 40000 bytes"
    assert (answer.status, answer.fault) == (413, ("Sender", None, reason))
    assert post(platform.repository_url, with_header(30_000), MTOM_TYPE).status_urn == SUCCESS


def test_too_many_parts_are_refused_in_the_transaction(platform):
    """ITI TF-2: 3.41.4.1.3, XDSRepositoryOutOfResources."""
    sent = submission(platform.add_patient())
    body = provide(sent.submit_objects_request, ("Document1", include("part1@wire")))
    with storing_nothing(platform, sent.patient_id):
        message = multipart(root_part(envelope(ITI_41, body)), *TOO_MANY_PARTS)
        answer = post(platform.repository_url, message, MTOM_TYPE)
    assert (answer.status, answer.status_urn) == (200, FAILURE)
    context = "the message is over the limit of 1001 MIME parts"
    assert answer.errors == [("XDSRepositoryOutOfResources", context)]


ANOTHER = Part("part2@wire", b"nobody asked for this", "text/plain")


def test_a_surplus_part_is_refused(platform):
    """ITI TF-2: 3.41.4.1.3; it would be lost without a word."""
    sent = submission(platform.add_patient())
    body = provide(sent.submit_objects_request, ("Document1", include("part1@wire")))
    with storing_nothing(platform, sent.patient_id):
        message = multipart(root_part(envelope(ITI_41, body)), DOCUMENT, ANOTHER)
        answer = post(platform.repository_url, message, MTOM_TYPE)
        assert (answer.status, answer.status_urn) == (200, FAILURE)
        assert answer.errors == [
            ("XDSMissingDocumentMetadata", "no xds:Document refers to the MIME part part2@wire")
        ]
        message = multipart(root_part(envelope(ITI_43, requests.retrieve("2.999.1"))), ANOTHER)
        answer = post(platform.repository_url, message, MTOM_TYPE)
        reason = "the envelope does not refer to the MIME part part2@wire"
        assert (answer.status, answer.fault) == (400, ("Sender", None, reason))
        message = multipart(root_part(envelope(ITI_18, find_documents(sent.patient_id))), ANOTHER)
        answer = post(platform.registry_url, message, MTOM_TYPE)
        reason = "this endpoint takes no MIME parts beside the envelope"
        assert (answer.status, answer.fault) == (400, ("Sender", None, reason))


def test_a_missing_part_is_refused(platform):
    """ITI TF-2: 3.41.4.1.3; both of what is missing and what is there."""
    sent = submission(platform.add_patient(), 2)
    body = provide(
        sent.submit_objects_request,
        ("Document1", include("part1@wire")),
        ("Document2", include("lost@wire")),
    )
    with storing_nothing(platform, sent.patient_id):
        message = multipart(root_part(envelope(ITI_41, body)), DOCUMENT, ANOTHER)
        answer = post(platform.repository_url, message, MTOM_TYPE)
    assert answer.status_urn == FAILURE
    assert answer.errors == [
        (
            "XDSMissingDocument",
            "xds:Document Document2 refers to cid:lost@wire, no MIME part has that Content-ID",
        ),
        ("XDSMissingDocumentMetadata", "no xds:Document refers to the MIME part part2@wire"),
    ]


BAD_CONTENT = {
    "text beside the xop:Include": (
        include("part1@wire") + "YQ==", "xds:Document Document1 has text beside its xop:Include"
    ),
    "two xop:Includes": (include("part1@wire") * 2, "xds:Document must not contain elements"),
    "another element": ("<a/>", "xds:Document must not contain elements"),
    "not base64": ("all is well!", "xds:Document Document1 has content that is not base64"),
    "base64 without its padding": ("YWxsIA", "xds:Document Document1 has content that is not base64"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "context"), BAD_CONTENT.values(), ids=BAD_CONTENT.keys())
def test_content_that_stands_for_no_bytes_is_refused(platform, content, context):
    """XOP 1.0: 3; ITI TF-2: V.3.6."""
    sent = submission(platform.add_patient())
    body = provide(sent.submit_objects_request, ("Document1", content))
    with storing_nothing(platform, sent.patient_id):
        message = multipart(root_part(envelope(ITI_41, body)), DOCUMENT)
        answer = post(platform.repository_url, message, MTOM_TYPE)
    assert (answer.status, answer.status_urn) == (200, FAILURE)
    assert answer.errors == [("XDSRepositoryMetadataError", context)]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_request_whose_sender_goes_away_leaves_nothing(platform, share):
    """ITI TF-2: 3.41.4.1.3; the socket is closed before Content-Length is reached."""
    sent = submission(platform.add_patient())
    body = provide(sent.submit_objects_request, ("Document1", include("part1@wire")))
    part = Part("part1@wire", b"document" * 100_000, "text/plain")
    message = multipart(root_part(envelope(ITI_41, body)), part)
    known = interruptions(platform)
    with storing_nothing(platform, sent.patient_id):
        cut = message[: int(len(message) * share)]
        send_and_hang_up(platform.repository_url, cut, MTOM_TYPE, len(message))
        deadline = time.monotonic() + PROMPT_SECONDS
        while interruptions(platform) == known and time.monotonic() < deadline:
            time.sleep(0.02)
        assert interruptions(platform) == known + 1
    assert platform.provide(sent, b"now whole").status_urn == SUCCESS


def interruptions(platform):
    """How many requests the audit trail says were cut off."""
    told = [
        read_audit_message(record).event.outcome_description
        for spool in platform.audit_spools
        for record in stored_records(spool)
    ]
    return told.count("the peer went away before its request was complete")
