"""A real Ceph with its S3 gateway for the tests of one session: one monitor, one OSD in memory, one gateway.

As with PostgreSQL, the process that runs the session makes a folder with a FIFO and keeps the FIFO open;
whichever test process needs the store first starts it there, and a guardian ends it with the session.
"""

import fcntl
import json
import os
import secrets
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from minio import Minio

from tests.services.ports import free_port

ROOT = Path(__file__).parents[2]
# All of it takes two seconds; a machine busy with all other tests takes many times that.
START_TIMEOUT_SECONDS = 120.0
STOP_TIMEOUT_SECONDS = 15.0
# The OSD keeps objects in memory as long as there are any; tests remove theirs.
SPACE_BYTES = 4 * 1024**3
REGION = "us-east-1"

_CONFIGURATION = """
[global]
fsid = {cluster}
mon_host = [v2:127.0.0.1:{monitor_port}]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_msgr1 = false
ms_mon_client_mode = crc
ms_mon_service_mode = crc
ms_mon_cluster_mode = crc
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
run_dir = {folder}
crash_dir = {folder}/crash
log_file = {folder}/$type.log
admin_socket =
pid_file =
mon_data = {folder}/mon
osd_data = {folder}/osd
osd_objectstore = memstore
memstore_device_bytes = {space}
osd_pool_default_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
paxos_propose_interval = 0.05
paxos_min_wait = 0.02
rgw_frontends = beast endpoint=127.0.0.1:{gateway_port} tcp_nodelay=1
rgw_thread_pool_size = 64
rgw_enable_usage_log = false
rgw_enable_ops_log = false
rgw_dynamic_resharding = false
rgw_bucket_quota_ttl = 0
rgw_user_quota_bucket_sync_interval = 0
"""

# All wait for the monitor by themselves; the gateway for its first user, or both would make its pools.
_GUARDIAN = """
cd "$1"
{
    ceph-mon -c ceph.conf -i a -f &
    monitor=$!
    {
        timeout 60 ceph -c ceph.conf osd new "$2" &&
        timeout 60 ceph-osd -c ceph.conf -i 0 --mkfs --osd-uuid "$2" &&
        exec ceph-osd -c ceph.conf -i 0 -f
    } &
    osd=$!
    {
        until [ -f user ]; do sleep 0.05; done
        exec radosgw -c ceph.conf -n client.rgw -f
    } &
    gateway=$!
    echo $gateway >gateway.pid
    cat session >/dev/null
    kill -KILL $gateway $osd $monitor
    wait
    rm -rf "$PWD"
} >server.log 2>&1 &
"""


@dataclass(frozen=True)
class ObjectStore:
    """The S3 service, and the keys of one user there."""

    folder: Path
    endpoint: str
    access_key_id: str
    secret_access_key: str
    gateway_pid: int

    @property
    def minio(self) -> Minio:
        """A client of another make."""
        return Minio(
            self.endpoint.removeprefix("http://"),
            self.access_key_id,
            self.secret_access_key,
            secure=False,
            region=REGION,
        )

    def environment(self, bucket: str, endpoint: str = "") -> dict[str, str]:
        """What tells Coffre to keep its documents there."""
        return {
            "COFFRE_DOCUMENTS": f"s3://{bucket}/documents",
            "COFFRE_OBJECT_STORAGE__ENDPOINT": endpoint or self.endpoint,
            "COFFRE_OBJECT_STORAGE__REGION": REGION,
            "COFFRE_OBJECT_STORAGE__ACCESS_KEY_ID": self.access_key_id,
            "COFFRE_OBJECT_STORAGE__SECRET_ACCESS_KEY": self.secret_access_key,
        }

    def names_in(self, bucket: str) -> list[str]:
        """The objects of a bucket."""
        found = self.minio.list_objects(bucket, recursive=True)
        return sorted(str(one.object_name) for one in found)

    def empty(self, bucket: str) -> None:
        """Remove the objects of a bucket: the OSD has no memory but ours."""
        for name in self.names_in(bucket):
            self.minio.remove_object(bucket, name)

    def new_bucket(self, *, object_lock: bool = False) -> str:
        """Make a bucket that nobody else uses."""
        name = f"test-{secrets.token_hex(8)}"
        self.minio.make_bucket(name, object_lock=object_lock)
        return name

    def new_user(self, *, megabytes: int = 0) -> "ObjectStore":
        """Make another user, who may store so many megabytes."""
        user, secret = secrets.token_hex(8), secrets.token_hex(16)
        _admin(self.folder, "user", "create", "--uid", user, "--display-name", user, *_keys(user, secret))
        if megabytes:
            quota = ("--quota-scope=user", "--uid", user)
            _admin(self.folder, "quota", "set", *quota, f"--max-size={megabytes}M")
            _admin(self.folder, "quota", "enable", *quota)
        return ObjectStore(self.folder, self.endpoint, user, secret, self.gateway_pid)


@contextmanager
def session_folder() -> Iterator[Path]:
    """Hold the folder in which the processes of this session share one Ceph, until the session ends."""
    folder = Path(tempfile.mkdtemp(prefix="coffre-ceph-"))
    os.mkfifo(folder / "session", 0o600)
    # For reading too, or opening would wait for a reader. The system closes it however this process ends.
    session = os.open(folder / "session", os.O_RDWR)
    try:
        yield folder
    finally:
        os.close(session)
        if (folder / "guarded").exists():
            _wait_until_gone(folder)
        else:
            shutil.rmtree(folder)


def running(folder: Path) -> ObjectStore:
    """Start the session's store unless another process has, and say how to use it."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "started.json").exists():
            _start(folder)
    started = json.loads((folder / "started.json").read_text())
    return ObjectStore(folder, **started)


def _start(folder: Path) -> None:
    _run("/", str(ROOT / "setup" / "radosgw"))
    gateway_port = free_port()
    cluster, osd = str(uuid.uuid4()), str(uuid.uuid4())
    configuration = _CONFIGURATION.format(
        folder=folder,
        cluster=cluster,
        monitor_port=free_port(),
        gateway_port=gateway_port,
        space=SPACE_BYTES,
    )
    (folder / "ceph.conf").write_text(configuration)
    (folder / "mon").mkdir()
    (folder / "osd").mkdir()
    address = configuration.partition("mon_host = ")[2].partition("\n")[0]
    _run(folder, "monmaptool", "--create", "--fsid", cluster, "--addv", "a", address, "monmap")
    _run(folder, "ceph-mon", "-c", "ceph.conf", "-i", "a", "--mkfs", "--monmap", "monmap")
    _run(folder, "/bin/sh", "-c", _GUARDIAN, "guardian", str(folder), osd)
    (folder / "guarded").touch()
    user, secret = "coffre", secrets.token_hex(16)
    _admin(folder, "user", "create", "--uid", user, "--display-name", user, *_keys(user, secret))
    (folder / "user").touch()
    endpoint = f"http://127.0.0.1:{gateway_port}"
    _wait_until_it_answers(endpoint)
    started = {
        "endpoint": endpoint,
        "access_key_id": user,
        "secret_access_key": secret,
        "gateway_pid": int((folder / "gateway.pid").read_text()),
    }
    (folder / "started.json").write_text(json.dumps(started))


def _keys(user: str, secret: str) -> tuple[str, ...]:
    return ("--access-key", user, "--secret-key", secret)


def _admin(folder: Path, *arguments: str) -> None:
    _run(folder, "radosgw-admin", "-c", "ceph.conf", *arguments)


def _run(folder: Path | str, *command: str) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        start_new_session=True,  # Ctrl-C is for pytest; the guardian learns of it by the FIFO
        text=True,
        timeout=START_TIMEOUT_SECONDS,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr or done.stdout}")


def _wait_until_it_answers(endpoint: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        try:
            urllib.request.urlopen(endpoint, timeout=START_TIMEOUT_SECONDS).close()  # noqa: S310
            return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _wait_until_gone(folder: Path) -> None:
    deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
    while folder.exists():
        if time.monotonic() > deadline:
            raise RuntimeError(f"Ceph in {folder} does not stop")
        time.sleep(0.02)
