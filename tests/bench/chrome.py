"""Chromium over the plain DevTools protocol, for pages that get more than Playwright can carry.

Playwright receives every frame of a page's websockets. Here only what is asked for comes out of the
page, so that a view which sends 100 MB is timed as its user would see it.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import websocket

from tests.page.chromium import chromium

_START_SECONDS = 30
_POLL_SECONDS = 0.05


class Chrome:
    """A browser with one page; a context manager."""

    def __init__(self, profile: Path, width: int = 1280, height: int = 1000) -> None:
        self._profile = profile
        self._process = subprocess.Popen(
            [
                chromium(),
                "--headless=new",
                "--remote-debugging-port=0",
                "--remote-allow-origins=*",
                f"--user-data-dir={profile}",
                f"--window-size={width},{height}",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-background-timer-throttling",
                "--disable-component-update",
                "--disable-renderer-backgrounding",
                "--disable-sync",
                "--disable-quic",
                "--no-first-run",
                "about:blank",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            self.page = Page(self._page_address())
        except BaseException:
            self.__exit__()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Chrome:
        return self

    def __exit__(self, *_: object) -> None:
        if hasattr(self, "page"):
            self.page.close()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        shutil.rmtree(self._profile, ignore_errors=True)

    def _page_address(self) -> str:
        told = self._profile / "DevToolsActivePort"
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            if told.exists() and told.read_text():
                port = told.read_text().split()[0]
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=5) as answer:
                    pages = [t for t in json.loads(answer.read()) if t["type"] == "page"]
                if pages:
                    return str(pages[0]["webSocketDebuggerUrl"])
            time.sleep(_POLL_SECONDS)
        raise RuntimeError("Chromium did not start.")


class Page:
    """The page of a `Chrome`, with as much of Playwright's `Page` as `lab.Notebook` uses."""

    def __init__(self, address: str) -> None:
        self._socket = websocket.create_connection(address, timeout=_START_SECONDS)
        self._count = 0
        self._served: Mapping[str, bytes] = {}
        self.call("Page.enable")
        # As if a person looked at it: JupyterLab's current notebook is the one with the focus.
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)

    def call(self, method: str, timeout: float = 300, **params: Any) -> dict[str, Any]:
        """Send a command and wait for its result; requests of the page are served meanwhile."""
        self._count += 1
        number = self._count
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                message = json.loads(self._socket.recv())
            except websocket.WebSocketTimeoutException:
                break
            if message.get("method") == "Fetch.requestPaused":
                self._answer(message["params"])
            elif message.get("method") == "Inspector.targetCrashed":
                raise RuntimeError("the page crashed")
            elif message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return dict(message["result"])
        raise TimeoutError(method)

    def close(self) -> None:
        """Let go of the page."""
        self._socket.close(timeout=0)

    def goto(self, url: str) -> None:
        """Open a page; does not wait until it is loaded."""
        self.call("Page.navigate", url=url)

    def begin_with(self, script: str) -> None:
        """Run a script in every document before its own."""
        self.call("Page.addScriptToEvaluateOnNewDocument", source=script)

    def serve(self, scripts: Mapping[str, bytes]) -> None:
        """Answer requests for these addresses, wherever they point, with these scripts."""
        self._served = scripts
        self.call("Fetch.enable", patterns=[{"urlPattern": address} for address in scripts])

    def evaluate(self, function: str, argument: object = None, timeout: float = 300) -> Any:
        """Call a function of JavaScript with an argument, and give what it resolves to."""
        answer = self.call(
            "Runtime.evaluate",
            timeout,
            expression=f"({function})({json.dumps(argument)})",
            awaitPromise=True,
            returnByValue=True,
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            said = details.get("exception", {}).get("description") or details["text"]
            raise RuntimeError(f"the page raised: {said}")
        return answer["result"].get("value")

    def wait_for_function(self, function: str, timeout: float = 300_000) -> None:
        """Wait until a function says true; the timeout is in ms, as Playwright's."""
        end = time.monotonic() + timeout / 1000
        while (left := end - time.monotonic()) > 0:
            if self.evaluate(function, timeout=left):
                return
            time.sleep(_POLL_SECONDS)
        raise TimeoutError(function)

    def wait_for_timeout(self, milliseconds: float) -> None:
        """Let time pass."""
        time.sleep(milliseconds / 1000)

    def mouse(self, x: float, y: float, *, click: bool = False) -> None:
        """Move the mouse to a place in the window, and click there."""
        kinds = ["mouseMoved", *(["mousePressed", "mouseReleased"] if click else [])]
        for kind in kinds:
            button = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

    def press(self, key: str) -> None:
        """Press a key that writes nothing, such as an arrow."""
        codes = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
        for kind in ("rawKeyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=codes[key],
            )

    def screenshot(self, path: Path) -> None:
        """Take a picture of the window."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def _answer(self, asked: Mapping[str, Any]) -> None:
        body = self._served[asked["request"]["url"]]
        self._count += 1
        answer = {
            "requestId": asked["requestId"],
            "responseCode": 200,
            "responseHeaders": [{"name": "Content-Type", "value": "text/javascript"}],
            "body": base64.b64encode(body).decode(),
        }
        message = {"id": self._count, "method": "Fetch.fulfillRequest", "params": answer}
        self._socket.send(json.dumps(message))
