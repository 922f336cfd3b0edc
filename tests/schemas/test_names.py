"""Names that a peer invents do not stay in memory."""

import threading

import schemas
from schemas import names
from schemas.names import names_held


def in_a_new_thread(work):
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def test_invented_names_are_forgotten_again():
    def parse_many():
        for message in range(200):
            schemas.parse(b"<a>" + b"".join(b"<n%d-%d/>" % (message, n) for n in range(1_000)) + b"</a>")
        return names_held()

    assert in_a_new_thread(parse_many) < names.MAX_NAMES_LEARNED + 1_001


def test_long_invented_names_are_forgotten_sooner():
    def parse_many():
        before = names_held()
        for message in range(500):
            schemas.parse(b"<n%d%s/>" % (message, b"x" * 40_000))
        return names_held() - before

    assert in_a_new_thread(parse_many) < 4 * 1024 * 1024 / 40_000 + 100


def test_names_of_a_refused_message_are_forgotten_too():
    def parse_many():
        before = names_held()
        for message in range(500):
            try:
                schemas.parse(b"<a>&n%d%s;</a>" % (message, b"x" * 40_000))
            except schemas.NotParsable:
                continue
        return names_held() - before

    assert in_a_new_thread(parse_many) < 4 * 1024 * 1024 / 40_000 + 100


def test_naming_the_errors_of_a_message_leaves_no_names_behind():
    def errors_of_many():
        element = schemas.parse(b"<a>" + b"".join(b"<invented%d/>" % n for n in range(10_000)) + b"</a>")
        before = names_held()
        assert schemas.errors_in(element)
        return names_held() - before

    assert in_a_new_thread(errors_of_many) < 500


def test_a_message_in_known_names_is_parsed_in_place():
    def parse_twice():
        schemas.parse(b'<a b="1"><c/></a>')
        learned = names_held()
        schemas.parse(b'<c a="2"><b/></c>')
        return learned, names_held()

    learned, afterwards = in_a_new_thread(parse_twice)
    assert learned == afterwards > 0
