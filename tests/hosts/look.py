"""A published page, opened without a network: what works in it, and what it asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Error, Locator, Page, Request, Route

from llmscope.scope import Scope
from tests.browser.explorer import SIZE
from tests.hosts import tried
from tests.hosts.tools import Tool
from tests.page.chromium import SCREENSHOTS
from tests.page.drawn import eventually

PATIENCE = 120_000  # milliseconds: of a machine that does much else
_OURS = ("about:srcdoc", "blob:")  # where our scripts are, in frames and as live widgets
# Dark or light, by the first opaque background around an element; shadow roots are stepped out of.
_GROUND = """element => {
    const pen = new OffscreenCanvas(1, 1).getContext("2d");
    const around = node => node.parentElement ?? node.getRootNode().host;
    for (let node = around(element); node; node = around(node)) {
        pen.clearRect(0, 0, 1, 1);
        pen.fillStyle = getComputedStyle(node).backgroundColor;
        pen.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
        if (a >= 128) return 0.2126 * r + 0.7152 * g + 0.0722 * b < 128 ? "dark" : "light";
    }
    return "light";
}"""


@dataclass
class Found:
    """What came of looking at a page: by name of the check, what went wrong, or nothing."""

    checks: dict[str, str] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)  # machines that the tool's own page asks
    problems: list[str] = field(default_factory=list)  # errors and requests of ours

    @property
    def failed(self) -> list[str]:
        """All that went wrong."""
        return [f"{name}: {what}" for name, what in self.checks.items() if what] + self.problems

    def check(self, name: str, look: Callable[[], object], *, first: bool = False) -> None:
        """Look at one thing; an error is kept, and ends it all if nothing goes without that."""
        self.checks[name] = ""
        try:
            look()
        except (AssertionError, Error) as error:
            self.checks[name] = str(error) or "not so"
            if first:
                raise


def look(browser: Browser, tool: Tool, url: str, scope: Scope) -> Found:
    """Open a page and try the views in it; their numbers are held to `scope`."""
    found = Found()
    if tool.shows == "paper":
        tried.paper(Path(urlsplit(url).path), found)
        return found
    with _closed(browser, found, tool) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        try:
            page.goto(url)
            if tool.begin is not None:
                tool.begin(page)
            tried.SHOWN[tool.shows](page, found, scope)
            root = page.locator(tried.FIRST.get(tool.shows, ".llmscope")).first
            found.check("theme", lambda: _themes(page, root, tool))
        except (AssertionError, Error) as error:
            found.problems.append(str(error))
            _photograph(page, tool, "lost")
    return found


def _themes(page: Page, place: Locator, tool: Tool) -> None:
    """Let the reader's system be light, then dark; a view looks as what is around it."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        eventually(lambda: place.evaluate(_GROUND) == _look_of(page, place))
        _photograph(page, tool, scheme)


def _look_of(page: Page, place: Locator) -> str:
    """Whether a view, or the one in a frame, is dark or light."""
    frame = place.element_handle().content_frame()
    root = place if frame is None else frame.locator(".llmscope").first
    return "dark" if "dark" in (root.get_attribute("class") or "").split() else "light"


def _photograph(page: Page, tool: Tool, what: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    name = "-".join(part.lower() for part in tool.name.replace(",", "").split())
    with suppress(Error):  # A picture for whoever looks is no check.
        page.screenshot(path=SCREENSHOTS / f"host-{Path(name).name}-{what}.png", full_page=True)


@contextmanager
def _closed(browser: Browser, found: Found, tool: Tool) -> Iterator[BrowserContext]:
    """Give a browser context that reaches this machine only, and tells whose each attempt is."""
    context = browser.new_context(viewport=SIZE, color_scheme="dark")

    def route(route: Route, request: Request) -> None:
        machine = urlsplit(request.url).hostname
        if machine in (None, "127.0.0.1"):
            route.continue_()
            return
        if request.frame.url in _OURS:
            found.problems.append(f"a request: {request.url}")
        else:
            found.asked.add(machine)
        match tool.instead(request.url):
            case []:
                route.abort()
            case [file]:
                route.fulfill(path=file, headers={"Access-Control-Allow-Origin": "*"})
            case files:
                text = "\n".join(file.read_text("utf-8") for file in files)
                route.fulfill(body=text, content_type="text/javascript; charset=utf-8")

    def problem(text: str, place: str) -> None:
        if any(ours in place for ours in _OURS):
            found.problems.append(f"{text} ({place})")

    context.route("**/*", route)
    context.on(
        "console",
        lambda m: m.type == "error" and problem(m.text, m.location.get("url", "")),
    )
    context.on("weberror", lambda e: problem(str(e.error), e.error.stack or ""))
    yield context
    context.close()
