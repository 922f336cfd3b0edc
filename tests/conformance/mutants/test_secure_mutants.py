"""Wrong secure nodes are caught too: by the plans about users, TLS, audit records, HL7 v2 and consent."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from conformance.assertions import Issuer
from conformance.domain import read_domain
from conformance.expectations import Memory
from conformance.means import Means
from conformance.names import Settings
from conformance.plan import LIBRARY
from conformance.results import Outcome, Verdict
from conformance.running import Judge
from conformance.sink import WAIT_SECONDS, Sink
from conformance.target import Endpoints, Target
from tests.conformance.mutants.mutant import Mutant
from tests.conformance.mutants.of_secure_nodes import (
    OF_ACKNOWLEDGEMENTS,
    OF_PATIENTS_WHO_DECIDE,
    OF_RECORDS,
    OF_USERS,
)
from tests.conformance.mutants.proxy import Proxy, proxied
from tests.conformance.mutants.test_mutants import PLANS
from tests.messages.assertions import AUDIENCE, ISSUER, keys
from tests.services.certificates import Authority
from tests.services.judged import DOMAIN, records_for_all
from tests.services.platform import running
from tests.services.ports import free_port

Change = Callable[[bytes], bytes]
TOML = (
    DOMAIN
    + """
{rules}

[identity]
mllp_port = {mllp}

[audit]
repositories = [{{ url = "udp://127.0.0.1:{audit}" }}]

[xua]
identity_providers = [{{ issuer = "{issuer}", certificates = "idp.pem" }}]
"""
)


class Relay:
    """Between a node and who hears from it: each message, and each answer to it, as the mutant makes it."""

    def __init__(self) -> None:
        self.sink = Sink()
        self.record: Change = bytes
        self.ask: Change = bytes
        self.answer: Change = bytes

    def carry_records(self, receiver: socket.socket) -> None:
        while message := receiver.recv(65_535):
            if changed := self.record(message):
                self.sink.take(changed)

    def carry_identities(self, server: socket.socket, port: int) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection, socket.create_connection(("127.0.0.1", port)) as onward:
                onward.sendall(self.ask(connection.recv(65_535)))
                connection.sendall(self.answer(onward.recv(65_535)))


@dataclass
class Node:
    """A right node, and what stands between it and the kit."""

    judge: Judge
    proxy: Proxy
    relay: Relay
    shared: Memory

    def judged(self, plan: str, mutant: str) -> Outcome:
        """What the kit says of it; a plan of another id has objects of its own."""
        return self.judge.judge(replace(PLANS[plan], id=f"{plan} {mutant}"), self.shared)

    def caught(self, mutant: Mutant) -> bool:
        """Whether the plan that is there for it notices the mutant."""
        self.proxy.become(mutant)
        try:
            outcome = self.judged(mutant.plan, mutant.wrong)
            assert self.proxy.touched, f"{mutant.wrong}: nothing of it came by in {mutant.plan}"
        finally:
            self.proxy.become(None)
        return outcome.verdict is Verdict.FAILED


@contextmanager
def lent(folder: Path, rules: str) -> Iterator[Node]:
    """A node that asks for users, behind a proxy and a relay."""
    (folder / "idp.pem").write_bytes(keys("idp").pem)
    mllp, relay = free_port(), Relay()
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as records,
        socket.create_server(("127.0.0.1", 0)) as feeds,
    ):
        records.bind(("127.0.0.1", 0))
        records.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 1024 * 1024)
        threading.Thread(target=relay.carry_records, args=(records,), daemon=True).start()
        threading.Thread(target=relay.carry_identities, args=(feeds, mllp), daemon=True).start()
        toml = TOML.format(rules=rules, mllp=mllp, audit=records.getsockname()[1], issuer=ISSUER)
        with running(folder, toml=toml) as platform, proxied(platform.url) as proxy:
            domain = read_domain(None)
            settings = Settings(
                domain.authority, domain.repository, domain.home, domain.codes, "secure", "1", domain.policies
            )
            issuer = Issuer(
                ISSUER, AUDIENCE, keys("idp").key_pem, keys("idp").pem.decode(), b"", domain.users
            )
            means = Means(
                restricted=True,
                rules=bool(rules),
                policies=bool(rules),
                issuer=issuer,
                sink=relay.sink,
                mllp=f"mllp://127.0.0.1:{feeds.getsockname()[1]}",
            )
            urls = Endpoints(f"{proxy.url}/registry", f"{proxy.url}/repository", f"{proxy.url}/registry")
            judge = Judge(Target(urls), settings, means)
            try:
                shared = Memory() if rules else judge.prepare(PLANS[LIBRARY])[1]
                yield Node(judge, proxy, relay, shared)
            finally:
                judge.target.close()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Lend a node that asks for users."""
    with lent(tmp_path_factory.mktemp("node"), "") as node:
        yield node


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Lend a node whose patients decide, and have a record from the beginning."""
    folder = tmp_path_factory.mktemp("ruled")
    with lent(folder, records_for_all(folder)) as node:
        yield node


@pytest.mark.parametrize("mutant", OF_USERS, ids=lambda mutant: mutant.wrong)
def test_who_believes_anybody_is_caught(mutant: Mutant, node: Node):
    assert node.caught(mutant)


@pytest.mark.parametrize("mutant", OF_PATIENTS_WHO_DECIDE, ids=lambda mutant: mutant.wrong)
def test_who_does_not_ask_the_patient_is_caught(mutant: Mutant, ruled: Node):
    assert ruled.caught(mutant)


@pytest.mark.parametrize(("wrong", "plan", "change"), OF_RECORDS, ids=[one[0] for one in OF_RECORDS])
def test_who_records_what_was_not_is_caught(wrong: str, plan: str, change: Change, node: Node):
    node.relay.record = change
    # What never comes is not waited for as long as what comes late.
    node.relay.sink.wait_seconds = WAIT_SECONDS if change(b"anything") else 0.5
    try:
        assert node.judged(plan, wrong).verdict is Verdict.FAILED
    finally:
        node.relay.record = bytes
        node.relay.sink.wait_seconds = WAIT_SECONDS


@pytest.mark.parametrize(
    ("wrong", "plan", "ask", "answer"), OF_ACKNOWLEDGEMENTS, ids=[one[0] for one in OF_ACKNOWLEDGEMENTS]
)
def test_who_acknowledges_what_was_not_is_caught(
    wrong: str, plan: str, ask: Change, answer: Change, node: Node
):
    node.relay.ask, node.relay.answer = ask, answer
    try:
        assert node.judged(plan, wrong).verdict is Verdict.FAILED
    finally:
        node.relay.ask = node.relay.answer = bytes


def test_the_right_nodes_are_not_caught(node: Node, ruled: Node):
    """What catches the mutants is not what stands between."""
    plans = {mutant.plan for mutant in OF_USERS} | {one[1] for one in (*OF_RECORDS, *OF_ACKNOWLEDGEMENTS)}
    outcomes = [node.judged(plan, "right") for plan in sorted(plans)]
    outcomes += [ruled.judged(plan, "right") for plan in sorted({one.plan for one in OF_PATIENTS_WHO_DECIDE})]
    assert [f"{one.plan}: {one.reason}" for one in outcomes if one.verdict is not Verdict.PASSED] == []


@contextmanager
def speaking(context: ssl.SSLContext) -> Iterator[str]:
    """A node that answers whoever gets through its handshake."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    plain, _ = server.accept()
                except OSError:
                    return
                try:
                    with context.wrap_socket(plain, server_side=True) as connection:
                        connection.recv(4096)
                        connection.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
                except OSError:
                    plain.close()

        threading.Thread(target=serve, daemon=True).start()
        yield f"https://localhost:{server.getsockname()[1]}"


def strict(context: ssl.SSLContext, authority: Authority) -> None:
    """Speak only with nodes of the authority."""
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.certificate)


def lax(context: ssl.SSLContext, authority: Authority) -> None:
    """Speak with anybody."""


def old(context: ssl.SSLContext, authority: Authority) -> None:
    """Speak any version, with any cipher."""
    strict(context, authority)
    context.set_ciphers("ALL:aNULL:eNULL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1


def anonymous(context: ssl.SSLContext, authority: Authority) -> None:
    """Show no certificate, and ask for none."""
    context.set_ciphers("aNULL:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_2


def only_old(context: ssl.SSLContext, authority: Authority) -> None:
    """Know no new version."""
    strict(context, authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2


def only_new(context: ssl.SSLContext, authority: Authority) -> None:
    """Know no version but the newest."""
    strict(context, authority)
    context.minimum_version = ssl.TLSVersion.TLSv1_3


def without_ephemeral_keys(context: ssl.SSLContext, authority: Authority) -> None:
    """Have one key for all connections, and ciphers of old."""
    strict(context, authority)
    context.set_ciphers("kRSA:AES128-SHA:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_2


OF_HANDSHAKES = (
    ("asks for no certificate", lax, "tls-no-certificate-refused-registry"),
    ("asks for none in TLS 1.2", lax, "tls-1.2-no-certificate-refused"),
    ("speaks with nodes that it does not know", lax, "tls-foreign-certificate-refused-registry"),
    ("knows of no revocation", strict, "tls-refused-certificate-registry"),
    ("speaks TLS 1.0", old, "tls-1.0-refused-registry"),
    ("speaks TLS 1.1", old, "tls-1.1-refused-registry"),
    ("does not encrypt", old, "tls-ciphers-none"),
    ("speaks with anonymous keys", anonymous, "tls-ciphers-anonymous"),
    ("speaks with static keys", without_ephemeral_keys, "tls-ciphers-static-rsa"),
    ("speaks with ciphers of old", without_ephemeral_keys, "tls-ciphers-cbc-sha1"),
    ("has no ephemeral keys", without_ephemeral_keys, "tls-ciphers-ephemeral"),
    ("knows no TLS 1.3", only_old, "tls-1.3-registry"),
    ("knows no TLS 1.2", only_new, "tls-1.2-registry"),
)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("wrong", "loosen", "plan"), OF_HANDSHAKES, ids=[one[0] for one in OF_HANDSHAKES])
def test_who_speaks_with_anybody_is_caught(
    wrong: str, loosen: Callable[[ssl.SSLContext, Authority], None], plan: str, tmp_path: Path
):
    authority = Authority(tmp_path)
    us, them = authority.issue("us", rsa=True), authority.issue("them")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(us.certificate, us.key)
    loosen(context, authority)
    domain = read_domain(None)
    settings = Settings(domain.authority, domain.repository, domain.home, domain.codes, "tls", "1")
    refused = tmp_path / "refused.pem"
    refused.write_bytes(them.certificate.read_bytes() + them.key.read_bytes())
    with speaking(context) as url:
        target = Target(Endpoints(url, url, url), authority.certificate, them.certificate, them.key, refused)
        judge = Judge(target, settings, Means(tls=True, certificate=True, refused=True))
        assert judge.judge(PLANS[plan], Memory()).verdict is Verdict.FAILED, wrong
        target.close()
