"""Whatever comes, the judge says something about it, and shows it; it never breaks down."""

import random
import re

from conformance.client.actors import Actors, Peer
from conformance.client.store import Store
from conformance.judging.message import judge
from conformance.reports.shown import marks_of, shown
from tests.conformance.judging.samples import PATIENT
from tests.conformance.judging.test_clinical_documents import GOOD as CONSENT
from tests.conformance.judging.test_messages import ADDED, QUERY
from tests.conformance.judging.test_submissions import LETTER, provided
from tests.messages import requests
from tests.messages.assertions import assertion, security, signed
from tests.messages.audit import HEADER, RETRIEVED
from tests.wire import MTOM_TYPE, envelope

# A few thousand were tried by hand; so many take a second.
MESSAGES = 400
PIECES = re.compile(rb'<[^>]*>|"[^"]*"|[^<]+')
ODD = (
    b'id=""',
    b'xmlns=""',
    b"''",
    b"<a/>",
    b"<x:y/>",
    b"^^^",
    b"'",
    b"@",
    b"\x0b",
    b"\xff",
    b"\r\n\r\n",
    b"",
)


def changed(content: bytes, chance: random.Random) -> bytes:
    """The message with up to four accidents."""
    for _ in range(chance.randint(1, 4)):
        pieces = list(PIECES.finditer(content))
        if not pieces:
            return content
        one, other = chance.choice(pieces), chance.choice(pieces)
        instead = chance.choice([b"", one[0] * 2, other[0], chance.choice(ODD), b'="x\'y"'])
        content = content[: one.start()] + instead + content[one.end() :]
    return content


def test_no_message_is_too_odd():
    chance = random.Random(7)
    update = envelope(requests.ITI_57, requests.submission(PATIENT).submit_objects_request)
    with_user = envelope(
        requests.ITI_18, requests.find_documents(PATIENT), more_headers=security(signed(assertion()))
    )
    good = [
        provided(LETTER),
        QUERY.encode(),
        CONSENT.encode(),
        ADDED.encode(),
        HEADER + RETRIEVED,
        update,
        with_user,
    ]
    actors = Actors(Store("2.999.1"))
    for _ in range(MESSAGES):
        message = changed(chance.choice(good), chance)
        content_type = chance.choice(["", "application/soap+xml", MTOM_TYPE])
        judgement = judge(message, content_type)
        assert judgement.kind
        assert all(one.where and one.rule and one.fix for one in judgement.findings)
        assert shown(message, marks_of(judgement.findings, "p"))
        status, answer, _ = actors.answer("/trouble/registry", content_type, message, Peer())
        assert status in (200, 400)
        assert judge(answer.body, answer.content_type).good
