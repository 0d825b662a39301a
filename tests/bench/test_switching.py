"""From a key press to every panel redrawn, in JupyterLab: a head switched off, beside a keystroke.

``python -m pytest -s tests/bench/test_switching.py`` prints the table; nothing here asserts a time.
``BENCH_ROUNDS`` in the environment says how often each is done.
"""

from __future__ import annotations

import os
from pathlib import Path
from statistics import median

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.bench.passes import TEXT
from tests.bench.table import show
from tests.browser.explorer import SENTENCE, SIZE
from tests.browser.lab import Lab
from tests.browser.notebook import Notebook
from tests.page.chromium import Guard, launch
from tests.page.panels import Panels

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "9"))
QUIET_MS = 300  # between gestures
LENGTHS = (14, 128)
CELLS = [
    "import llmscope\nscope = llmscope.load(progress=lambda *_: None)",
    "explorer = scope.explore(TEXT, layer=12, head=4)\nexplorer",
]
OF_LENGTH = f"""
def text_of(tokens):
    ids = scope.tokenizer({TEXT!r} * (tokens // 10 + 1))["input_ids"][:tokens]
    return {SENTENCE!r} if tokens == 14 else scope.tokenizer.decode(ids)
"""

# When each panel was painted last with something new in it, counted from the key that went down.
WATCH = """() => {
    const root = [...document.querySelectorAll(".jp-OutputArea *")]
        .map(element => element.shadowRoot)
        .find(found => found?.querySelector(".overview"));
    const all = (selector) => [...root.querySelectorAll(selector)];
    const prototype = CanvasRenderingContext2D.prototype;
    for (const name of ["drawImage", "putImageData", "fillRect", "clearRect"]) {
        const original = prototype[name];
        prototype[name] = function (...args) {
            this.canvas.pictured = performance.now();
            return original.apply(this, args);
        };
    }
    const canvases = (panel) => all(`.${panel} canvas`).map(canvas => canvas.pictured).join();
    const panels = {
        next: () => all(".next-token .bars .value").map(value => value.textContent).join(),
        untouched: () => all(".next-token .legend, .next-token .bars .base")
            .map(one => one.style.width + one.textContent).join(),
        matrix: () => canvases("attention"),
        heads: () => canvases("overview"),
    };
    const known = {};
    const watched = (window.redrawn = { pressed: 0, painted: {} });
    const frame = () => {
        for (const [name, look] of Object.entries(panels)) {
            const now = look();
            if (now === known[name]) continue;
            known[name] = now;
            const channel = new MessageChannel();
            channel.port1.onmessage = () => {
                watched.painted[name] = performance.now() - watched.pressed;
            };
            channel.port2.postMessage(0);
        }
        requestAnimationFrame(frame);
    };
    frame();
    addEventListener("keydown", ({ timeStamp }) => {
        watched.pressed = timeStamp;
        watched.painted = {};
    }, true);
}"""

Times = dict[str, float]  # ms, by the name of a panel


def press(page: Page, panels: Panels, key: str) -> Times:
    """Press a key, and give when each panel that it changes was painted last."""
    page.keyboard.press(key)
    page.wait_for_timeout(50)
    panels.settle()
    page.wait_for_timeout(QUIET_MS)
    return dict(page.evaluate("window.redrawn.painted"))


def measure(notebook: Notebook, panels: Panels) -> dict[str, list[Times]]:
    """Do all gestures in turns; each switches off a head, and types a letter, that is new."""
    found: dict[str, list[Times]] = {"head off": [], "on again": [], "keystroke": []}
    page = notebook.page
    page.evaluate(WATCH)
    for count in range(ROUNDS + 1):  # the first one is not counted
        panels.overview.focus()
        press(page, panels, "ArrowRight" if count % 8 else "ArrowDown")
        off = press(page, panels, "x")
        expect(panels.root.locator(".frame.off")).to_have_count(1)
        on = press(page, panels, "x")
        expect(panels.root.locator(".frame.off")).to_have_count(0)
        panels.prompt.focus()
        page.keyboard.press("Control+End")
        typed = press(page, panels, "abcdefghijklmnopqrstuvwxyz"[count % 26])
        press(page, panels, "Backspace")
        if count:
            for times, one in zip(found.values(), (off, on, typed), strict=True):
                times.append(one)
    return found


def spread(times: list[float]) -> str:
    """The median, and from where to where."""
    if not times:
        return "–"
    return f"{median(times):.0f} ms ({min(times):.0f}–{max(times):.0f})"


@pytest.mark.timeout(1800)
def test_from_the_key_to_every_panel(tmp_path: Path):
    rows = []
    names = ("next", "untouched", "matrix", "heads")
    with Lab(tmp_path / "lab") as lab, sync_playwright() as playwright:
        browser = launch(playwright)
        context = browser.new_context(viewport=SIZE)  # type: ignore[arg-type]
        Guard().watch(context)
        for tokens in LENGTHS:
            cells = [CELLS[0] + OF_LENGTH, CELLS[1].replace("TEXT", f"text_of({tokens})")]
            notebook = lab.open(context, cells)
            notebook.run(0)
            notebook.run(1)
            assert notebook.ask("len(explorer.trace)") == tokens
            panels = Panels(notebook.output(1))
            expect(panels.rows.first).to_be_visible(timeout=60_000)
            panels.settle()
            for gesture, times in measure(notebook, panels).items():
                each = [[one[name] for one in times if name in one] for name in names]
                each[1] = each[1] if gesture == "head off" else []  # elsewhere grey is the model
                last = [max(one.values()) for one in times if one]
                rows.append([f"{tokens}", gesture, *map(spread, [*each, last])])
            notebook.close()
        browser.close()
    heads = ["tokens", "key", "next token", "untouched bars", "matrix", "all heads", "every panel"]
    title = "From the key to the painted panel in JupyterLab: median of"
    show(f"{title} {ROUNDS} rounds (from–to)", heads, rows)
