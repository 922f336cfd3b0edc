"""Patients come in by HL7 v2 and V3, are merged, and every query follows (ITI TF-2: 3.8, 3.44)."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from atna_audit.spool import stored_records
from audit_message.read import read_audit_message
from tests.messages import requests
from tests.messages.requests import FAILURE, SUCCESS
from tests.services.platform import OPEN_DOMAIN, Platform
from tests.services.ports import free_port
from tests.wire import envelope, post

# The two messages of an identity source, as they stand on the wire.
A01 = (
    b"MSH|^~\\&|SRC|FAC|REG|XAD|20300101120000||ADT^A01^ADT_A01|m1|P|2.3.1\r"
    b"EVN|A01|20300101120000\r"
    b"PID|||p1^^^&2.999.5&ISO||Doe^Jane||19700101|F\r"
    b"PV1||O\r"
)
A40 = (
    b"MSH|^~\\&|SRC|FAC|REG|XAD|20300101120100||ADT^A40^ADT_A39|m2|P|2.3.1\r"
    b"EVN|A40|20300101120100\r"
    b"PID|||p1^^^&2.999.5&ISO||Doe^Jane\r"
    b"MRG|p2^^^&2.999.5&ISO\r"
)
P1, P2, P3 = (f"p{n}^^^&2.999.5&ISO" for n in (1, 2, 3))
MERGE_V3 = "urn:hl7-org:v3:PRPA_IN201304UV02"
REVISE_V3 = "urn:hl7-org:v3:PRPA_IN201302UV02"

SOCKET_TIMEOUT_SECONDS = 20


class Source:
    """An identity source with one open connection, which shares no code with what it talks to."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = b""

    def send(self, *pieces: bytes) -> None:
        """Bytes as they are, each piece in a packet of its own."""
        for piece in pieces:
            self._connection.sendall(piece)

    def answer(self) -> list[str]:
        """The segments of the next acknowledgement."""
        while b"\x1c\r" not in self._received:
            data = self._connection.recv(4096)
            assert data, f"the connection ended after {self._received!r}"
            self._received += data
        frame, _, self._received = self._received.partition(b"\x1c\r")
        assert frame.startswith(b"\x0b")
        return frame[1:].decode().split("\r")[:-1]

    def ended(self) -> bool:
        """Whether the other side closed."""
        return self._connection.recv(1) == b""

    def tell(self, message: bytes) -> list[str]:
        """One message, and MSA and ERR of its acknowledgement."""
        self.send(b"\x0b" + message + b"\x1c\r")
        return self.answer()[1:]


@contextmanager
def source(port: int) -> Iterator[Source]:
    with socket.create_connection(("127.0.0.1", port), SOCKET_TIMEOUT_SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield Source(connection)


@contextmanager
def listening(fresh_platform, **options) -> Iterator[tuple[Platform, Source]]:
    """A platform of its own with an open HL7 v2 feed."""
    port = free_port()
    feed = f'\n[identity]\nmllp_port = {port}\nnamespaces = {{ XAD = "2.999.5" }}\n'
    platform = fresh_platform(toml=OPEN_DOMAIN + feed, **options)
    with source(port) as one:
        yield platform, one


def added(patient_id: str, event: str = "A01") -> bytes:
    return A01.replace(P1.encode(), patient_id.encode()).replace(b"ADT^A01", b"ADT^" + event.encode())


def merged(surviving: str, subsumed: str) -> bytes:
    id_of = A40.replace(P2.encode(), b"%s").replace(P1.encode(), b"%s")
    return id_of % (surviving.encode(), subsumed.encode())


def merged_v3(surviving: str, subsumed: str) -> str:
    """The message of a record added, made to one of duplicates resolved."""
    id, _, rest = subsumed.partition("^^^&")
    replacement = (
        '<replacementOf typeCode="RPLC"><priorRegistration classCode="REG" moodCode="EVN">'
        '<statusCode code="obsolete"/><subject1 typeCode="SBJ"><priorRegisteredRole classCode="PAT">'
        f'<id root="{rest.removesuffix("&ISO")}" extension="{id}"/>'
        "</priorRegisteredRole></subject1></priorRegistration></replacementOf></registrationEvent>"
    )
    message = requests.patient_added(surviving).replace("201301", "201304")
    return message.replace("</registrationEvent>", replacement)


def acknowledged(platform: Platform, action: str, body: str) -> tuple[str, list[str]]:
    answer = post(platform.registry_url, envelope(action, body))
    (code,) = answer.found("typeCode")
    details = [detail.find("{*}code") for detail in answer.found("acknowledgementDetail")]
    return str(code.get("code")), [str(one.get("code")) for one in details if one is not None]


def provided(platform: Platform, patient_id: str) -> str:
    """The uniqueId of a new document of this patient."""
    given = requests.submission(patient_id, with_folder=True)
    answer = platform.provide(given, b"a letter")
    assert (answer.status_urn, answer.errors) == (SUCCESS, [])
    return given.unique_ids[0]


def patient_ids_in(platform: Platform, patient_id: str) -> set[str]:
    """Every patientId in an answer with everything that the patient has."""
    answer = platform.query(requests.get_all(patient_id))
    return {
        str(one.get("value"))
        for one in answer.found("ExternalIdentifier")
        if str(one.find(".//{*}LocalizedString[@value]").get("value")).endswith(".patientId")  # type: ignore[union-attr]  # it has one
    }


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


def test_patients_fed_and_merged_by_hl7_v2_are_one_in_every_answer(database, fresh_platform):
    """ITI TF-2: 3.8.4.1.3, 3.8.4.2.3; a submission may follow the acknowledgement at once."""
    with listening(fresh_platform, database_url=database) as (platform, feed):
        assert feed.tell(A01) == ["MSA|AA|m1"]
        first = provided(platform, P1)
        assert feed.tell(added(P2, "A04")) == ["MSA|AA|m1"]
        second = provided(platform, P2)
        assert feed.tell(A40) == ["MSA|AA|m2"]
        assert sorted(platform.documents_of(P1)) == sorted([first, second])
        assert platform.documents_of(P2) == []
        assert patient_ids_in(platform, P1) == {P1}
        refused = platform.provide(requests.submission(P2), b"too late")
        assert (refused.status_urn, refused.codes) == (FAILURE, ["XDSUnknownPatientId"])
        assert feed.tell(added(P3, "A05")) == ["MSA|AA|m1"]
        assert feed.tell(merged(P3, P1)) == ["MSA|AA|m2"]
        assert sorted(platform.documents_of(P3)) == sorted([first, second])
        assert platform.retrieve(first, second).status_urn == SUCCESS
        assert patient_ids_in(platform, P3) == {P3}


def test_patients_fed_and_merged_by_hl7_v3_are_one_in_every_answer(database, fresh_platform):
    """ITI TF-2: 3.44.4.1.3, 3.44.4.2.3."""
    platform = fresh_platform(database_url=database)
    one, other = platform.add_patient(), platform.add_patient()
    documents = [provided(platform, one), provided(platform, other)]
    assert acknowledged(platform, MERGE_V3, merged_v3(one, other)) == ("CA", [])
    assert sorted(platform.documents_of(one)) == sorted(documents)
    assert platform.documents_of(other) == []
    assert patient_ids_in(platform, one) == {one}
    refused = platform.provide(requests.submission(other), b"too late")
    assert refused.codes == ["XDSUnknownPatientId"]
    assert acknowledged(platform, MERGE_V3, merged_v3(other, one)) == ("CE", ["KEY204"])
    revised = requests.patient_added(one).replace("201301", "201302")
    assert acknowledged(platform, REVISE_V3, revised) == ("CA", [])


def test_what_cannot_be_taken_is_acknowledged_by_segment_and_field(fresh_platform):
    """ITI TF-2: 3.8.4, C.2.3; HL7 table 0357; the connection goes on after each."""
    with listening(fresh_platform) as (platform, feed):
        for message, expected in (
            (b"garbage", ["MSA|AR||", "MSH^1^^100&"]),
            (A01.replace(b"ADT^A01^ADT_A01", b"ORU^R01"), ["MSA|AR|m1|", "MSH^1^9^200&"]),
            (A01.replace(b"ADT^A01^ADT_A01", b"ADT^A03"), ["MSA|AR|m1|", "MSH^1^9^201&"]),
            (A01.replace(b"|P|", b"|Q|"), ["MSA|AR|m1|", "MSH^1^11^202&"]),
            (A01.replace(b"2.3.1", b"3.1"), ["MSA|AR|m1|", "MSH^1^12^203&"]),
            (A01.replace(b"|m1|", b"||"), ["MSA|AE||", "MSH^1^10^101&"]),
            (A01.replace(b"2.3.1", b"2.3.1||||||EBCDIC"), ["MSA|AE|m1|", "MSH^1^18^103&"]),
            (A01.replace(b"PID|||p1^^^&2.999.5&ISO", b"PID|||"), ["MSA|AE|m1|", "PID^1^3^101&"]),
            (A01.replace(b"PID|", b"ZID|"), ["MSA|AE|m1|", "PID^1^^100&"]),
            (A01.replace(b"p1^", b"p\\Z9\\^"), ["MSA|AE|m1|", "PID^1^3^102&"]),
            (A40.replace(b"MRG|p2^^^&2.999.5&ISO", b"MRG|"), ["MSA|AE|m2|", "MRG^1^1^101&"]),
            (A40, ["MSA|AE|m2|", "MRG^1^1^204&"]),
            (merged(P1, P1), ["MSA|AE|m2|", "MRG^1^1^205&"]),
        ):
            msa, err = feed.tell(message)
            assert msa.startswith(expected[0]), (message, msa)
            assert err.startswith(f"ERR|{expected[1]}"), (message, err)
            assert err.endswith("&HL70357")
        assert feed.tell(added(P2)) == ["MSA|AA|m1"]
        assert feed.tell(merged(P1, P2))[1].startswith("ERR|PID^1^3^204&")
        assert platform.provide(requests.submission(P2), b"still active").status_urn == SUCCESS
        assert platform.provide(requests.submission(P1), b"never known").codes == ["XDSUnknownPatientId"]
        assert "p1" not in platform.log


def test_frames_may_be_cut_anywhere_and_come_many_at_once(fresh_platform):
    """HL7 v2.3.1: C.4."""
    with listening(fresh_platform) as (_, feed):
        frame = b"\x0b" + A01 + b"\x1c\r"
        for cut in range(1, len(frame)):
            feed.send(frame[:cut], frame[cut:])
            assert feed.answer()[1:] == ["MSA|AA|m1"], cut
        feed.send(*(frame[n : n + 1] for n in range(len(frame))))
        assert feed.answer()[1:] == ["MSA|AA|m1"]
        feed.send(b"\r\n".join(b"\x0b" + A01.replace(b"m1", b"c%d" % n) + b"\x1c\r" for n in range(20)))
        assert [feed.answer()[1] for _ in range(20)] == [f"MSA|AA|c{n}" for n in range(20)]


def test_a_stream_that_is_no_mllp_is_told_so_and_ends(fresh_platform):
    """HL7 v2.3.1: C.4: a frame within a frame cannot be put right."""
    with listening(fresh_platform) as (platform, feed):
        feed.send(b"\x0b" + A01 + b"\x0b" + A01 + b"\x1c\r")
        assert feed.answer()[1] == "MSA|AR||MSH: a frame began inside of another one"
        assert feed.ended()
        (alert,) = (one for one in records_of(platform) if one[0] == "unreadable-message")
        assert alert == ("unreadable-message", "E", 4, None, "")


def test_delimiters_character_sets_and_namespaces_are_those_of_the_message(fresh_platform):
    """HL7 v2.3.1: 2.7; ITI TF-2: 3.8.4.1.2.3."""
    with listening(fresh_platform) as (platform, feed):
        other = A01.replace(b"|", b"#").replace(b"^~\\&", b"$%!@").replace(b"^", b"$").replace(b"&", b"@")
        assert feed.tell(other) == ["MSA|AA|m1"]
        assert platform.provide(requests.submission(P1), b"known").status_urn == SUCCESS
        named = A01.replace(b"p1^^^&2.999.5&ISO", b"MRN7^^^OTHER~p2^^^XAD").replace(b"2.3.1", b"2.5")
        assert feed.tell(named) == ["MSA|AA|m1"]
        assert platform.provide(requests.submission(P2), b"known").status_urn == SUCCESS
        accented = A01.replace(b"p1^", "pé^".encode()).replace(b"2.3.1", b"2.3.1||||||UNICODE UTF-8")
        assert feed.tell(accented) == ["MSA|AA|m1"]
        assert platform.provide(requests.submission("pé^^^&2.999.5&ISO"), b"known").status_urn == SUCCESS
        assert feed.tell(A01.replace(b"p1^", b"p\xe9^"))[1].startswith("ERR|PID^1^3^102&")


def test_every_message_is_in_the_audit_trail(fresh_platform):
    """ITI TF-2: 3.8.5.1, 3.44.5.1: a merge tells the end of one record and the change of the other."""
    with listening(fresh_platform) as (platform, feed):
        feed.tell(A01)
        feed.tell(added(P2, "A08"))
        feed.tell(added(P2))
        feed.tell(A40)
        feed.tell(A40.replace(b"p1^", b"p9^"))
        assert acknowledged(platform, MERGE_V3, merged_v3(P1, P2)) == ("CA", [])
        assert [one for one in records_of(platform) if one[0] in ("ITI-8", "ITI-44")] == [
            ("ITI-8", "C", 0, P1, "MSH-10=m1"),
            ("ITI-8", "U", 0, P2, "MSH-10=m1"),
            ("ITI-8", "C", 0, P2, "MSH-10=m1"),
            ("ITI-8", "D", 0, P2, "MSH-10=m2"),
            ("ITI-8", "U", 0, P1, "MSH-10=m2"),
            ("ITI-8", "D", 4, P2, "MSH-10=m2"),
            ("ITI-8", "U", 4, "p9^^^&2.999.5&ISO", "MSH-10=m2"),
            ("ITI-44", "D", 0, P2, "II"),
            ("ITI-44", "U", 0, P1, "II"),
        ]


def records_of(platform: Platform) -> list[tuple[str, str, int, str | None, str]]:
    """EventTypeCode, action, outcome, patient and message of each record, in their order."""
    found = []
    for record in (one for spool in platform.audit_spools for one in stored_records(spool)):
        message = read_audit_message(record)
        patients = [one for one in message.objects if one.role == "1"]
        details = [one for one in patients[0].details if one.type != "Access Decision"] if patients else []
        said = "".join(f"{one.type}={one.value}" if one.type == "MSH-10" else one.type for one in details)
        patient = patients[0].id if patients else None
        event = message.event
        found.append((event.type_codes[0].code, str(event.action), int(event.outcome), patient, said))
    return found


def test_a_merge_survives_a_restart_and_the_same_one_is_accepted_again(fresh_platform):
    """ITI TF-2: 3.8.4.2: what was acknowledged is there, and a source may repeat what it did not hear of."""
    with listening(fresh_platform) as (platform, feed):
        feed.tell(A01)
        feed.tell(added(P2))
        document = provided(platform, P2)
        assert feed.tell(A40) == ["MSA|AA|m2"]
        platform.kill()
    with listening(fresh_platform) as (platform, feed):
        assert platform.documents_of(P1) == [document]
        assert feed.tell(A40) == ["MSA|AA|m2"]
        assert platform.documents_of(P1) == [document]


def test_without_a_port_nobody_listens(platform):
    """The feed is off until somebody wants it."""
    assert "mllp" not in platform.log
