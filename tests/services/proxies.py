"""Real nginx and HAProxy on loopback, each with the example of our documentation, as an unprivileged user."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.ports import free_port
from tests.services.secure_domain import SecureDomain

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples" / "proxies"
START_TIMEOUT_SECONDS = 20.0
STOP_TIMEOUT_SECONDS = 10.0

# The example is one `server`, as a distribution includes it; this is what it is included into.
_NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/nginx.conf;
}}
"""


@contextmanager
def nginx(domain: SecureDomain, coffre_port: int) -> Iterator[int]:
    """Run it in front of that port of this machine, and lend its own port."""
    with _folder(domain) as folder:
        port = _example("nginx.conf", folder, coffre_port)
        (folder / "all.conf").write_text(_NGINX.format(folder=folder))
        with _running(folder, port, "nginx", "-p", folder, "-c", folder / "all.conf", "-e", folder / "log"):
            yield port


@contextmanager
def haproxy(domain: SecureDomain, coffre_port: int) -> Iterator[int]:
    """Run it in front of that port of this machine, and lend its own port."""
    with _folder(domain) as folder:
        port = _example("haproxy.cfg", folder, coffre_port)
        with _running(folder, port, "haproxy", "-db", "-f", folder / "haproxy.cfg"):
            yield port


@contextmanager
def _folder(domain: SecureDomain) -> Iterator[Path]:
    # Not pytest's folder: another user may not enter that.
    folder = Path(tempfile.mkdtemp(prefix="coffre-proxy-", dir="/tmp"))
    us = domain.us
    shutil.copy(us.certificate, folder / "node.pem")
    shutil.copy(us.key, folder / "node.key")
    (folder / "node-and-key.pem").write_bytes(us.certificate.read_bytes() + us.key.read_bytes())
    shutil.copy(domain.authority.certificate, folder / "nodes.pem")
    shutil.copy(domain.crl, folder / "revoked.pem")
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _example(name: str, folder: Path, coffre_port: int) -> int:
    """Write the example with the places and ports of this test."""
    port = free_port()
    text = (EXAMPLES / name).read_text()
    for written, here in (
        ("/etc/coffre/", f"{folder}/"),
        ("127.0.0.1:8080", f"127.0.0.1:{coffre_port}"),
        ("listen 8443", f"listen 127.0.0.1:{port}"),
        ("bind :8443", f"bind 127.0.0.1:{port}"),
    ):
        text = text.replace(written, here)
    (folder / name).write_text(text)
    return port


@contextmanager
def _running(folder: Path, port: int, program: str, *options: str | Path) -> Iterator[None]:
    found = subprocess.run([ROOT / "setup" / "proxies"], check=True, capture_output=True, text=True).stdout
    path = next(line for line in found.splitlines() if line.endswith(f"/{program}"))
    user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
    if user is not None:
        for one in (folder, *folder.iterdir()):
            shutil.chown(one, user)
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen([path, *options], user=user, stdout=out, stderr=out)
        try:
            _wait_until_listening(port, process, folder / "out")
            yield
        finally:
            process.terminate()
            process.wait(STOP_TIMEOUT_SECONDS)


def _wait_until_listening(port: int, process: subprocess.Popen[bytes], out: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
            return
        except OSError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError(out.read_text()) from None
            time.sleep(0.05)
