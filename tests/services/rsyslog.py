"""A real rsyslog on loopback, an audit repository of another make: TLS with client certificates, and UDP."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services.certificates import Authority, Identity
from tests.services.ports import free_port

ROOT = Path(__file__).parents[2]
START_TIMEOUT_SECONDS = 20.0
STOP_TIMEOUT_SECONDS = 10.0
RECEIVE_TIMEOUT_SECONDS = 15.0

_CONFIGURATION = """
global(
    workDirectory="{folder}" maxMessageSize="8m" defaultNetstreamDriver="gtls"
    defaultNetstreamDriverCAFile="{authority}"
    defaultNetstreamDriverCertFile="{certificate}" defaultNetstreamDriverKeyFile="{key}"
)
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/certvalid")
module(load="imudp")
template(name="raw" type="string" string="%rawmsg%\\n")
template(name="unchanged" type="string" string="%rawmsg%")
ruleset(name="tls") {{ action(type="omfile" file="{folder}/tls" template="raw") {to_tls} }}
ruleset(name="udp") {{ action(type="omfile" file="{folder}/udp" template="raw") {to_udp} }}
input(type="imtcp" address="127.0.0.1" port="{tls_port}" ruleset="tls")
input(type="imudp" address="127.0.0.1" port="{udp_port}" ruleset="udp")
"""

_TO_TLS = """action(
    type="omfwd" target="localhost" port="{port}" protocol="tcp"
    tcp_framing="octet-counted" template="unchanged"
    streamDriver="gtls" streamDriverMode="1" streamDriverAuthMode="x509/certvalid"
    queue.type="linkedList" action.resumeRetryCount="-1" action.resumeInterval="1"
)"""
_TO_UDP = """action(
    type="omfwd" target="127.0.0.1" port="{port}" protocol="udp" template="unchanged"
)"""


@dataclass
class Rsyslog:
    """A receiver: where it listens, whom it trusts, and what has come in."""

    folder: Path
    tls_port: int
    udp_port: int
    authority: Authority
    client: Identity
    process: subprocess.Popen[bytes] | None = None

    @property
    def tls_url(self) -> str:
        return f"tls://localhost:{self.tls_port}"

    @property
    def udp_url(self) -> str:
        return f"udp://127.0.0.1:{self.udp_port}"

    def received(self, transport: str, number: int) -> list[bytes]:
        """Wait for so many messages over "tls" or "udp", and give all there are."""
        deadline = time.monotonic() + RECEIVE_TIMEOUT_SECONDS
        while True:
            file = self.folder / transport
            messages = file.read_bytes().splitlines() if file.exists() else []
            if len(messages) >= number:
                return messages
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(messages)} of {number} messages came over {transport}")
            time.sleep(0.05)

    def start(self) -> None:
        """Begin to listen."""
        program = subprocess.run(
            [ROOT / "setup" / "rsyslog"], check=True, capture_output=True, text=True
        ).stdout.strip()
        user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
        if user is not None:
            for path in (self.folder, *self.folder.iterdir()):
                shutil.chown(path, user)
        self.process = subprocess.Popen(
            [program, "-n", "-f", self.folder / "rsyslog.conf", "-i", "NONE"],
            user=user,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.tls_port), 1.0).close()
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.05)

    def stop(self) -> None:
        """Stop listening; what was received stays."""
        if self.process:
            self.process.terminate()
            self.process.wait(STOP_TIMEOUT_SECONDS)
            self.process = None


@contextmanager
def running(tls_onward: int = 0, udp_onward: int = 0) -> Iterator[Rsyslog]:
    """Start a receiver in a folder of its own, and remove both at the end.

    What comes in over TLS or UDP goes on to these ports of this machine, over the same transport.
    """
    # Not pytest's folder: rsyslog's user may not enter that.
    folder = Path(tempfile.mkdtemp(prefix="coffre-rsyslog-", dir="/tmp"))
    authority = Authority(folder)
    ours = authority.issue("rsyslog")
    receiver = Rsyslog(
        folder,
        free_port(),
        free_port(),
        authority,
        authority.issue("coffre"),
    )
    (folder / "rsyslog.conf").write_text(
        _CONFIGURATION.format(
            folder=folder,
            authority=authority.certificate,
            certificate=ours.certificate,
            key=ours.key,
            tls_port=receiver.tls_port,
            udp_port=receiver.udp_port,
            to_tls=_TO_TLS.format(port=tls_onward) if tls_onward else "",
            to_udp=_TO_UDP.format(port=udp_onward) if udp_onward else "",
        )
    )
    try:
        receiver.start()
        yield receiver
    finally:
        receiver.stop()
        shutil.rmtree(folder)
