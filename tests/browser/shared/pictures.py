"""Pictures of attention to look at: short and long texts, light and dark, narrow and large.

With ``LLMSCOPE_PICTURES=1`` also those of 4,096 tokens, which take minutes.
"""

from __future__ import annotations

import os
import re
import time

import pytest
from playwright.sync_api import expect

from tests.browser.lab import DARK, LIGHT
from tests.browser.notebook import Notebook
from tests.page.drawn import picture
from tests.page.panels import Panels

MARY = "When Mary and John went to the store, John gave a drink to"
PASSAGE = (
    "Alice was beginning to get very tired of sitting by her sister on the bank, and of having"
    " nothing to do: once or twice she had peeped into the book her sister was reading, but it had"
    " no pictures or conversations in it, “and what is the use of a book,” thought Alice “without"
    " pictures or conversations?” So she was considering in her own mind (as well as she could, for"
    " the hot day made her feel very sleepy and stupid), whether the pleasure of making a"
    " daisy-chain would be worth the trouble of getting up and picking the daisies, when suddenly a"
    " White Rabbit with pink eyes ran close by her. "
)
CELLS = [
    "import llmscope\nscope = llmscope.load()",
    f"view = llmscope.AttentionView(scope.trace({MARY!r}), layer=24, head=4)\nview",
]
RUN, SIZE = 2, {"width": 1180, "height": 1500}
VIEWS = {"view": {"text": MARY, "layer": 24, "head": 4}}
SHORT = "Mary gave a drink to John and then"
LONG = f"scope.tokenizer.decode(scope.tokenizer({PASSAGE!r} * 50)['input_ids'][:{{}}])"


@pytest.fixture
def panels(notebook: Notebook) -> Panels:
    panels = Panels(notebook.output(1))
    expect(panels.readout).to_contain_text("to → Mary")
    return panels


def show(notebook: Notebook, panels: Panels, tokens: int, seconds: float) -> None:
    """Set a text of so many tokens, and wait until all heads are there."""
    notebook.execute(
        f"view.text = {SHORT!r}" if tokens == 8 else f"view.text = {LONG.format(tokens)}"
    )
    assert notebook.ask("len(view.trace)") == tokens
    milliseconds = seconds * 1000
    last = notebook.ask("view.trace.tokens[-1].label").removeprefix("·")
    expect(panels.readout).to_contain_text(f"{last} →", timeout=milliseconds)
    expect(panels.weight).to_have_text(re.compile(r"\d"), timeout=milliseconds)
    reading = panels.root.get_by_text(re.compile(r"of 30 layers read"))
    expect(reading).to_have_count(0, timeout=milliseconds)
    settle(panels)


def settle(panels: Panels) -> None:
    """Wait until the pictures of all heads have come: nothing changes for a second."""
    canvas = panels.overview.locator("canvas")
    seen, since = "", time.monotonic()
    while time.monotonic() < since + 1:
        if (now := picture(canvas)) != seen:
            seen, since = now, time.monotonic()
        panels.root.page.wait_for_timeout(100)


def both_themes(notebook: Notebook, panels: Panels, name: str) -> None:
    for theme in (LIGHT, DARK):
        notebook.theme(theme)
        notebook.page.wait_for_timeout(300)
        path = notebook.screenshot(f"{name}-{theme.split()[-1].lower()}", panels.root)
        assert path.stat().st_size > 10_000
    notebook.theme(LIGHT)


LONGEST = pytest.param(
    4096,
    marks=[
        pytest.mark.skipif("LLMSCOPE_PICTURES" not in os.environ, reason="takes minutes"),
        pytest.mark.timeout(900),
    ],
)


@pytest.mark.parametrize("tokens", [8, 60, 512, LONGEST])
def test_matrix_and_arcs(notebook, panels, tokens):
    show(notebook, panels, tokens, seconds=30 if tokens < 4096 else 600)
    both_themes(notebook, panels, f"attention-matrix-{tokens}")
    notebook.execute("view.mode, view.heads = 'arcs', [(24, 4), (11, 1), (16, 0)]")
    expect(panels.chips).to_have_count(3)
    if tokens > 60:
        notebook.execute(f"view.position = {tokens // 2}")
        expect(panels.readout.locator(".weight")).to_have_count(3, timeout=60_000)
    notebook.page.wait_for_timeout(500)
    both_themes(notebook, panels, f"attention-arcs-{tokens}")


def test_steps(notebook, panels):
    notebook.execute("view.mode = 'steps'")
    panels.steps.press("End")
    settle(panels)
    both_themes(notebook, panels, "attention-steps")


def test_narrow_and_large(notebook, panels):
    page = notebook.page
    page.set_viewport_size({"width": 600, "height": 2400})
    expect(panels.readout).to_contain_text("to → Mary")
    settle(panels)
    notebook.screenshot("attention-narrow", panels.root)
    page.set_viewport_size({"width": 1360, "height": 2000})
    notebook.execute("view.lecture = True")
    page.wait_for_timeout(400)
    notebook.screenshot("attention-lecture", panels.root)
    notebook.execute("view.mode, view.heads = 'arcs', [(24, 4), (11, 1)]")
    expect(panels.chips).to_have_count(2)
    page.wait_for_timeout(400)
    notebook.screenshot("attention-lecture-arcs", panels.root)
    notebook.execute("view.lecture = False")
