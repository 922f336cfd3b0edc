import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebxml.query_values import NotReadable, query_list, query_text, read_query_value


def read(text: str) -> tuple[list[str], bool]:
    values, listed = read_query_value(text)
    return [value.text for value in values], listed


@pytest.mark.parametrize(
    ("text", "values", "listed"),
    [
        ("20240101", ["20240101"], False),
        ("'20240101'", ["20240101"], False),
        (" 20240101\n", ["20240101"], False),
        ("'P1^^^&2.999.3&ISO'", ["P1^^^&2.999.3&ISO"], False),
        ("'Children''s Hospital'", ["Children's Hospital"], False),
        ("''''", ["'"], False),
        ("''", [""], False),
        ("' a '", [" a "], False),
        ("('a')", ["a"], True),
        ("('a','b')", ["a", "b"], True),
        ("( 'a' ,\n\t'b' )", ["a", "b"], True),
        ("('a,b','c)(')", ["a,b", "c)("], True),
        ("('it''s','''')", ["it's", "'"], True),
        ('("a","b")', ["a", "b"], True),
        ('("say ""a""","it\'s")', ['say "a"', "it's"], True),
        ("(1,2)", ["1", "2"], True),
        ("()", [], True),
        ("( )", [], True),
        ("'a','b'", ["a", "b"], False),
    ],
)
def test_a_value_is_read_as_it_is_spelled(text, values, listed):
    """ITI TF-2: 3.18.4.1.2.3.5; quotation marks stand in one of its own examples."""
    assert read(text) == (values, listed)


def test_only_text_is_quoted():
    """ITI TF-2: 3.18.4.1.2.3.5."""
    values, _ = read_query_value("('1',1,\"1\")")
    assert [value.quoted for value in values] == [True, False, True]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("('a'", "is a list without its closing parenthesis"),
        ("('a','b'", "is a list without its closing parenthesis"),
        ("'a", "is spelled wrong, expected a number, or text in apostrophes that are doubled within"),
        ("'it's'", "has more behind a value, expected a comma or the end"),
        ("'a' and 1=1", "has more behind a value, expected a comma or the end"),
        ("'P1''and 1=1", "has more behind a value, expected a comma or the end"),
        ("('a' 'b')", "has more behind a value, expected a comma or the end"),
        ("('a',)", "is spelled wrong, expected a number, or text in apostrophes that are doubled within"),
        ("(,'a')", "is spelled wrong, expected a number, or text in apostrophes that are doubled within"),
        ("(('a'))", "is spelled wrong, expected a number, or text in apostrophes that are doubled within"),
        ("('a'),('b')", "has more behind a value, expected a comma or the end"),
        ("a b", "has more behind a value, expected a comma or the end"),
        ("", "is spelled wrong, expected a number, or text in apostrophes that are doubled within"),
    ],
)
def test_what_is_spelled_wrong_is_not_guessed_at(text, problem):
    """ITI TF-2: 3.18.4.1.2.3.5."""
    with pytest.raises(NotReadable) as refused:
        read_query_value(text)
    assert str(refused.value) == problem


def test_a_long_value_that_is_wrong_at_its_end_takes_no_longer():
    """A hostile value must not cost more than its length."""
    with pytest.raises(NotReadable):
        read_query_value("'" + "''" * 500_000)
    with pytest.raises(NotReadable):
        read_query_value("(" + "'a'," * 200_000 + "'" + ")")


@given(st.text())
def test_any_text_can_be_spelled(text):
    """ITI TF-2: 3.18.4.1.2.3.5."""
    assert read(query_text(text)) == ([text], False)


@given(st.lists(st.text(max_size=100)))
def test_any_list_can_be_spelled_in_values_that_are_short_enough(texts):
    """ebRIM 3.0: a rim:Value holds 256 characters; a list goes on in the next one."""
    values = query_list(texts)
    assert [text for value in values for text in read(value)[0]] == texts
    assert all(read(value)[1] for value in values)
    assert all(len(value) <= 256 for value in values)


def test_a_list_fills_its_values():
    """ebRIM 3.0: LongName."""
    assert query_list([]) == ()
    assert query_list(["a", "it's"]) == ("('a','it''s')",)
    assert query_list(["a" * 100, "b" * 100, "c" * 100]) == (
        f"('{'a' * 100}','{'b' * 100}')",
        f"('{'c' * 100}')",
    )
