"""Load from many connections by wrk, which is not what limits it, with requests that were written before."""

import json
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[1]
CONNECTIONS = 16
# wrk's; one is enough for ten thousand requests a second.
THREADS = 1

# In messages that are to be new each time, digits that stand for others of each message.
FRESH = "777000777000777"

# Each request is sent as it is, but for digits that are to be fresh; every thread begins at another one.
_SCRIPT = """
local all, next_one, threads, fresh = {}, 0, 0, nil
local marker, threads_of_all = "MARKER", THREADS
function setup(thread) thread:set("number", threads); threads = threads + 1 end
function init(arguments)
  local file = io.open(arguments[1], "rb")
  while true do
    local length = file:read(10)
    if not length then break end
    all[#all + 1] = file:read(tonumber(length))
  end
  next_one = number * 7919 % #all
  fresh = tonumber(arguments[2])
end
function request()
  next_one = next_one % #all + 1
  if not fresh then return all[next_one] end
  fresh = fresh + threads_of_all
  return (all[next_one]:gsub(marker, string.format("%015.0f", fresh + number)))
end
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


def made_fresh(message: bytes) -> bytes:
    """The message as it can be sent once."""
    return message.replace(FRESH.encode(), b"%015d" % _digits())


def _digits() -> int:
    """From which fresh ones are counted: microseconds, as no load sends a million messages a second."""
    return time.time_ns() // 1000 % 10**14


class Load:
    """Some requests, again and again in turn."""

    def __init__(
        self, directory: Path, name: str, url: str, requests: Sequence[bytes], *, fresh: bool = False
    ) -> None:
        if not shutil.which("wrk"):
            subprocess.run([ROOT / "setup" / "apt-install", "wrk to load a server", "wrk"], check=True)
        self._url = url
        self._script = directory / "load.lua"
        self._script.write_text(_SCRIPT.replace("MARKER", FRESH).replace("THREADS", str(THREADS)))
        self._fresh = fresh
        self._file = directory / f"{name}.requests"
        self._file.write_bytes(b"".join(b"%010d" % len(one) + one for one in requests))

    def run(self, seconds: int, connections: int = CONNECTIONS) -> Rate:
        """Send for so long from so many connections; anything but 200 is counted apart."""
        command = ["wrk", "-t", str(THREADS), "-c", str(connections), "-d", str(seconds), "--timeout", "30s"]
        fresh = [str(_digits())] if self._fresh else []
        done = subprocess.run(
            [*command, "-s", self._script, self._url, "--", self._file, *fresh],
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
