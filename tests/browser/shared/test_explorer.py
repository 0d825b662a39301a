"""The Explorer on SmolLM2, under a person's hand: one open notebook for all tests."""

from __future__ import annotations

import math
import re

from playwright.sync_api import expect

from tests.browser.explorer import (  # noqa: F401
    CELLS,
    RUN,
    SENTENCE,
    SIZE,
    VIEWS,
    expect_bars_as_in_python,
    type_text,
)


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


def test_the_header_says_what_is_cached(notebook, panels):
    kept = panels.root.get_by_text("cache ")
    notebook.execute("scope.forget()")
    type_text(notebook, panels, "Kept for the letter that comes next")
    size = notebook.ask("scope.cache_bytes")
    assert size > 100_000
    expect(kept).to_have_text(f"cache {math.ceil(size / 1e6)} MB")
    expect(kept).to_have_attribute("title", re.compile(r"at most 1,074 MB"))
    notebook.execute("scope.cache_limit = 0")
    type_text(notebook, panels, "Nothing is kept now")
    expect(kept).to_have_count(0)
    notebook.execute("scope.cache_limit = 2**30")


def test_sliders_work_while_a_cell_runs(notebook, panels):
    before = panels.rows.first.text_content()
    with notebook.held(2):
        panels.slider("temperature").press("End")
        expect(panels.shown("temperature")).to_have_text("2.00")
        expect(panels.rows.first).not_to_have_text(before or "")
    notebook.wait_value("explorer.temperature", 2.0)
    expect_bars_as_in_python(notebook, panels)


def test_the_last_of_quick_pins_counts(notebook, panels):
    panels.prompt.focus()
    for _ in range(3):
        for _ in range(4):
            notebook.page.keyboard.press("Alt+ArrowLeft")
        notebook.page.keyboard.press("Escape")
    notebook.wait_value("explorer.position", -1)
    # An answer that comes late must not win.
    panels.settle()
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


# In pixels, between the token in focus and what is suggested after it.
GAP = """copy => {
    const range = document.createRange();
    range.selectNodeContents(copy.querySelector(".suggestion"));
    const focus = copy.querySelector(".here").getBoundingClientRect();
    return range.getBoundingClientRect().left - focus.right;
}"""


def test_the_suggestion_is_taken_and_taken_back(notebook, panels):
    expect(panels.copy).to_contain_text(SENTENCE + " Mary")
    panels.prompt.press("Control+End")
    notebook.page.keyboard.press("ArrowRight")
    expect(panels.prompt).to_have_value(SENTENCE + " Mary")
    expect(panels.root.get_by_text("15 tokens")).to_be_visible()
    notebook.wait_value("explorer.text", SENTENCE + " Mary")
    # What is suggested next, a comma, stands clear of the frame around the focus.
    expect(panels.copy.locator(".suggestion")).to_have_text(",")
    assert panels.copy.evaluate(GAP) >= 2
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
