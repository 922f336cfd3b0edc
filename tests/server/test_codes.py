from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hl7v2.datatypes import errors_in_oid
from server.codes import CodeRow, CodeSet, built_in_code_sets, read_code_set, read_codes, write_codes
from server.codes_xml import import_codes, read_codes_xml
from server.toml_file import BadFile, read_toml

LOINC = "2.16.840.1.113883.6.1"
SNOMED_CT = "2.16.840.1.113883.6.96"

CODES_XML = """<?xml version="1.0" encoding="UTF-8"?>
<!-- Version 1 -->
<Codes>
  <CodeType name="typeCode" classScheme="urn:uuid:f0306f51-975f-434e-a61c-c59651d33983">
    <Code code="11502-2" display="Laboratory report" codingScheme="2.16.840.1.113883.6.1" system="http://loinc.org"/>
    <Code code="11502-2" display="Laboratory report, again" codingScheme="2.16.840.1.113883.6.1"/>
  </CodeType>
  <CodeType name="folderCodeList" classScheme="urn:uuid:1ba97051-7806-41a8-a48b-8fce7af683c5">
    <Code code="Referrals" display="" codingScheme="2.999.2"/>
  </CodeType>
  <CodeType name="mimeType">
    <Code code="application/pdf" ext="pdf"/>
  </CodeType>
  <AssigningAuthority id="&amp;2.999.1&amp;ISO" display="RED"/>
</Codes>
"""


def codes_of(scheme):
    return {row.code for row in read_code_set("luxembourg").codes if row.scheme == scheme}


def refusals(read, content, file="codes"):
    with pytest.raises(BadFile) as refused:
        read(content.encode(), file)
    return [str(problem) for problem in refused.value.problems]


def test_a_code_has_an_attribute_a_scheme_and_names():
    """ITI TF-3: 4.2.3.1.2."""
    code_set = read_codes(
        b'mime_types = ["text/xml"]\n'
        b'[[assigning_authority]]\noid = "2.999.1"\nname = "patient"\n'
        b'[[code]]\nattribute = "typeCode"\ncode = "11502-2"\nscheme = "2.16.840.1.113883.6.1"\n'
        b'display = { fr = "Compte-rendu de laboratoire", de = "Laborbericht" }\n',
        "codes.toml",
    )
    assert code_set.mime_types == ("text/xml",)
    assert code_set.assigning_authorities[0].oid == "2.999.1"
    assert code_set.codes[0].display["de"] == "Laborbericht"
    assert code_set.allowed() == {"typeCode": {("11502-2", LOINC)}}


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (
            '\n[[code]]\nattribute = "typCode"\ncode = "1"\nscheme = "2.999"\ndisplay = {}\n',
            [
                "codes:3: code[1].attribute: 'typCode' is no coded attribute, expected one of classCode, "
                "confidentialityCode, eventCodeList, formatCode, healthcareFacilityTypeCode, "
                "practiceSettingCode, typeCode, contentTypeCode, codeList, associationDocumentation"
            ],
        ),
        (
            '[[code]]\nattribute = "typeCode"\ncode = ""\nscheme = "2.999"\ndisplay = { fr_LU = "x" }\n',
            [
                "codes:3: code[1].code: expected some text, found none",
                "codes:5: code[1].display.fr_LU: 'fr_LU' is not a language tag, expected letters and digits "
                "joined by hyphens, such as fr-LU",
            ],
        ),
        (
            '[[code]]\nattribute = "typeCode"\ncode = "1"\nscheme = "2.999"\ndisplay = {}\n'
            '[[code]]\nattribute = "typeCode"\ncode = "1"\nscheme = "2.999"\ndisplay = {}\n',
            ["codes:6: code[2]: typeCode 1 of 2.999 stands here a second time"],
        ),
        (
            'mime_types = [\n"text/xml",\n"pdf"]\n',
            ["codes:3: mime_types[2]: 'pdf' is not a MIME type, expected type/subtype without parameters"],
        ),
        ("[[codes]]\n", ["codes:1: codes: unknown key, did you mean code?"]),
        ("[[code]\n", ["codes:1: not TOML: Expected ']]' at the end of an array declaration"]),
    ],
)
def test_a_bad_code_set_is_refused_with_line_and_reason(text, problems):
    """ITI TF-3: 4.2.3.1.2."""
    assert refusals(read_codes, text) == problems


TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
ROWS = st.builds(
    CodeRow,
    attribute=st.sampled_from(["typeCode", "classCode", "eventCodeList"]),
    code=TEXTS,
    scheme=TEXTS,
    display=st.dictionaries(st.sampled_from(["fr", "de", "en", "lb", "fr-LU"]), TEXTS),
)
CODE_SETS = st.builds(
    CodeSet,
    mime_types=st.lists(st.sampled_from(["text/xml", "image/png"])).map(tuple),
    code=st.lists(ROWS, unique_by=lambda row: (row.attribute, row.code, row.scheme)).map(tuple),
)


@given(CODE_SETS)
def test_what_is_written_reads_back_the_same(code_set):
    """Our own format."""
    assert read_codes(write_codes(code_set).encode(), "codes.toml") == code_set


def flat(key, value):
    yield key
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, child in children:
        yield from flat((*key, name), child)


def test_every_key_of_a_toml_file_has_its_line():
    """TOML 1.0: strings over several lines, dotted and quoted keys, tables in tables, comments."""
    text = (
        '# [no]\ntitle = """\n[not]\na = "1" \\"""" # """\n"quoted key" = 1\na.b."c d" = [ # ]\n  "]",\n'
        "  { x = 1, 'y' = { z = [[], [2]] } },\n]\n[t]\nwhen = 1979-05-27 07:32:00Z\nl = '''\n'[x]'''\n"
        "[[t.u]]\nn = 1\n[t.u.v]\nm = 2\n[[t.u]]\nn = 3\n"
    )
    toml = read_toml(text.encode(), "x")
    assert set(toml.lines) == set(flat((), toml.content)) - {()}
    lines = text.splitlines()
    assert lines[toml.lines["a", "b", "c d", 1, "y", "z"] - 1] == "  { x = 1, 'y' = { z = [[], [2]] } },"
    assert lines[toml.lines["t", "when"] - 1] == "when = 1979-05-27 07:32:00Z"
    assert (toml.lines["t", "u", 0, "v", "m"], toml.lines["t", "u", 1, "n"]) == (17, 19)


def test_the_luxembourg_code_set_names_every_code_in_four_languages():
    """ITI TF-3: 4.2.3.1.2."""
    assert built_in_code_sets() == ("luxembourg",)
    code_set = read_code_set("luxembourg")
    assert all(set(row.display) == {"en", "fr", "de", "lb"} for row in code_set.codes)
    assert not [error for row in code_set.codes for error in errors_in_oid(row.scheme)]


@pytest.mark.parametrize(
    "digits", [row.code for row in read_code_set("luxembourg").codes if row.scheme == LOINC]
)
def test_every_loinc_code_ends_in_its_check_digit(digits):
    """LOINC Users' Guide: the digit after the hyphen is a mod 10 check digit."""
    number, _, check = digits.partition("-")
    assert str(luhn(number)) == check


def luhn(number):
    weighted = [int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(number))]
    return -sum(sum(divmod(value, 10)) for value in weighted) % 10


@pytest.mark.parametrize(
    "digits", [row.code for row in read_code_set("luxembourg").codes if row.scheme == SNOMED_CT]
)
def test_every_snomed_code_ends_in_its_check_digit(digits):
    """SNOMED CT: the last digit of an SCTID is a Verhoeff check digit, the two before it say concept (00)."""
    assert digits[-3:-1] == "00"
    assert verhoeff(digits) == 0


def verhoeff(digits):
    permutation = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
    check = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        for _ in range(place % 8):
            value = permutation[value]
        check = dihedral(check, value)
    return check


def dihedral(a, b):
    """The multiplication of the symmetries of a pentagon: 0-4 turn, 5-9 turn and flip."""
    if a < 5:
        return (a + b) % 5 if b < 5 else 5 + (a + b) % 5
    return 5 + (a - b) % 5 if b < 5 else (a - b) % 5


def test_a_codes_xml_becomes_a_code_set(tmp_path):
    """The format of IHE's test tools: classScheme says which attribute."""
    (tmp_path / "codes.xml").write_text(CODES_XML, encoding="utf-8")
    code_set = import_codes(tmp_path / "codes.xml", tmp_path / "codes.toml")
    assert (tmp_path / "codes.toml").read_text(encoding="utf-8") == (
        'mime_types = ["application/pdf"]\n'
        '\n[[assigning_authority]]\noid = "2.999.1"\nname = "RED"\n'
        '\n[[code]]\nattribute = "typeCode"\ncode = "11502-2"\nscheme = "2.16.840.1.113883.6.1"\n'
        'display = { "en" = "Laboratory report" }\n'
        '\n[[code]]\nattribute = "codeList"\ncode = "Referrals"\nscheme = "2.999.2"\n'
        'display = { "en" = "Referrals" }\n'
    )
    assert read_code_set(str(tmp_path / "codes.toml")) == code_set


@pytest.mark.parametrize(
    ("old", "new", "problems"),
    [
        (
            'classScheme="urn:uuid:f0306f51-975f-434e-a61c-c59651d33983"',
            'classScheme="urn:uuid:0"',
            ["codes:4: typeCode: 'urn:uuid:0' is the classScheme of no coded attribute"],
        ),
        ('codingScheme="2.999.2"', "", ["codes:9: scheme: expected some text, found none"]),
        ('code="Referrals" display=""', 'display="x"', ["codes:9: code: expected some text, found none"]),
        (
            "&amp;2.999.1&amp;ISO",
            "2.999.1",
            [
                "codes:14: oid: '' is not an OID, expected numbers joined by dots, without leading zeros, "
                "such as 2.999.1"
            ],
        ),
        (
            "application/pdf",
            "pdf",
            ["codes:12: mime_types: 'pdf' is not a MIME type, expected type/subtype without parameters"],
        ),
        ("Codes>", "Kodes>", ["codes:3: the root element is Kodes, expected Codes"]),
        (
            "AssigningAuthority",
            "Authority",
            ["codes:14: element Authority, expected CodeType or AssigningAuthority"],
        ),
    ],
)
def test_a_bad_codes_xml_is_refused_with_line_and_reason(old, new, problems):
    """The format of IHE's test tools."""
    assert refusals(read_codes_xml, CODES_XML.replace(old, new)) == problems


def test_a_codes_xml_that_is_no_xml_is_refused_with_its_line():
    """The format of IHE's test tools."""
    (problem,) = refusals(read_codes_xml, "<Codes>\n<CodeType>\n</Codes>\n")
    assert problem.startswith("codes:3: ")


def test_a_file_too_large_to_be_a_code_set_is_not_read(tmp_path):
    """Our own limit."""
    path = tmp_path / "codes.toml"
    with path.open("wb") as file:
        file.truncate(8 * 1024 * 1024 + 1)
    with pytest.raises(BadFile, match="is too large, expected at most 8388608 bytes"):
        read_code_set(str(path))


def test_a_refused_import_leaves_nothing_behind(tmp_path):
    """Our own format."""
    (tmp_path / "codes.xml").write_text("<Codes><x/></Codes>", encoding="utf-8")
    with pytest.raises(BadFile):
        import_codes(tmp_path / "codes.xml", tmp_path / "codes.toml")
    assert not Path(tmp_path / "codes.toml").exists()
