"""The Explorer on SmolLM2, under a person's hand: one open notebook for all tests."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.explorer import (  # noqa: F401
    CELLS,
    RESET,
    RUN,
    SENTENCE,
    SIZE,
    expect_bars_as_in_python,
    type_text,
)
from tests.browser.lab import Panels, point


def drag(
    panels: Panels, name: str, start: float, stop: float, see: Callable[[], object] = lambda: None
) -> list[object]:
    """Drag a slider's thumb between two shares of its way; gives what `see` saw at each step."""
    slider = panels.slider(name)
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    thumb = 16.1
    mouse = slider.page.mouse
    seen = []
    for step in range(9):
        place = start + (stop - start) * step / 8
        x = box["x"] + thumb / 2 + place * (box["width"] - thumb)
        mouse.move(x, box["y"] + box["height"] / 2)
        if step == 0:
            mouse.down()
        seen.append(see())
    mouse.up()
    return seen


def test_mary_comes_next_and_the_head_looks_at_her(panels):
    expect(panels.rows.first).to_contain_text(re.compile(r"^·Mary92\.\d %"))
    expect(panels.title).to_contain_text("Layer 24 · Head 4")
    expect(panels.readout).to_contain_text(re.compile(r"^to → Mary 0\.81"))


def test_typing_moves_every_panel_and_python_follows(notebook, panels):
    panels.prompt.press("Control+End")
    notebook.page.keyboard.type(" Mary, who")
    expect(panels.root.get_by_text("17 tokens")).to_be_visible()
    expect(panels.next.get_by_role("heading")).to_contain_text("after “who”")
    expect(panels.readout).to_contain_text("who →")
    notebook.wait_value("explorer.text", SENTENCE + " Mary, who")
    expect_bars_as_in_python(notebook, panels)
    weights = notebook.ask("explorer.trace.attention(24, 4)[-1].tolist()")
    expect(panels.readout.locator(".weight")).to_have_text(f"{max(weights):.3f}")


def test_text_set_in_python_changes_the_page(notebook, panels):
    notebook.execute("explorer.text = 'The capital of France is'")
    expect(panels.prompt).to_have_value("The capital of France is")
    expect(panels.rows.first).to_contain_text(re.compile(r"^·Paris7\d\.\d %"))
    expect(panels.root.get_by_text("5 tokens")).to_be_visible()


def test_the_header_says_what_is_kept_warm(notebook, panels):
    kept = panels.root.get_by_text("kept warm")
    notebook.execute("scope.forget()")
    type_text(notebook, panels, "Kept for the letter that comes next")
    size = notebook.ask("scope.cache_bytes")
    assert size > 100_000
    expect(kept).to_have_text(f"{math.ceil(size / 1e6)} MB kept warm")
    expect(kept).to_have_attribute("title", re.compile(r"at most 1,074 MB"))
    notebook.execute("scope.cache_limit = 0")
    type_text(notebook, panels, "Nothing is kept now")
    expect(kept).to_have_count(0)
    notebook.execute("scope.cache_limit = 2**30")


def test_dragged_sliders_agree_with_python(notebook, panels):
    notebook.execute("explorer.text = 'The cat sat on the mat because the cat was very'")
    expect(panels.rows.first).to_contain_text("·happy")
    for name, start, stop, trait in (
        ("temperature", 0.5, 0.8, "temperature"),
        ("top-k", 1.0, 0.15, "top_k"),
        ("top-p", 1.0, 0.4, "top_p"),
    ):
        before = panels.bars()
        drag(panels, name, start, stop)
        assert panels.bars() != before
        notebook.wait_value(f"explorer.{trait}", float(panels.shown(name).text_content() or ""))
        expect_bars_as_in_python(notebook, panels)
    notes = [bar["note"] for bar in panels.bars()]
    assert "cut by top-k" in notes and "cut by top-p" in notes


@pytest.fixture
def all_settings(panels: Panels) -> Iterator[None]:
    """The settings that few people need are shown."""
    panels.more.click()
    yield
    panels.more.click()


@pytest.mark.usefixtures("all_settings")
def test_arrow_keys_move_sliders_and_double_click_resets(notebook, panels):
    for name, key, times, value, trait in (
        ("temperature", "ArrowLeft", 3, "0.97", 0.97),
        ("top-p", "ArrowDown", 10, "0.90", 0.9),
        ("min-p", "ArrowRight", 2, "0.02", 0.02),
    ):
        for _ in range(times):
            panels.slider(name).press(key)
        expect(panels.shown(name)).to_have_text(value)
        notebook.wait_value(f"explorer.{name.replace('-', '_')}", trait)
    panels.slider("top-k").press("ArrowLeft")
    expect(panels.shown("top-k")).to_have_text(re.compile(r"48,\d\d\d"))
    shown = panels.shown("top-k").text_content() or ""
    notebook.wait_value("explorer.top_k", int(shown.replace(",", "")))
    panels.slider("temperature").press("Home")
    expect(panels.shown("temperature")).to_have_text("greedy")
    notebook.wait_value("explorer.temperature", 0)
    expect_bars_as_in_python(notebook, panels)
    for name, neutral in (
        ("temperature", "1.00"),
        ("top-k", "all"),
        ("top-p", "all"),
        ("min-p", "off"),
    ):
        panels.slider(name).dblclick()
        expect(panels.shown(name)).to_have_text(neutral)
    notebook.wait_value("len(explorer.distribution.stages)", 0)
    expect_bars_as_in_python(notebook, panels)


def test_sliders_work_while_a_cell_runs(notebook, panels):
    notebook.run(2, wait=False)
    notebook.wait_busy()
    before = panels.rows.first.text_content()
    panels.slider("temperature").press("End")
    expect(panels.shown("temperature")).to_have_text("2.00", timeout=1000)
    expect(panels.rows.first).not_to_have_text(before or "", timeout=1000)
    assert notebook.is_running(2)
    notebook.wait_idle()
    notebook.wait_value("explorer.temperature", 2.0)
    expect_bars_as_in_python(notebook, panels)


@pytest.mark.usefixtures("all_settings")
def test_nothing_jumps_while_a_slider_moves(panels):
    # What stands above and below each slider keeps its place.
    def places() -> object:
        parts = (panels.root, panels.next, panels.stages, panels.rows.first, panels.rows.last)
        return [part.bounding_box() for part in parts]

    panels.slider("temperature").scroll_into_view_if_needed()
    at_first = places()
    for name, start, stop in (
        ("temperature", 0.5, 1),
        ("temperature", 1, 0),
        ("top-k", 1, 0),
        ("top-p", 1, 0),
        ("min-p", 0, 1),
    ):
        for place in drag(panels, name, start, stop, places):
            assert place == at_first, name


def test_a_token_tells_its_name_id_and_weight(notebook, panels):
    token = notebook.ask(
        "[explorer.trace.tokens[9].id, float(explorer.trace.logprobs[9]),"
        " float(explorer.attention[-1, 9])]"
    )
    point(panels.token(9), 0.5, 0.5)
    expect(panels.caption).to_contain_text(f"“John” token 9, id {token[0]}")
    expect(panels.caption).to_contain_text(f"attention from “to” {token[2]:.3f}")
    printed = re.search(r"probability ([\d.e-]+) %", panels.caption.text_content() or "")
    assert printed and math.isclose(float(printed[1]) / 100, math.exp(token[1]), rel_tol=6e-3)
    notebook.page.mouse.move(2, 2)
    expect(panels.caption).not_to_contain_text("id ")


def test_a_pinned_token_shows_what_follows_it(notebook, panels):
    heading = panels.next.get_by_role("heading")
    point(panels.token(1), 0.5, 0.5)
    notebook.page.mouse.down()
    notebook.page.mouse.up()
    notebook.wait_value("explorer.position", 1)
    expect(heading).to_contain_text("after “Mary”")
    expect_bars_as_in_python(notebook, panels)
    panels.prompt.press("Alt+ArrowRight")
    expect(heading).to_contain_text("after “and”")
    notebook.wait_value("explorer.position", 2)
    for _ in range(3):
        panels.prompt.press("Alt+ArrowLeft")
    notebook.wait_value("explorer.position", 0)
    expect(heading).to_contain_text("after “When”")
    expect_bars_as_in_python(notebook, panels)
    panels.prompt.press("Escape")
    notebook.wait_value("explorer.position", -1)
    expect(heading).to_contain_text("after “to”")


def test_the_last_of_quick_pins_counts(notebook, panels):
    panels.prompt.focus()
    for _ in range(3):
        for _ in range(4):
            notebook.page.keyboard.press("Alt+ArrowLeft")
        notebook.page.keyboard.press("Escape")
    notebook.wait_value("explorer.position", -1)
    # An answer that comes late must not win.
    notebook.page.wait_for_timeout(700)
    expect(panels.next.get_by_role("heading")).to_contain_text("after “to”")
    expect_bars_as_in_python(notebook, panels)


def test_a_candidate_is_appended_to_what_was_typed_meanwhile(notebook, panels):
    panels.prompt.press("Control+End")
    candidate = panels.next.get_by_role("button", name="·his")
    # In one step of the page, so that no trace can come between.
    notebook.evaluate("document.execCommand('insertText', false, ', once again,');")
    candidate.evaluate("button => button.click()")
    notebook.wait_value("explorer.text", SENTENCE + ", once again, his")
    expect(panels.prompt).to_have_value(SENTENCE + ", once again, his")


def test_the_suggestion_is_taken_and_taken_back(notebook, panels):
    expect(panels.copy).to_contain_text(SENTENCE + " Mary")
    panels.prompt.press("Control+End")
    notebook.page.keyboard.press("ArrowRight")
    expect(panels.prompt).to_have_value(SENTENCE + " Mary")
    expect(panels.root.get_by_text("15 tokens")).to_be_visible()
    notebook.wait_value("explorer.text", SENTENCE + " Mary")
    notebook.page.keyboard.press("Control+z")
    expect(panels.prompt).to_have_value(SENTENCE)
    expect(panels.root.get_by_text("14 tokens")).to_be_visible()
    notebook.wait_value("explorer.text", SENTENCE)


def test_a_click_on_a_candidate_appends_it(notebook, panels):
    panels.next.get_by_role("button", name="·his").click()
    expect(panels.prompt).to_have_value(SENTENCE + " his")
    expect(panels.next.get_by_role("heading")).to_contain_text("after “his”")
    notebook.wait_value("explorer.text", SENTENCE + " his")
    expect_bars_as_in_python(notebook, panels)
