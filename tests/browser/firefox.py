"""Firefox, driven over WebDriver BiDi, which it speaks itself: no driver beside it is needed."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import websocket

_START_SECONDS = 60
_WAIT_SECONDS = 30
_POLL_SECONDS = 0.05
# Nothing that a page asks for gets out, and Firefox runs no errands of its own.
_PREFERENCES = {
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "app.normandy.enabled": False,
    "browser.safebrowsing.downloads.remote.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}
# Finds an element in the page or in a shadow root.
_PRELOAD = """() => {
    window.deep = (selector, root = document) => {
        const hosts = [...root.querySelectorAll("*")].filter((element) => element.shadowRoot);
        return hosts.reduce(
            (found, { shadowRoot }) => found ?? deep(selector, shadowRoot),
            root.querySelector(selector),
        );
    };
}"""


def firefox() -> str | None:
    """Where Firefox is; ``FIREFOX`` in the environment says so too."""
    found = (os.environ.get("FIREFOX"), *map(shutil.which, ("firefox-esr", "firefox")))
    return next(filter(None, found), None)


class Firefox:
    """A browser with one page; a context manager."""

    def __init__(self, profile: Path, width: int = 1360, height: int = 1000) -> None:
        program = firefox()
        assert program is not None
        profile.mkdir()
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in _PREFERENCES.items()]
        (profile / "user.js").write_text("\n".join(lines))
        self._process = subprocess.Popen(
            [
                *(program, "--headless", "--no-remote", "--profile", str(profile)),
                *("--remote-debugging-port", "0", f"--width={width}", f"--height={height}"),
                "about:blank",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._events: list[dict[str, Any]] = []
        self._count = 0
        try:
            self._socket = websocket.create_connection(
                self._address(profile), timeout=_START_SECONDS, suppress_origin=True
            )
            self.call("session.new", capabilities={})
            self.call("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])
            self.call("script.addPreloadScript", functionDeclaration=_PRELOAD)
            self.page: str = self.contexts()[0]["context"]
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Firefox:
        return self

    def __exit__(self, *_: object) -> None:
        if hasattr(self, "_socket"):
            self._socket.close(timeout=0)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _address(self, profile: Path) -> str:
        told = profile / "WebDriverBiDiServer.json"
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            with suppress(FileNotFoundError, json.JSONDecodeError):
                where = json.loads(told.read_text())
                return f"ws://{where['ws_host']}:{where['ws_port']}/session"
            time.sleep(_POLL_SECONDS)
        raise RuntimeError("Firefox did not start.")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and wait for its result."""
        self._count += 1
        self._socket.send(json.dumps({"id": self._count, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv())
            if message["type"] == "event":
                self._events.append(message)
            elif message["id"] == self._count:
                if message["type"] == "error":
                    raise RuntimeError(f"{method}: {message['message']}")
                return dict(message["result"])

    def problems(self) -> list[str]:
        """What pages logged as errors, and asked of anything but files, since the last time."""
        self.call("session.status")  # What happened before it has been told before its answer.
        events, self._events = self._events, []
        found = []
        for event in events:
            told = event["params"]
            if event["method"] == "log.entryAdded" and told["level"] == "error":
                found.append(f"console.error: {told['text']}")
            if event["method"] == "network.beforeRequestSent":
                url = told["request"]["url"]
                if not url.startswith(("file:", "about:", "data:", "blob:")):
                    found.append(f"a request: {url[:200]}")
        return found

    def contexts(self) -> list[dict[str, Any]]:
        """The page, and within "children" its frames."""
        return list(self.call("browsingContext.getTree")["contexts"])

    def goto(self, url: str) -> None:
        """Open a page, and wait until it is loaded."""
        self.call("browsingContext.navigate", context=self.page, url=url, wait="complete")

    def frame(self, *path: int) -> str:
        """The frame at this place: of the page, of that frame, and so on."""

        def find() -> str | None:
            here = self.contexts()[0]
            for number in path:
                children = here["children"] or []
                if len(children) <= number:
                    return None
                here = children[number]
            return str(here["context"])

        return self.wait(find)

    def wait(self, found: Callable[[], Any]) -> Any:
        """Wait until a function gives something."""
        end = time.monotonic() + _WAIT_SECONDS
        while not (result := found()):
            assert time.monotonic() < end, f"{found} gave {result!r}"
            time.sleep(_POLL_SECONDS)
        return result

    def evaluate(self, context: str, function: str, *arguments: Any) -> Any:
        """Call a function of JavaScript in a page or frame; what it gives travels as JSON."""
        asked = (
            f"async () => JSON.stringify((await ({function})(...{json.dumps(arguments)})) ?? null)"
        )
        return json.loads(self._function(context, asked)["value"])

    def text(self, context: str, selector: str) -> str:
        """The text of the first such element; empty while there is none."""
        script = "selector => deep(selector)?.textContent ?? ''"
        return str(self.evaluate(context, script, selector))

    def focus(self, context: str, selector: str) -> None:
        """Put the keyboard's focus on the first such element."""
        self.evaluate(context, "selector => { deep(selector).focus(); }", selector)

    def screenshot(self, context: str, selector: str) -> bytes:
        """A picture of the first such element."""
        clip = {"type": "element", "element": self._element(context, selector)}
        taken = self.call("browsingContext.captureScreenshot", context=context, clip=clip)
        return base64.b64decode(taken["data"])

    def click(self, context: str, selector: str, x: int = 0) -> None:
        """Click on the first such element, so far to the right of its middle."""
        origin = {"type": "element", "element": self._element(context, selector)}
        actions = [
            {"type": "pointerMove", "x": x, "y": 0, "origin": origin},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        mouse = {"type": "pointer", "id": "mouse", "actions": actions}
        self.call("input.performActions", context=context, actions=[mouse])

    def press(self, context: str, key: str) -> None:
        """Press a key, by its character or by its number in WebDriver."""
        actions = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        keys = {"type": "key", "id": "keys", "actions": actions}
        self.call("input.performActions", context=context, actions=[keys])

    def _element(self, context: str, selector: str) -> dict[str, str]:
        script = f"""async () => {{
            const element = deep({json.dumps(selector)});
            element.scrollIntoView({{ block: "nearest" }});
            await new Promise(requestAnimationFrame);
            return element;
        }}"""
        return {"sharedId": self._function(context, script)["sharedId"]}

    def _function(self, context: str, function: str) -> dict[str, Any]:
        answer = self.call(
            "script.callFunction",
            functionDeclaration=function,
            target={"context": context},
            awaitPromise=True,
        )
        if answer["type"] == "exception":
            raise RuntimeError(f"the page raised: {answer['exceptionDetails']['text']}")
        return dict(answer["result"])
