"""What the tests of the judge change one thing in, and how they read what was found."""

from conformance.judging.message import Judgement, judge
from tests.messages import requests

PATIENT = "p1^^^&2.999.5&ISO"


def submission() -> str:
    """A document in a folder."""
    return requests.submission(PATIENT, with_folder=True).submit_objects_request


def changed(text: str, *changes: tuple[str, str]) -> str:
    """The text with each of these replaced wherever it stands; each stands somewhere."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def errors(content: str | bytes, content_type: str = "") -> set[str]:
    """The rules that an error was found of."""
    judgement: Judgement = judge(content.encode() if isinstance(content, str) else content, content_type)
    return {one.rule for one in judgement.findings if one.severity == "error"}


def rules(content: str | bytes) -> set[str]:
    """The rules that anything was found of."""
    judgement = judge(content.encode() if isinstance(content, str) else content)
    return {one.rule for one in judgement.findings}
