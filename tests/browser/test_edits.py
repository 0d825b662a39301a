"""Heads switched off in JupyterLab, by keys and by mouse, over SmolLM2 in a real kernel."""

from __future__ import annotations

import math

from playwright.sync_api import expect

from tests.browser.explorer import SENTENCE, SIZE
from tests.page.panels import Panels

CELLS = [
    "import llmscope\nscope = llmscope.load(progress=lambda *_: None)",
    f"explorer = scope.explore({SENTENCE!r}, layer=24, head=4)\nexplorer",
]
MARY = "float(explorer.trace.next_token().probs[explorer.scope.tokenizer.encode(' Mary')[0]])"
EDITS = "[str(edit) for edit in explorer.edits]"
UNTOUCHED = MARY.replace("explorer.trace", "explorer.trace.untouched")


def share(panels: Panels) -> float:
    """The probability of the first bar, as printed."""
    return float((panels.rows.first.locator(".value").text_content() or "").split()[0]) / 100


def test_heads_are_switched_off_and_on(open_notebook):
    notebook = open_notebook(CELLS)
    notebook.page.set_viewport_size(SIZE)
    notebook.run(0)
    notebook.run(1)
    panels = Panels(notebook.output(1))
    expect(panels.rows.first).to_contain_text("Mary", timeout=60_000)
    before = share(panels)
    grid = panels.root.get_by_role("application", name="Heads by layer")
    grid.focus()
    notebook.page.keyboard.press("x")
    notebook.wait_value(EDITS, ["head 24·4 off"])
    expect(panels.rows.first.locator(".base")).to_be_visible()
    now = notebook.ask(MARY)
    expect(panels.rows.first.locator(".value")).to_have_text(f"{100 * now:.1f} %")
    assert math.isclose(before, notebook.ask(UNTOUCHED), abs_tol=6e-4)
    assert abs(now - before) > 0.01
    expect(panels.root.locator(".frame.off")).to_have_count(1)
    notebook.screenshot("edits-one-head")

    # Typing goes on under the edit; Shift takes the layer's attention.
    panels.prompt.press("End")
    panels.prompt.press_sequentially(" Mary")
    notebook.wait_value("explorer.text[-5:]", " Mary")
    notebook.wait_value("[str(edit) for edit in explorer.trace.edits]", ["head 24·4 off"])
    grid.focus()
    notebook.page.keyboard.press("Shift+x")
    notebook.wait_value(EDITS, ["head 24·4 off", "attention 24 off"])
    expect(panels.root.locator(".frame.off")).to_have_count(9)

    panels.root.get_by_role("button", name="all on").click()
    notebook.wait_value(EDITS, [])
    expect(panels.root.locator(".frame.off")).to_have_count(0)
    notebook.page.keyboard.press("Control+z")
    notebook.wait_value(EDITS, ["head 24·4 off", "attention 24 off"])

    # Python sets them, too.
    notebook.ask("setattr(explorer, 'edits', [llmscope.ablate(mlp=0)])")
    chips = panels.root.get_by_role("list", name="What is changed of the model")
    expect(chips).to_have_text("MLP 0 off×")
    chips.get_by_role("button").click()
    notebook.wait_value(EDITS, [])
    expect(panels.error).to_have_count(0)


def test_the_difference_is_shown_by_mouse_and_by_key(open_notebook):
    notebook = open_notebook([CELLS[0], CELLS[1].replace("head=4", "head=4, chain_rule=True")])
    notebook.page.set_viewport_size(SIZE)
    notebook.run(0)
    notebook.run(1)
    panels = Panels(notebook.output(1))
    expect(panels.rows.first).to_contain_text("Mary", timeout=60_000)
    grid = panels.root.get_by_role("application", name="Heads by layer")
    notebook.ask("setattr(explorer, 'edits', [llmscope.ablate(head=(23, 3))])")
    control = panels.root.get_by_role("radiogroup", name="What is shown of the text")
    expect(control.get_by_role("radio", name="edited")).to_be_checked()

    control.get_by_text("difference").click()
    notebook.wait_value("explorer.side", "difference")
    comparison = "llmscope.Comparison(explorer.trace, explorer.trace.untouched)"
    weight = notebook.ask(f"float({comparison}.attention(24, 4)[-1, 9])")
    expect(panels.readout).to_contain_text("edited less untouched")
    expect(panels.weight).to_have_text(f"{weight:+.3f}")
    change = notebook.ask(f"float({comparison}.next_token.lost(1)[0].change)")
    value = f"{100 * change:.2f} pp".replace("-", "−")
    expect(panels.rows.first.locator(".value")).to_have_text(value)
    chain = panels.root.get_by_role("region", name="Chain rule")
    surprisal = notebook.ask(f"float({comparison}.surprisal[3])")
    expect(chain.locator("button.factor").nth(3)).to_contain_text(f"{surprisal:+.2f}")
    notebook.screenshot("edits-difference")

    # Typing goes on: both texts are read anew.
    panels.prompt.press("End")
    panels.prompt.press_sequentially(" Mary")
    notebook.wait_value("explorer.text[-5:]", " Mary")
    expect(chain.locator("button.factor")).to_have_count(15)
    expect(panels.readout).to_contain_text("edited less untouched")

    grid.focus()
    notebook.page.keyboard.press("Shift+D")
    notebook.wait_value("(explorer.side, explorer.trace.edits)", ["untouched", []])
    expect(panels.root.get_by_role("list", name="What is changed")).to_contain_text("head 23·3")
    notebook.page.keyboard.press("Control+z")
    notebook.wait_value("explorer.side", "difference")
    notebook.page.keyboard.press("d")
    notebook.wait_value("explorer.side", "edited")
    expect(panels.error).to_have_count(0)
