"""A Chromium without a screen, driven through two pipes: what a person sees and does."""

import contextlib
import json
import subprocess
import tempfile
from collections.abc import Iterator
from typing import IO, Any

from tests.house.tree import ROOT

# A loaded machine may take this long to show a page.
ANSWER_TIMEOUT_SECONDS = 120
_KEYS = {"Enter": ("\r", 13), "Escape": ("", 27), "Tab": ("\t", 9)}


class Browser:
    """One page; `asked` are the addresses that it wanted, `complaints` what it wrote to its console."""

    def __init__(self, to_browser: IO[bytes], from_browser: IO[bytes]) -> None:
        self._out, self._in = to_browser, from_browser
        self._number, self._session = 0, ""
        self.asked: list[str] = []
        self.complaints: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._call(f"{domain}.enable")

    def open(self, url: str) -> None:
        """Go to an address, and wait until all of it is there."""
        self._call("Page.navigate", url=url)
        there = "document.readyState === 'complete' ? done() : addEventListener('load', done)"
        self.say(f"new Promise((done) => {there})")

    def say(self, expression: str) -> Any:
        """What an expression is worth on the page."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            text, code = _KEYS.get(key, (key, ord(key.upper()) if len(key) == 1 and key.isalnum() else 0))
            pressed = {"key": key, "text": text, "windowsVirtualKeyCode": code}
            self._call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **pressed)
            self._call("Input.dispatchKeyEvent", type="keyUp", **pressed)

    def prefer(self, scheme: str) -> None:
        """Let the person prefer light or dark."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._call("Emulation.setEmulatedMedia", features=features)

    def close(self) -> None:
        """Let it end by itself."""
        self._session = ""
        self._call("Browser.close")

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._out.write(json.dumps(message).encode() + b"\0")
        self._out.flush()
        while True:
            answer = json.loads(self._next())
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self._take_note(answer)

    def _next(self) -> bytes:
        pieces = bytearray()
        while (one := self._in.read(1)) != b"\0":
            assert one, "the browser has ended"
            pieces += one
        return bytes(pieces)

    def _take_note(self, event: dict[str, Any]) -> None:
        match event.get("method"):
            case "Network.requestWillBeSent":
                self.asked.append(event["params"]["request"]["url"])
            case "Runtime.exceptionThrown" | "Log.entryAdded" | "Runtime.consoleAPICalled":
                self.complaints.append(json.dumps(event["params"]))


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """Start a browser that knows nothing of others."""
    program = subprocess.run(
        [str(ROOT / "setup" / "chromium")], check=True, capture_output=True, text=True
    ).stdout.strip()
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe"]
    # Chromium speaks through the descriptors 3 and 4; the shell puts them there.
    wrapped = 'exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1'
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = ["sh", "-c", wrapped, program, *options, f"--user-data-dir={profile}", "about:blank"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin
            assert process.stdout
            try:
                page = Browser(process.stdin, process.stdout)
                yield page
                page.close()
                process.wait(ANSWER_TIMEOUT_SECONDS)
            finally:
                process.kill()
