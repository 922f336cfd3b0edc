"""What a registry takes from an ADT message, and everything for which it cannot (ITI TF-2: 3.8.4)."""

import pytest

from hl7v2.adt import PatientIdDomain, errors_in_adt, patient_id_of, prior_patient_id_of, read_adt
from hl7v2.conditions import FieldError
from ihe.patient_identity_feed import (
    ITI_8_ADD,
    ITI_8_MERGE,
    ITI_8_UPDATE,
    PATIENT_IDENTIFIER_LIST,
    PRIOR_PATIENT_IDENTIFIER_LIST,
)

# The two messages of an identity source, as they stand on the wire.
A01 = """MSH|^~\\&|SRC|FAC|REG|XAD|20300101120000||ADT^A01^ADT_A01|m1|P|2.3.1
EVN|A01|20300101120000
PID|||p1^^^&2.999.5&ISO||Doe^Jane||19700101|F
PV1||O""".replace("\n", "\r")
A40 = """MSH|^~\\&|SRC|FAC|REG|XAD|20300101120100||ADT^A40^ADT_A39|m2|P|2.3.1
EVN|A40|20300101120100
PID|||p1^^^&2.999.5&ISO||Doe^Jane
MRG|p2^^^&2.999.5&ISO""".replace("\n", "\r")

DOMAIN = PatientIdDomain(frozenset({"2.999.5"}), {"XAD": "2.999.5"})


def read(text: str, *changes: tuple[str, str]):
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return read_adt(text.encode())


def errors(text: str, *changes: tuple[str, str]) -> list[tuple[str, str]]:
    """Condition code and place of every error."""
    return [
        (error.condition.code, f"{error.field.segment}^{error.sequence}^{error.field.number or ''}")
        for error in errors_in_adt(read(text, *changes))
    ]


def test_the_sample_messages_are_without_error():
    """ITI TF-2: 3.8.4.1.2, 3.8.4.2.2."""
    assert (errors(A01), errors(A40)) == ([], [])
    message = read(A40)
    assert (message.sending_application, message.sending_facility) == ("SRC", "FAC")
    assert (message.receiving_application, message.receiving_facility) == ("REG", "XAD")
    assert (message.control_id, message.version, message.processing_id) == ("m2", "2.3.1", "P")
    assert patient_id_of(message.patient_ids, PATIENT_IDENTIFIER_LIST, DOMAIN) == "p1^^^&2.999.5&ISO"
    assert prior_patient_id_of(message, DOMAIN) == "p2^^^&2.999.5&ISO"


@pytest.mark.parametrize(
    ("event", "kind"),
    [("A01", ITI_8_ADD), ("A04", ITI_8_ADD), ("A05", ITI_8_ADD), ("A08", ITI_8_UPDATE), ("A40", ITI_8_MERGE)],
)
def test_every_trigger_event_of_the_feed_is_known(event, kind):
    """ITI TF-2: 3.8.4.1.1, 3.8.4.2.1."""
    assert read(A01, ("ADT^A01^ADT_A01", f"ADT^{event}")).kind is kind


@pytest.mark.parametrize("version", ["2.3", "2.3.1", "2.5", "2.5^FRA"])
def test_other_versions_are_read_alike_and_without_an_event_segment(version):
    """ITI TF-2: 3.8.4.1.2.1: the NIST tools send 2.3 and 2.5, and no EVN."""
    assert errors(A01, ("2.3.1", version), ("EVN|A01|20300101120000\r", "")) == []


def test_an_event_may_stand_in_its_own_segment():
    """HL7 v2.3: 2.24.1.9."""
    assert read(A01, ("ADT^A01^ADT_A01", "ADT")).kind is ITI_8_ADD


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("ADT^A01^ADT_A01", "ORU^R01", ("200", "MSH^1^9")),
        ("ADT^A01^ADT_A01", "ADT^A03", ("201", "MSH^1^9")),
        ("ADT^A01^ADT_A01", "ADT^A43", ("201", "MSH^1^9")),
        ("ADT^A01^ADT_A01", "", ("101", "MSH^1^9")),
        ("|m1|", "||", ("101", "MSH^1^10")),
        ("|m1|", "|" + "m" * 200 + "|", ("102", "MSH^1^10")),
        ("|m1|", "|m\x07|", ("102", "MSH^1^10")),
        ("|P|", "||", ("101", "MSH^1^11")),
        ("|P|", "|X|", ("202", "MSH^1^11")),
        ("|2.3.1", "|", ("101", "MSH^1^12")),
        ("|2.3.1", "|3.0", ("203", "MSH^1^12")),
        ("|2.3.1", "|2.3.1||||||KLINGON", ("103", "MSH^1^18")),
        ("PID|||p1^^^&2.999.5&ISO", "PID|||", ("101", "PID^1^3")),
        ("PID|||p1^^^&2.999.5&ISO", 'PID|||""', ("101", "PID^1^3")),
        ("PID|||p1^^^&2.999.5&ISO", "ZID|||p1^^^&2.999.5&ISO", ("100", "PID^1^")),
        ("PV1||O", "PID|||p2^^^&2.999.5&ISO", ("100", "PID^2^")),
        ("PV1||O", "MSH|^~\\&|SRC|FAC|REG|XAD|2030||ADT^A01|m9|P|2.3.1", ("100", "MSH^2^")),
    ],
)
def test_what_is_wrong_is_named_by_segment_and_field(old, new, error):
    """ITI TF-2: 3.8.4.1.2; HL7 table 0357."""
    assert errors(A01, (old, new)) == [error]


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("MRG|p2^^^&2.999.5&ISO", "MRG|", ("101", "MRG^1^1")),
        ("MRG|p2^^^&2.999.5&ISO", "ZRG|p2", ("100", "MRG^1^")),
        ("MRG|p2^^^&2.999.5&ISO", "MRG|p2^^^&2.999.5&ISO\rMRG|p3^^^&2.999.5&ISO", ("100", "MRG^2^")),
        ("EVN|A40|20300101120100", "MRG|p2^^^&2.999.5&ISO", ("100", "MRG^2^")),
    ],
)
def test_a_merge_needs_one_segment_with_what_is_subsumed(old, new, error):
    """ITI TF-2: 3.8.4.2.2."""
    assert error in errors(A40, (old, new))


def test_a_merge_segment_stands_behind_its_patient():
    """ITI TF-2: 3.8.4.2.2."""
    changes = (("EVN|A40|20300101120100", "MRG|p2^^^&2.999.5&ISO"), ("\rMRG|p2^^^&2.999.5&ISO", "\rZZZ"))
    assert errors(A40, *reversed(changes)) == [("100", "MRG^1^")]


def test_every_error_is_named_not_only_the_first():
    """HL7 v2.3.1: 2.24.5.1."""
    found = errors(A40, ("|m2|", "||"), ("|P|", "|X|"), ("p1^^^&2.999.5&ISO", ""), ("p2^^^&2.999.5&ISO", ""))
    assert found == [("101", "MSH^1^10"), ("202", "MSH^1^11"), ("101", "MRG^1^1"), ("101", "PID^1^3")]


def test_a_message_of_another_kind_is_not_asked_for_its_patient():
    """What is missing by the rules of ITI-8 may be right there."""
    assert errors(A01, ("ADT^A01^ADT_A01", "ORU^R01"), ("PID", "ZZZ")) == [("200", "MSH^1^9")]


@pytest.mark.parametrize(
    "repetitions",
    [
        "p1^^^&2.999.5&ISO",
        "p1^^^XAD",
        "p1^^^XAD&2.999.5&ISO",
        "p1^^^OTHER&2.999.5&ISO",
        "x^^^&2.999.77&ISO~p1^^^&2.999.5&ISO~p9^^^&2.999.5&ISO",
        "x~p1^^^XAD^PI",
        "p1^4^M10^&2.999.5&ISO^PI",
        "p1^^^&2.999.5",
    ],
)
def test_the_first_id_of_the_domain_is_taken_in_the_form_of_metadata(repetitions):
    """ITI TF-2: 3.8.4.1.2.3: by OID where there is one, else by the namespace that is configured."""
    found = patient_id_of(tuple(repetitions.split("~")), PATIENT_IDENTIFIER_LIST, DOMAIN)
    assert found == "p1^^^&2.999.5&ISO"


@pytest.mark.parametrize("repetition", ["p1", "p1^^^&2.999.77&ISO", "p1^^^ELSE", "p1^^^&2.999.5&DNS", "^^^"])
def test_ids_of_other_authorities_are_none_of_ours(repetition):
    """ITI TF-2: 3.8.4.1.3."""
    assert patient_id_of((repetition,), PATIENT_IDENTIFIER_LIST, DOMAIN) is None


@pytest.mark.parametrize(
    ("repetition", "code", "text"),
    [
        ("^^^&2.999.5&ISO", "101", "no id in component 1, authority 2.999.5"),
        ('""^^^&2.999.5&ISO', "101", "no id in component 1, authority 2.999.5"),
        (
            "p1^^^XAD&2.999.77&ISO",
            "102",
            "'XAD' is the authority 2.999.5 here, and the field says '2.999.77'",
        ),
        ("p\\H\\1^^^&2.999.5&ISO", "102", "an escape in component 1 stands for no character"),
        ("p\udce91^^^&2.999.5&ISO", "102", "component 1 has bytes that MSH-18 does not account for"),
        ("p\t1^^^&2.999.5&ISO", "102", "component 1 has characters that cannot be printed"),
        (
            "p" * 250 + "^^^&2.999.5&ISO",
            "102",
            "265 characters with the authority, expected at most 256",
        ),
    ],
)
def test_an_id_of_the_domain_that_cannot_be_used_is_an_error(repetition, code, text):
    """ITI TF-2: 3.8.4.1.2.3."""
    found = patient_id_of((repetition,), PATIENT_IDENTIFIER_LIST, DOMAIN)
    assert isinstance(found, FieldError)
    assert (found.condition.code, found.field.segment, found.field.number) == (code, "PID", 3)
    assert found.text == text


def test_of_two_ids_to_subsume_none_is_chosen():
    """ITI TF-2: 3.8.4.2: one message merges one pair."""
    both = ("MRG|p2^^^&2.999.5&ISO", "MRG|p2^^^&2.999.5&ISO~p3^^^XAD~x^^^&2.999.77&ISO")
    found = prior_patient_id_of(read(A40, both), DOMAIN)
    assert isinstance(found, FieldError)
    assert found == FieldError(
        found.condition, PRIOR_PATIENT_IDENTIFIER_LIST, "2 ids of this domain, expected one a message"
    )
    same = ("MRG|p2^^^&2.999.5&ISO", "MRG|p2^^^&2.999.5&ISO~p2^^^XAD")
    assert prior_patient_id_of(read(A40, same), DOMAIN) == "p2^^^&2.999.5&ISO"
