"""A second text and steering in JupyterLab, by keys and by mouse, over SmolLM2 in a real kernel."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.explorer import SENTENCE, SIZE
from tests.page.panels import Panels

OTHER = "When Anna and Peter went to the store, Peter gave a drink to"
CELLS = [
    "import llmscope\nscope = llmscope.load(progress=lambda *_: None)",
    f"explorer = scope.explore({SENTENCE!r}, layer=23, head=3)\nexplorer",
]
EDITS = "[str(edit) for edit in explorer.edits]"
TEXT, SECOND = f"scope.trace({SENTENCE!r})", f"scope.trace({OTHER!r})"
CELL = (
    f"scope.trace({SENTENCE!r}, edits=[llmscope.patch(layer=24, source={SECOND}, positions=[13])])"
)
DIFFERENCE = (
    "(lambda one: float(one[scope.token_id(' Mary')] - one[scope.token_id(' Anna')]))"
    "({}.logits_at(-1))"
)


def test_a_text_is_patched_from_another_and_steered(open_notebook):
    notebook = open_notebook(CELLS)
    notebook.page.set_viewport_size(SIZE)
    notebook.run(0)
    notebook.run(1)
    page, panels = notebook.page, Panels(notebook.output(1))
    expect(panels.rows.first).to_contain_text("Mary", timeout=60_000)
    text = panels.root.get_by_role("region", name="Text")

    # A text of another length is said at once, and nothing changes.
    panels.prompt.press("Alt+p")
    field = text.get_by_role("textbox", name="Second text")
    field.fill(OTHER + " the")
    said = "The second text has 15 tokens and this one 14"
    expect(text.get_by_role("status")).to_contain_text(said)
    field.press("Enter")
    assert notebook.ask("explorer.patch_from") == ""
    field.fill(OTHER)
    expect(text.get_by_role("status")).to_have_text("14 tokens, as here")
    field.press("Enter")
    notebook.wait_value("explorer.patch_from", OTHER)

    # X takes the head from there.
    panels.overview.focus()
    page.keyboard.press("x")
    notebook.wait_value(EDITS, ["head 23·3 from another text"])
    page.keyboard.press("m")
    notebook.wait_value(EDITS, ["head 23·3 from another text", "MLP 23 from another text"])
    expect(panels.root.locator(".frame.patched")).to_have_count(1)
    panels.root.get_by_role("button", name="all on").click()
    notebook.wait_value(EDITS, [])

    # The grid comes, and its numbers are Python's.
    region = panels.root.get_by_role("region", name="Patching")
    grid = region.get_by_role("application")
    expect(region.get_by_role("button", name="stop")).to_have_count(0, timeout=300_000)
    grid.locator('[data-cell="24.13"]').hover()
    here, patched, there = (notebook.ask(DIFFERENCE.format(one)) for one in (TEXT, CELL, SECOND))
    share = (patched - here) / (there - here)
    reading = region.locator(".patching-reading")
    expect(reading).to_contain_text(f"Layer 24, token 13 “to”: {share:.2f} of the way")
    grid.locator('[data-cell="24.13"]').click()
    notebook.wait_value(EDITS, ["layer 24 from another text at 13"])
    expect(panels.rows.first).to_contain_text("Anna")
    notebook.screenshot("patching-grid")
    grid.press("Enter")
    notebook.wait_value(EDITS, [])
    expect(panels.rows.first).to_contain_text("Mary")
    grid.press("ArrowDown")
    grid.press("Enter")
    notebook.wait_value(EDITS, ["layer 23 from another text at 13"])
    page.keyboard.press("Control+z")
    notebook.wait_value(EDITS, [])

    # Steering, dragged, without the second text.
    text.get_by_role("button", name="from “When Anna").click()
    text.get_by_role("button", name="without").click()
    notebook.wait_value("explorer.patch_from", "")
    expect(region).to_have_count(0)
    text.get_by_role("button", name="steer…").click()
    page.keyboard.type("a man")
    text.get_by_role("textbox", name="to").fill("a cat")
    page.keyboard.press("Enter")
    notebook.wait_value(EDITS, ["layer 23 + 1 × ('a cat' − 'a man')"])
    slider = text.get_by_role("slider", name="Amount of layer 23")
    place = slider.bounding_box()
    assert place is not None
    middle = place["y"] + place["height"] / 2
    page.mouse.move(place["x"] + place["width"] * 0.55, middle)
    page.mouse.down()
    for step in range(40):
        page.mouse.move(place["x"] + place["width"] * (0.55 + step / 100), middle)
    page.mouse.up()
    panels.settle()
    scale = notebook.ask("explorer.edits[0].scale")
    assert scale == pytest.approx(9.4, abs=1)
    shown = float(slider.get_attribute("aria-valuetext") or "nan")
    assert shown == pytest.approx(scale)
    likely = notebook.ask("float(explorer.trace.next_token().probs.max())")
    expect(panels.rows.first.locator(".value")).to_have_text(f"{100 * likely:#.3g} %")
    notebook.screenshot("patching-steered")
    slider.press("Control+z")
    notebook.wait_value(EDITS, ["layer 23 + 1 × ('a cat' − 'a man')"])
    expect(panels.error).to_have_count(0)
