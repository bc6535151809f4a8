"""Headless Chromium over its DevTools socket: just enough to look at a page."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websocket

# Found by these names on Debian and elsewhere.
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",  # tests run as root in containers
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)


def chromium() -> str | None:
    """Where Chromium is, if it is."""
    return next((found for found in map(shutil.which, NAMES) if found), None)


class Page:
    """One open page. Every wait ends with an AssertionError that shows what the page says."""

    def __init__(self, socket: websocket.WebSocket) -> None:
        self._socket = socket
        self._id = 0
        self._session = ""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self._call("Page.enable")

    def size(self, width: int, height: int, scale: float = 1) -> None:
        """The window, in CSS pixels; a screenshot has `scale` times as many."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=False,
        )

    def go(self, url: str) -> None:
        """Open an address."""
        self._call("Page.navigate", url=url)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def text(self) -> str:
        """All visible text."""
        return str(self.evaluate("document.body ? document.body.innerText : ''"))

    def wait(self, condition: str, seconds: float = 30) -> Any:
        """Wait until a JavaScript expression is true; gives its value."""
        deadline = time.monotonic() + seconds
        while not (value := self.evaluate(condition)):
            message = f"after {seconds:.0f} s still not: {condition}\n\n{self.text()[:3000]}"
            assert time.monotonic() < deadline, message
            time.sleep(0.1)
        return value

    def wait_for_text(self, *texts: str) -> None:
        """Wait until all these are to be read on the page."""
        for text in texts:
            self.wait(f"document.body && document.body.innerText.includes({json.dumps(text)})")

    def settle(self, seconds: float = 30) -> None:
        """Wait until the page has stopped changing, as someone would before looking."""
        deadline, before = time.monotonic() + seconds, ""
        while (now := str(self.evaluate("document.body.innerHTML"))) != before:
            if time.monotonic() > deadline:
                return  # a clock on the page may tick for ever
            before = now
            time.sleep(0.7)

    def screenshot(self, path: Path) -> None:
        """What is in the window, as PNG."""
        data = self._call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        self._id += 1
        session = {"sessionId": self._session} if self._session else {}
        self._socket.send(
            json.dumps({"id": self._id, "method": method, "params": params, **session})
        )
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == self._id:
                assert "error" not in message, f"{method}: {message['error']}"
                return dict(message["result"])


@contextmanager
def opened_page(program: str) -> Iterator[Page]:
    """A page of a browser of its own, which ends with the block."""
    profile = Path(tempfile.mkdtemp(prefix="lsats-chromium-"))
    process = subprocess.Popen(
        [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        socket = websocket.create_connection(_address(profile), timeout=60, suppress_origin=True)
        try:
            yield Page(socket)
        finally:
            socket.close()
    finally:
        process.terminate()
        process.wait(20)
        _remove(profile)


def _address(profile: Path) -> str:
    """Chromium writes down where it listens as soon as it does."""
    port_file = profile / "DevToolsActivePort"
    deadline = time.monotonic() + 30
    while not (port_file.exists() and len(port_file.read_text().splitlines()) == 2):
        assert time.monotonic() < deadline, "Chromium did not start within 30 s"
        time.sleep(0.05)
    port, path = port_file.read_text().splitlines()
    return f"ws://127.0.0.1:{port}{path}"


def _remove(profile: Path) -> None:
    """Its helper processes outlive it for a moment and go on writing."""
    for _ in range(50):
        shutil.rmtree(profile, ignore_errors=True)
        if not profile.exists():
            return
        time.sleep(0.1)
