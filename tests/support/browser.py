"""A real browser without a window, driven through a pipe by its own protocol (chromedevtools.github.io)."""

import json
import os
import select
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Without the last ones it asks hosts in the internet for news of itself.
OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-dev-shm-usage --hide-scrollbars "
    "--disable-background-networking --disable-component-update --disable-sync --disable-extensions"
).split()
LONGEST = 60.0
"""Seconds without a word after which it hangs."""
READS, WRITES = 3, 4
"""The descriptors that it uses with `--remote-debugging-pipe`."""


class Browser:
    """One page. Whatever it asks for, and whatever it complains of, is kept."""

    def __init__(self, to: int, answers: int) -> None:
        self._to, self._from = to, answers
        self._held = b""
        self._number = 0
        self._session = ""
        self.events = list[dict[str, Any]]()
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The answer; events before it are kept."""
        self._number += 1
        asked = {"id": self._number, "method": method, "params": parameters}
        whose = {"sessionId": self._session} if self._session else {}
        os.write(self._to, json.dumps({**asked, **whose}).encode() + b"\0")
        while True:
            said = self._next()
            if said.get("id") == self._number:
                assert "error" not in said, said
                result: dict[str, Any] = said["result"]
                return result
            self.events.append(said)

    def show(self, page: Path, width: int, height: int, *, dark: bool) -> None:
        """Loads a page, as wide as that, for somebody who prefers dark pages or light ones."""
        self.events.clear()
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self.ask("Page.navigate", url=page.as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())

    def value(self, expression: str) -> Any:
        """What an expression comes to there. The policy of the page does not apply to it."""
        said = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    def requests(self) -> list[str]:
        """The addresses that the page asked for."""
        return [
            event["params"]["request"]["url"] for event in self.events if event["method"] == "Network.requestWillBeSent"
        ]

    def complaints(self) -> list[str]:
        """What the console shows."""
        return [event["params"]["entry"]["text"] for event in self.events if event["method"] == "Log.entryAdded"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._held:
            ready, _, _ = select.select([self._from], [], [], LONGEST)
            assert ready, "the browser says nothing"
            read = os.read(self._from, 1 << 20)
            assert read, "the browser ended"
            self._held += read
        said, _, self._held = self._held.partition(b"\0")
        found: dict[str, Any] = json.loads(said)
        return found


@contextmanager
def opened() -> Iterator[Browser]:
    """A browser of one's own, which ends with the block."""
    assert CHROMIUM is not None
    there, to = os.pipe()
    answers, back = os.pipe()

    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as profile:
        handed_over = f'exec "$@" {READS}<&{there} {WRITES}>&{back}'
        process = subprocess.Popen(
            [
                *("bash", "-c", handed_over, "browser", CHROMIUM, *OPTIONS),
                *("--remote-debugging-pipe", f"--user-data-dir={profile}"),
            ],
            pass_fds=(there, back),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(there)
        os.close(back)
        try:
            yield Browser(to, answers)
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()
            os.close(to)
            os.close(answers)
