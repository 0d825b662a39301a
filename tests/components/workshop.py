"""The workshop's page on screen, opened at a fixture, and what Python would hold of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any
from urllib.parse import quote, urlencode

from playwright.sync_api import BrowserContext, Page, expect

from tests.components.numbers import FOLDER, Numbers
from tests.page.chromium import SCREENSHOTS
from tests.page.panels import Panels

FRONTEND = FOLDER.parents[1]
# Until what measures itself has been told of it, and has drawn what follows.
_WIDEN = """async (main, width) => {
    main.style.width = width;
    for (let frame = 0; frame < 4; frame++) await new Promise(requestAnimationFrame);
}"""
_WAIT = """([name, value]) => {
    const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
    return same(window.workshop.traits.get(name), value);
}"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served() -> Iterator[str]:
    """Build the workshop into a folder of its own, serve it on this machine; gives its address."""
    with TemporaryDirectory() as folder:
        subprocess.run(["node", "workshop/serve.mjs", "--build", folder], cwd=FRONTEND, check=True)
        for name in ("index.html", "fixtures"):
            Path(folder, name).symlink_to(FRONTEND / "workshop" / name)
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=folder))
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        server.server_close()
        thread.join()


class Shown:
    """A fixture on screen."""

    def __init__(self, address: str, context: BrowserContext, name: str) -> None:
        self.name = name
        self.page: Page = context.new_page()
        self.page.set_default_timeout(20_000)
        self._address = address

    def open(self, **chosen: Any) -> Shown:
        """Open it; `panel`, `theme`, `width`, and first values of traits."""
        texts = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in {"fixture": self.name, **chosen}.items()
        }
        self.page.goto(f"{self._address}#{urlencode(texts, quote_via=quote)}")
        self.page.wait_for_function("window.workshop")
        self.page.evaluate("document.fonts.ready")
        return self

    @cached_property
    def numbers(self) -> Numbers:
        """Python's numbers of what is shown."""
        return Numbers.load(self.name)

    @cached_property
    def panels(self) -> Panels:
        """The panels."""
        return Panels(self.page.locator("main > div"))

    def trait(self, name: str) -> Any:
        """The value of a trait, as Python would have it once all is saved."""
        self.settle()
        return self.page.evaluate("name => window.workshop.traits.get(name)", name)

    def set(self, **traits: Any) -> None:
        """Set traits from outside, as Python does."""
        self.page.evaluate(
            """traits => Object.entries(traits).forEach(
                ([name, value]) => window.workshop.traits.set(name, value))""",
            traits,
        )

    def wait(self, **traits: Any) -> None:
        """Wait until traits have these values: they are saved a moment after a gesture."""
        for name, value in traits.items():
            try:
                self.page.wait_for_function(_WAIT, arg=[name, value])
            except Exception as error:
                found = self.page.evaluate("name => window.workshop.traits.get(name)", name)
                raise AssertionError(f"{name} is {found!r}, not {value!r}") from error

    def settle(self) -> None:
        """Wait until what was done is answered, saved and drawn."""
        self.panels.settle()

    def screenshot(self, name: str) -> Path:
        """Take a picture of what is shown, to look at."""
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.page.locator("main").screenshot(path=path)
        return path

    def widen(self, width: int, height: int = 900) -> None:
        """Make the page, and what it shows, as wide."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.locator("main").evaluate(_WIDEN, f"{width}px")
        self.settle()

    def leave(self) -> None:
        """Move the mouse to where it is over nothing."""
        self.page.mouse.move(2, 2)

    def wait_ready(self) -> Shown:
        """Wait until the panels show the fixture's text."""
        expect(self.panels.root.locator(".llmscope")).to_be_visible()
        self.settle()
        return self
