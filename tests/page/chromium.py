"""Chromium, and what no page in it may do."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Playwright

SCREENSHOTS = Path(__file__).parents[1] / "browser" / "screenshots"

# Playwright's own, whose place they take, and the pages of the address bar: two processes for each
# window, which together take as long as a page under test.
DISABLED = (
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
)

# Console errors that JupyterLab itself causes: (pattern, reason).
KNOWN_NOISE: tuple[tuple[str, str], ...] = (
    (
        r"Could not restore the debugger state: Canceled future for debug_request",
        "the debugger's sidebar asks every kernel, and a restart cancels its question",
    ),
)


def chromium() -> str:
    """Where Chromium is; ``CHROMIUM`` in the environment says so too."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    for found in (os.environ.get("CHROMIUM"), *map(shutil.which, names)):
        if found:
            return found
    raise RuntimeError("Chromium is missing: `make test` says how to install it")


def launch(playwright: Playwright) -> Browser:
    """Start Chromium, without the errands that it runs for itself on the network."""
    return playwright.chromium.launch(
        executable_path=chromium(),
        args=[
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-quic",
            "--no-first-run",
            f"--disable-features={','.join(DISABLED)}",
        ],
    )


class Guard:
    """Collects what no page may do: log an error, throw, or ask anything of another machine."""

    def __init__(self, known_noise: Sequence[tuple[str, str]] = KNOWN_NOISE) -> None:
        self.problems: list[str] = []
        self._known = [re.compile(pattern) for pattern, _reason in known_noise]

    def watch(self, context: BrowserContext) -> None:
        """Listen to every page of a browser context."""
        context.on("console", lambda m: self.console(m.type, m.text, m.location.get("url", "")))
        context.on("weberror", lambda e: self.problem(f"uncaught: {e.error.stack or e.error}"))
        context.on("request", lambda request: self.request(request.url))
        context.on("page", lambda page: page.on("websocket", lambda ws: self.request(ws.url)))

    def console(self, kind: str, text: str, url: str = "") -> None:
        """Take a line of the console."""
        if kind == "error":
            self.problem(f"console.error: {text} ({url})")

    def request(self, url: str) -> None:
        """Take a request; those inside the page or to this machine are fine."""
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1":
            self.problem(f"a request left this machine: {url}")

    def problem(self, text: str) -> None:
        """Keep a problem, unless it is known noise."""
        if not any(pattern.search(text) for pattern in self._known):
            self.problems.append(text)

    def check(self) -> None:
        """Fail if there was a problem, and forget it."""
        problems, self.problems = self.problems, []
        assert not problems, "the page misbehaved:\n" + "\n".join(problems)
