from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hl7v2.datatypes import (
    DTM,
    SHA1,
    Size,
    errors_in_dtm,
    errors_in_language_code,
    errors_in_mime_type,
    errors_in_sha1,
    errors_in_size,
    errors_in_uri,
)

MOMENTS = st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31, 23, 59, 59)).map(
    lambda moment: moment.replace(microsecond=0)
)
PRECISIONS = st.sampled_from([4, 6, 8, 10, 12, 14])


def written(moment: datetime, digits: int = 14) -> str:
    whole = (
        f"{moment.year:04}{moment.month:02}{moment.day:02}"
        f"{moment.hour:02}{moment.minute:02}{moment.second:02}"
    )
    return whole[:digits]


@pytest.mark.parametrize(
    "text",
    ["2024", "202402", "20240229", "2024022923", "202402292359", "20240229235959", "20000229", "00010101"],
)
def test_a_time_is_as_precise_as_its_sender_knew(text):
    """ITI TF-3: Table 4.2.3.1.7-2, DTM."""
    assert list(errors_in_dtm(text)) == []


@pytest.mark.parametrize(
    "text",
    ["", "24", "20241", "202413", "202400", "20240100", "20240132", "2024010124", "202401010060",
     "20240101000060", "20240101000000.0", "20240101000000Z",
     "20240101+0100", "2024-01-01", "0000", " 2024", "2024\n", "٢٠٢٤"],
)  # fmt: skip
def test_a_time_has_digits_only(text):
    """ITI TF-3: Table 4.2.3.1.7-2, DTM."""
    assert list(errors_in_dtm(text)) == [
        f"'{text}' is not a time, expected YYYY[MM[DD[hh[mm[ss]]]]] in UTC, digits only"
    ]


@pytest.mark.parametrize("text", ["20240231", "20230229", "19000229", "20240431", "20240230120000"])
def test_a_time_lies_on_a_day_of_the_calendar(text):
    """ITI TF-3: Table 4.2.3.1.7-2, DTM."""
    assert list(errors_in_dtm(text)) == [
        f"'{text}' is not a day of the calendar, expected a day that {text[:4]}-{text[4:6]} has"
    ]


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("2024", 20240101000000),
        ("202405", 20240501000000),
        ("20240517", 20240517000000),
        ("2024051709", 20240517090000),
        ("202405170908", 20240517090800),
        ("20240517090807", 20240517090807),
    ],
)
def test_a_time_means_the_first_second_it_can_mean(text, bound):
    """ITI TF-2: 3.18.4.1.2.3.4."""
    assert DTM(text).lower_bound == bound
    assert written(DTM(text).start) == str(bound)


def test_only_fourteen_digits_give_the_second():
    """ITI TF-3: 4.2.3.4.6."""
    assert DTM("20240517090807").at_least_seconds
    assert not DTM("202405170908").at_least_seconds


@given(MOMENTS, PRECISIONS)
def test_every_moment_can_be_written_at_every_precision(moment, digits):
    """ITI TF-3: Table 4.2.3.1.7-2, DTM."""
    text = written(moment, digits)
    assert list(errors_in_dtm(text)) == []
    assert DTM(text) == text
    assert DTM(text).start <= moment


@given(MOMENTS, MOMENTS, PRECISIONS)
def test_bounds_rise_with_time(first, second, digits):
    """ITI TF-2: 3.18.4.1.2.3.4."""
    earlier, later = sorted((first, second))
    assert DTM(written(earlier, digits)).lower_bound <= DTM(written(later, digits)).lower_bound
    assert DTM(written(earlier, digits)).lower_bound <= DTM(written(earlier)).lower_bound


@given(st.text(alphabet="0123456789", min_size=8, max_size=8))
def test_eight_digits_are_a_time_exactly_when_they_are_a_day(text):
    """ITI TF-3: Table 4.2.3.1.7-2, DTM."""
    try:
        datetime(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        assert len(list(errors_in_dtm(text))) == 1
    else:
        assert list(errors_in_dtm(text)) == []


def test_a_hash_is_forty_hexadecimal_digits_in_either_case():
    """ITI TF-3: 4.2.3.2.10."""
    assert list(errors_in_sha1("da39a3ee5e6b4b0d3255bfef95601890afd80709")) == []
    assert list(errors_in_sha1("da39")) == ["'da39' is not a SHA-1, expected 40 hexadecimal digits"]
    lower, upper = "da39a3ee5e6b4b0d3255bfef95601890afd80709", "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709"
    assert SHA1(lower).digest == SHA1(upper).digest


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("0", []),
        ("9223372036854775807", []),
        ("9223372036854775808", ["'9223372036854775808' is too large, expected at most 9223372036854775807"]),
        ("-1", ["'-1' is not a number, expected decimal digits only"]),
        ("1e3", ["'1e3' is not a number, expected decimal digits only"]),
        ("", ["'' is not a number, expected decimal digits only"]),
        ("9" * 5000, [f"'{'9' * 100}...' is not a number, expected decimal digits only"]),
    ],
)
def test_a_size_is_a_number_of_bytes(text, errors):
    """ITI TF-3: 4.2.3.2.21."""
    assert list(errors_in_size(text)) == errors


def test_a_size_is_read_when_asked_for():
    """ITI TF-3: 4.2.3.2.21."""
    assert Size("0042").size_bytes == 42


@pytest.mark.parametrize("text", ["application/pdf", "text/xml", "application/hl7-v3+xml", "image/x-MS_bmp"])
def test_a_mime_type_is_type_and_subtype(text):
    """ITI TF-3: 4.2.3.2.15."""
    assert list(errors_in_mime_type(text)) == []


@pytest.mark.parametrize("text", ["", "pdf", "text/", "/xml", "text/xml; charset=UTF-8", "a/b/c"])
def test_a_mime_type_has_no_parameters(text):
    """ITI TF-3: 4.2.3.2.15."""
    assert list(errors_in_mime_type(text)) == [
        f"'{text}' is not a MIME type, expected type/subtype without parameters"
    ]


def test_a_language_is_a_tag():
    """RFC 5646."""
    assert [
        error for text in ("fr-LU", "en", "lb", "de-1996") for error in errors_in_language_code(text)
    ] == []
    assert list(errors_in_language_code("fr_LU")) == [
        "'fr_LU' is not a language tag, expected letters and digits joined by hyphens, such as fr-LU"
    ]


def test_a_uri_has_no_spaces_and_fits_a_value():
    """ITI TF-3: 4.2.3.2.27."""
    assert list(errors_in_uri("IHE_XDM/SUBSET01/DOC%201.XML")) == []
    assert list(errors_in_uri("DOC 1.XML")) == [
        "'DOC 1.XML' is not a URI, expected RFC 2396 characters without spaces"
    ]
    assert list(errors_in_uri("a" * 257)) == [
        f"'{'a' * 100}...' has 257 characters, expected a URI of at most 256"
    ]
