"""What is tried of the views in a page, by how the page shows them."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import Frame, Page, expect

from llmscope.scope import Scope
from tests.browser.explorer import SENTENCE
from tests.page.drawn import eventually
from tests.page.panels import Panels

if TYPE_CHECKING:
    from tests.hosts.look import Found

HOSTILE = "</script><b>The</b> capital of 法国 🎉 is"
OTHER = "The capital of France is"
_OUTER = "frame => frame.clientHeight"
_INNER = "Math.ceil(document.body.getBoundingClientRect().height)"


def frames(page: Page, found: Found, scope: Scope) -> None:
    """Try two views as `.static()` makes them."""
    outer = page.locator("iframe[data-llmscope]")
    expect(outer).to_have_count(2, timeout=60_000)
    inner = [handle.content_frame() for handle in outer.element_handles()]
    explorer, following = (_panels(frame) for frame in inner if frame is not None)
    best = scope.trace(HOSTILE).next_token().top(1)[0]

    def alive() -> None:
        outer.first.scroll_into_view_if_needed()
        expect(explorer.root).to_be_visible(timeout=60_000)
        expect(explorer.rows.first).to_contain_text("Mary")
        outer.last.scroll_into_view_if_needed()
        expect(following.rows.first).to_contain_text((best.text or "").strip())
        expect(following.rows.first).to_contain_text(f"{100 * best.prob:.1f} %")
        outer.first.scroll_into_view_if_needed()  # Out of sight, nothing moves.

    found.check("live", alive, first=True)
    _moved(explorer, found, scope)
    # Of loading.
    found.check("nothing left", lambda: expect(page.locator("body")).not_to_contain_text("%|"))

    def height() -> None:
        for number, frame in enumerate(inner):
            place = outer.nth(number)
            eventually(lambda p=place, f=frame: p.evaluate(_OUTER) == f.evaluate(_INNER))

    found.check("height", height)


def app(page: Page, found: Found, scope: Scope) -> None:
    """Try a page of ours that an app shows in a frame of its own."""
    frame = page.locator("iframe").first.element_handle(timeout=90_000).content_frame()
    assert frame is not None
    panels = _panels(frame)
    there = expect(panels.rows.first)
    found.check("live", lambda: there.to_contain_text("Mary", timeout=90_000), first=True)
    _moved(panels, found, scope)


def live(page: Page, found: Found, scope: Scope) -> None:
    """Try an Explorer with a view that is linked to it, and one that writes, with a kernel."""
    panels = _panels(page)

    def alive() -> None:
        expect(panels.root).to_be_visible(timeout=90_000)
        expect(panels.rows.first).to_contain_text("Mary", timeout=60_000)

    def typing() -> None:
        panels.slider("temperature").fill("1")
        panels.prompt.fill(OTHER)
        expect(panels.rows.first).to_contain_text("Paris", timeout=60_000)

    def links() -> None:
        other = Panels(page.locator(".llmscope").nth(1))
        panels.slider("temperature").fill("0.4")
        expect(other.shown("temperature")).to_have_text("0.40")
        other.slider("temperature").fill("1.2")
        expect(panels.shown("temperature")).to_have_text("1.20")

    found.check("live", alive, first=True)
    _moved(panels, found, scope)
    found.check("typing", typing)
    found.check("links", links)
    found.check("generation", lambda: _writes(page, scope))


def words(page: Page, found: Found, _scope: Scope) -> None:
    """See that live views say that there is no kernel."""

    def said() -> None:
        for number in range(3):
            said = page.locator(".llmscope").nth(number).get_by_role("status")
            expect(said).to_contain_text("No kernel has answered", timeout=60_000)

    found.check("live", said, first=True)
    found.check("nothing left", lambda: expect(page.locator("body")).not_to_contain_text("%|"))


def kept(page: Page, found: Found, scope: Scope) -> None:
    """See that they say so, and show what they showed."""
    words(page, found, scope)
    pictures = expect(page.locator(".llmscope img[src^=data]"))
    found.check("live", lambda: pictures.to_have_count(3), first=True)


def paper(source: Path, found: Found) -> None:
    """See that a source of LaTeX has a picture of each of two views."""

    def pictures() -> None:
        names = re.findall(r"\\adjustimage\{.*\}\{(\S*)\}", source.read_text("utf-8"))
        there = [source.parent / name for name in names]
        assert len(there) == 2, names
        assert all(file.stat().st_size > 10_000 for file in there), there

    found.check("live", pictures)


def _writes(page: Page, scope: Scope) -> None:
    root = page.locator(".llmscope").nth(2)
    root.scroll_into_view_if_needed(timeout=60_000)
    panel = root.get_by_role("region", name="Generation")
    panel.get_by_role("button", name="Play").click(timeout=60_000)
    wrote = panel.locator(".written .wrote")
    expect(wrote).to_have_count(8, timeout=60_000)
    expect(panel.get_by_text("Reached the maximum of")).to_be_visible(timeout=60_000)
    run = scope.generate(OTHER, do_sample=True, seed=4, max_new_tokens=8)
    assert OTHER + "".join(wrote.all_text_contents()) == run.texts[0]


def _moved(panels: Panels, found: Found, scope: Scope) -> None:
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


SHOWN = {"frames": frames, "app": app, "live": live, "kept": kept, "words": words}
FIRST = {"frames": "iframe[data-llmscope]", "app": "iframe"}
