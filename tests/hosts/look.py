"""A published page, opened without a network: what works in it, and what it asks for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    Error,
    Frame,
    Page,
    Request,
    Route,
    expect,
)

from llmscope.scope import Scope
from tests.browser.explorer import SENTENCE, SIZE
from tests.hosts.tools import Tool
from tests.page.chromium import SCREENSHOTS
from tests.page.drawn import eventually
from tests.page.panels import Panels

HOSTILE = "</script><b>The</b> capital of 法国 🎉 is"
OTHER = "The capital of France is"
_OURS = ("about:srcdoc", "blob:")  # where our scripts are, in frames and as live widgets
_GROUND = """frame => {
    for (let node = frame; node; node = node.parentElement) {
        const color = getComputedStyle(node).backgroundColor;
        const [r, g, b, a = 1] = color.match(/[\\d.]+/g).map(Number);
        if (a >= 0.5) return 0.2126 * r + 0.7152 * g + 0.0722 * b < 128 ? "dark" : "light";
    }
    return "light";
}"""
_OUTER = "frame => frame.clientHeight"
_INNER = "Math.ceil(document.body.getBoundingClientRect().height)"


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

    def check(self, name: str, look: Callable[[], None]) -> None:
        """Look at one thing; an error is kept."""
        try:
            look()
            self.checks[name] = ""
        except (AssertionError, Error) as error:
            self.checks[name] = str(error) or "not so"


def look(browser: Browser, tool: Tool, url: str, scope: Scope) -> Found:
    """Open a page and try the views in it; their numbers are held to `scope`."""
    found = Found()
    with _closed(browser, found) as context:
        page = context.new_page()
        page.goto(url)
        if tool.begin is not None:
            tool.begin(page)
        if tool.shows == "frames":
            _static(page, found, scope)
        elif tool.shows == "app":
            _app(page, found, scope)
        else:
            _live(page, found, scope, tool.views)
        SCREENSHOTS.mkdir(exist_ok=True)
        name = Path(tool.name.replace(", ", "-").lower()).name
        page.screenshot(path=SCREENSHOTS / f"host-{name}.png", full_page=True)
    return found


@contextmanager
def _closed(browser: Browser, found: Found) -> Iterator[BrowserContext]:
    """Give a browser context that reaches this machine only, and tells whose each attempt is."""
    context = browser.new_context(viewport=SIZE, color_scheme="dark")

    def route(route: Route, request: Request) -> None:
        machine = urlsplit(request.url).hostname
        if machine in (None, "127.0.0.1"):
            route.continue_()
            return
        route.abort()
        if request.frame.url in _OURS:
            found.problems.append(f"a request: {request.url}")
        else:
            found.asked.add(machine)

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


def _static(page: Page, found: Found, scope: Scope) -> None:
    outer = page.locator("iframe[data-llmscope]")
    expect(outer).to_have_count(2, timeout=60_000)
    frames = [handle.content_frame() for handle in outer.element_handles()]
    explorer, following = (_panels(frame) for frame in frames if frame is not None)
    best = scope.trace(HOSTILE).next_token().top(1)[0]

    def alive() -> None:
        expect(explorer.root).to_be_visible(timeout=20_000)
        expect(explorer.rows.first).to_contain_text("Mary")
        expect(following.rows.first).to_contain_text((best.text or "").strip())
        expect(following.rows.first).to_contain_text(f"{100 * best.prob:.1f} %")

    found.check("live", alive)
    _tried(explorer, found, scope)
    # Of loading.
    found.check("nothing left", lambda: expect(page.locator("body")).not_to_contain_text("%|"))
    ground = outer.first.evaluate(_GROUND)
    found.check("theme", lambda: expect(explorer.root).to_contain_class(ground))

    def height() -> None:
        for number, frame in enumerate(frames):
            place = outer.nth(number)
            eventually(lambda p=place, f=frame: p.evaluate(_OUTER) == f.evaluate(_INNER))

    found.check("height", height)


def _app(page: Page, found: Found, scope: Scope) -> None:
    frame = page.locator("iframe").first.element_handle(timeout=90_000).content_frame()
    assert frame is not None
    panels = _panels(frame)
    found.check("live", lambda: expect(panels.rows.first).to_contain_text("Mary", timeout=90_000))
    _tried(panels, found, scope)
    ground = page.locator("iframe").first.evaluate(_GROUND)
    found.check("theme", lambda: expect(panels.root).to_contain_class(ground))


def _live(page: Page, found: Found, scope: Scope, views: int) -> None:
    panels = _panels(page)

    def alive() -> None:
        expect(panels.root).to_be_visible(timeout=90_000)
        expect(panels.rows.first).to_contain_text("Mary", timeout=20_000)

    def typing() -> None:
        panels.slider("temperature").fill("1")
        panels.prompt.fill(OTHER)
        expect(panels.rows.first).to_contain_text("Paris", timeout=20_000)

    found.check("live", alive)
    _tried(panels, found, scope)
    ground = page.locator("body").evaluate(_GROUND)
    found.check("theme", lambda: expect(panels.root).to_contain_class(ground))
    found.check("typing", typing)
    if views > 1:
        other = Panels(page.locator(".llmscope").nth(1))

        def links() -> None:
            panels.slider("temperature").fill("0.4")
            expect(other.shown("temperature")).to_have_text("0.40")
            other.slider("temperature").fill("1.2")
            expect(panels.shown("temperature")).to_have_text("1.20")

        found.check("links", links)


def _tried(panels: Panels, found: Found, scope: Scope) -> None:
    """Move a slider and switch the head: pixels change, and numbers are the model's."""
    trace = scope.trace(SENTENCE)

    def slider() -> None:
        bars = panels.next.locator(".bars")
        before = bars.screenshot()
        panels.slider("temperature").fill("1.5")
        expect(panels.shown("temperature")).to_have_text("1.50")
        assert bars.screenshot() != before, "the bars stay as they are"
        for bar, true in zip(panels.bars(), trace.next_token(temperature=1.5).top(10), strict=True):
            printed = float(bar["value"].removesuffix(" %")) / 100
            assert math.isclose(printed, true.prob, rel_tol=6e-3), (bar, true)

    def head() -> None:
        before = panels.cells.screenshot()
        panels.overview.focus()
        panels.walk(heads=-1)
        expect(panels.title).to_contain_text("Layer 24 · Head 3")
        expect(panels.readout).to_contain_text(f"{trace.attention(24, 3)[-1].max():.3f}")
        assert panels.cells.screenshot() != before, "the matrix stays as it is"

    found.check("slider", slider)
    found.check("head", head)
    found.check("no error", lambda: expect(panels.error).to_have_count(0))


def _panels(where: Page | Frame) -> Panels:
    return Panels(where.locator(".llmscope").first)
