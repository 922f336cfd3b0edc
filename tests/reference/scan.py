"""`make tls-scan`: what each listener of a secure node accepts, asked by openssl, kept in our documents.

Every protocol version, cipher suite and group that the openssl of this machine knows is offered by itself,
with a good certificate; then what a client might try besides (BCP 195; ITI TF-2: 3.19).
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from server.tls.contexts import SESSION_SECONDS
from tests.services.platform import OPEN_DOMAIN, ROOT, running
from tests.services.ports import free_port
from tests.services.secure_domain import SecureDomain, secure_domain

DOCUMENT = ROOT / "docs" / "secure-node.md"
BEGIN, END = "<!-- What follows is written by make tls-scan. -->\n", "<!-- The end of the scan. -->\n"

VERSIONS = {"TLS 1.0": "-tls1", "TLS 1.1": "-tls1_1", "TLS 1.2": "-tls1_2", "TLS 1.3": "-tls1_3"}
SUITES_OF_TLS_1_3 = (
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_CCM_SHA256",
    "TLS_AES_128_CCM_8_SHA256",
)
GROUPS = (
    "X25519", "X448", "P-256", "P-384", "P-521", "brainpoolP256r1", "secp256k1", "ffdhe2048", "ffdhe3072",
)  # fmt: skip
WEAK = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"
ANSWER_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Listener:
    """A place, and who may talk to it."""

    name: str
    port: int
    domain: SecureDomain

    def says(self, *options: str | Path, typed: bytes = b"", certificate: bool = True) -> str:
        """What openssl tells of a connection with these options."""
        them = self.domain.them
        shown = ("-cert", them.certificate, "-key", them.key) if certificate else ()
        command: list[str | Path] = ["openssl", "s_client", "-connect", f"localhost:{self.port}"]
        command += ["-CAfile", self.domain.authority.certificate, "-verify_return_error", *shown, *options]
        done = subprocess.run(
            command, input=typed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=ANSWER_SECONDS
        )
        return done.stdout.decode(errors="replace")

    def accepts(self, *options: str | Path) -> bool:
        """Whether a handshake with these options comes to its end."""
        said = self.says(*options)
        return "Cipher is (NONE)" not in said and "Verify return code: 0 (ok)" in said and "alert" not in said


def scan(listener: Listener) -> dict[str, str]:
    """What it accepts, as rows of a table."""
    of_1_2 = subprocess.run(["openssl", "ciphers", "-tls1_2", "-s", WEAK], capture_output=True, text=True)
    suites = of_1_2.stdout.strip().split(":")
    return {
        "protocol versions": _of(VERSIONS, lambda one: listener.accepts(VERSIONS[one], "-cipher", WEAK)),
        "suites of TLS 1.2": _of(
            suites, lambda one: listener.accepts("-tls1_2", "-cipher", f"{one}:@SECLEVEL=0")
        ),
        "suites of TLS 1.3": _of(
            SUITES_OF_TLS_1_3, lambda one: listener.accepts("-tls1_3", "-ciphersuites", one)
        ),
        "groups": _of(GROUPS, lambda one: listener.accepts("-tls1_3", "-groups", one)),
        **_besides(listener),
    }


def _of(offered: Iterable[str], accepts: Callable[[str], bool]) -> str:
    accepted = [one for one in offered if accepts(one)]
    return ", ".join(accepted) or "none"


def _besides(listener: Listener) -> dict[str, str]:
    """What a client might try who has proved who he is, or has not."""
    nobody = listener.says("-tls1_2", certificate=False)
    again = listener.says("-tls1_2", typed=b"R\n")
    pressed = listener.says("-tls1_2", "-comp")
    with tempfile.TemporaryDirectory() as directory:
        session = Path(directory) / "session"
        first = listener.says("-tls1_2", "-sess_out", session)
        time.sleep(2 * SESSION_SECONDS)
        resumed = listener.says("-tls1_2", "-sess_in", session)
    tickets = "TLS session ticket" in first + listener.says("-tls1_3")
    return {
        "a certificate of the client": _if("alert handshake failure" in nobody, "required", "NOT REQUIRED"),
        "renegotiation": _if("error" in again and "no renegotiation" in again, "refused", "ACCEPTED"),
        "compression": _if("Compression: NONE" in pressed, "none", "ACCEPTED"),
        "session tickets": _if(not tickets, "none", "GIVEN"),
        "resuming a session of two seconds ago": _if("Reused" not in resumed, "refused", "ACCEPTED"),
    }


def _if(good: bool, yes: str, no: str) -> str:
    return yes if good else no


@contextmanager
def listeners(directory: Path) -> Iterator[tuple[Listener, ...]]:
    """A node with everything that listens: web services, the HL7 v2 feed, the audit repository."""
    domain, mllp, syslog = secure_domain(directory), free_port(), free_port()
    ports = f"[identity]\nmllp_port = {mllp}\n[audit_repository]\ntls_port = {syslog}\n"
    toml = f"{OPEN_DOMAIN}{domain.toml}{ports}"
    with running(directory / "node", toml=toml, tls=domain.context(domain.them)) as platform:
        http = urlsplit(platform.url).port or 0
        places = {"web services": http, "HL7 v2 (MLLP)": mllp, "audit records (syslog)": syslog}
        yield tuple(Listener(name, port, domain) for name, port in places.items())


def written(found: Mapping[str, Mapping[str, str]], openssl: str) -> str:
    """The table, a column for each listener that differs from the first."""
    first, *others = found
    same = all(found[one] == found[first] for one in others)
    columns = [f"all three: {', '.join(found)}"] if same else list(found)
    lines = [
        f"By {openssl}, each version, suite and group offered by itself; the node's key is on P-256:",
        "",
        f"| | {' | '.join(columns)} |",
        "|---|" + "---|" * len(columns),
        *(
            f"| {row} | {' | '.join(found[one][row] for one in ([first] if same else found))} |"
            for row in found[first]
        ),
        "",
    ]
    return "\n".join(lines)


def main() -> int:
    """Scan, print, and keep what was found where readers look for it."""
    openssl = subprocess.run(["openssl", "version"], capture_output=True, text=True, check=True)
    with tempfile.TemporaryDirectory(prefix="coffre-scan-") as directory, listeners(Path(directory)) as every:
        found = {one.name: scan(one) for one in every}
    table = written(found, " ".join(openssl.stdout.split()[:2]))
    print(table)
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    DOCUMENT.write_text(before + BEGIN + "\n" + table + "\n" + END + rest.partition(END)[2])
    return 0


if __name__ == "__main__":
    sys.exit(main())
