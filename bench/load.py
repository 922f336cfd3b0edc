"""Load from many connections by wrk, which is not what limits it, with requests that were written before."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[1]
CONNECTIONS = 16
# wrk's; one is enough for ten thousand requests a second.
THREADS = 1

# Each request is sent as it is; every thread begins at another one.
_SCRIPT = """
local all, next_one, threads = {}, 0, 0
function setup(thread) thread:set("number", threads); threads = threads + 1 end
function init(arguments)
  local file = io.open(arguments[1], "rb")
  while true do
    local length = file:read(10)
    if not length then break end
    all[#all + 1] = file:read(tonumber(length))
  end
  next_one = number * 7919 % #all
end
function request() next_one = next_one % #all + 1; return all[next_one] end
function done(summary, latency)
  local bad = summary.errors
  io.write(string.format('{"requests": %d, "microseconds": %d, "bytes": %d, "refused": %d, "broken": %d, ' ..
    '"p50": %d, "p99": %d}\\n', summary.requests, summary.duration, summary.bytes, bad.status,
    bad.connect + bad.read + bad.write + bad.timeout, latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True)
class Rate:
    """What a load came to."""

    requests: int
    seconds: float
    bytes: int
    refused: int
    broken: int
    p50: float
    p99: float

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds


def raw_request(url: str, body: bytes, content_type: str = "application/soap+xml") -> bytes:
    """A POST as it goes over the wire."""
    place = urlsplit(url)
    head = (
        f"POST {place.path} HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Load:
    """Some requests, again and again in turn."""

    def __init__(self, directory: Path, name: str, url: str, requests: Sequence[bytes]) -> None:
        if not shutil.which("wrk"):
            subprocess.run([ROOT / "setup" / "apt-install", "wrk to load a server", "wrk"], check=True)
        self._url = url
        self._script = directory / "load.lua"
        self._script.write_text(_SCRIPT)
        self._file = directory / f"{name}.requests"
        self._file.write_bytes(b"".join(b"%010d" % len(one) + one for one in requests))

    def run(self, seconds: int, connections: int = CONNECTIONS) -> Rate:
        """Send for so long from so many connections; anything but 200 is counted apart."""
        command = ["wrk", "-t", str(THREADS), "-c", str(connections), "-d", str(seconds), "--timeout", "30s"]
        done = subprocess.run(
            [*command, "-s", self._script, self._url, "--", self._file],
            capture_output=True,
            text=True,
            check=True,
        )
        said = json.loads(done.stdout.splitlines()[-1])
        return Rate(
            said["requests"],
            said["microseconds"] / 1e6,
            said["bytes"],
            said["refused"],
            said["broken"],
            said["p50"] / 1e6,
            said["p99"] / 1e6,
        )
