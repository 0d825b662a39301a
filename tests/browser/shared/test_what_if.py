"""The model changed, its effects, a second text and steering, in the kernel as on screen."""

from __future__ import annotations

import math

import pytest
from playwright.sync_api import expect

from tests.browser.explorer import CELLS, RUN, SENTENCE, SIZE, VIEWS  # noqa: F401
from tests.page.panels import Panels, box

MARY = "float(explorer.trace.next_token().probs[explorer.scope.tokenizer.encode(' Mary')[0]])"
EDITS = "[str(edit) for edit in explorer.edits]"
UNTOUCHED = MARY.replace("explorer.trace", "explorer.trace.untouched")
OF = "trace.effects(mary, of={of!r}, method={method!r}).values.tolist()"
# Short, as each of its tokens is a pass for each layer.
HERE, THERE = "The capital of France is", "The capital of Italy is"
FIRST, SECOND = f"scope.trace({HERE!r})", f"scope.trace({THERE!r})"
CELL = f"scope.trace({HERE!r}, edits=[llmscope.patch(layer=24, source={SECOND}, positions=[4])])"
DIFFERENCE = (
    "(lambda one: float(one[scope.token_id(' Paris')] - one[scope.token_id(' Rome')]))"
    "({}.logits_at(-1))"
)


def share(panels: Panels) -> float:
    """The probability of the first bar, as printed."""
    return float((panels.rows.first.locator(".value").text_content() or "").split()[0]) / 100


def signed(value: float) -> str:
    """A number as it is printed."""
    return f"{value:+.2f}".replace("-", "−") if round(value, 2) else "0.00"


def test_heads_are_switched_off_and_on(notebook, panels):
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


def test_the_difference_is_shown_by_mouse_and_by_key(notebook, panels):
    notebook.execute("explorer.chain_rule = True")
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
    notebook.wait_value("(explorer.side, len(explorer.trace.edits))", ["untouched", 0])
    expect(panels.root.get_by_role("list", name="What is changed")).to_contain_text("head 23·3")
    notebook.page.keyboard.press("Control+z")
    notebook.wait_value("explorer.side", "difference")
    notebook.page.keyboard.press("d")
    notebook.wait_value("explorer.side", "edited")
    expect(panels.error).to_have_count(0)


def test_mlps_and_tokens_have_effects(notebook, panels):
    notebook.execute(f"trace = scope.trace({SENTENCE!r}); mary = scope.token_id(' Mary')")
    before = box(panels.overview)
    panels.mark.select_option("effect")
    notebook.wait_value("list(explorer.effect_of) == [mary]", True)
    mlp = panels.root.locator(".habit span.mlp")
    values = notebook.ask(OF.format(of="mlps", method="direct"))
    expect(mlp).to_have_text(f"MLP 24 {signed(values[24])}", timeout=60_000)
    assert box(panels.overview) == before
    panels.walk(layers=1)
    expect(mlp).to_have_text(f"MLP 25 {signed(values[25])}")

    # By mouse: the number of a layer is its MLP's, too.
    frame, grid = box(panels.overview.locator(".focus")), box(panels.overview)
    lies = "lying" in (panels.overview.get_attribute("class") or "")
    middle = frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2
    x, y = (middle[0], grid["y"] + 8) if lies else (grid["x"] + 8, middle[1])
    step = frame["width"] + 1
    notebook.page.mouse.move(*((x + step, y) if lies else (x, y + step)))
    expect(mlp).to_have_text(f"MLP 26 {signed(values[26])}")
    notebook.screenshot("effects-direct")

    panels.root.get_by_text("true", exact=True).click()
    values = notebook.ask(OF.format(of="mlps", method="ablate"))
    expect(mlp).to_have_text(f"MLP 25 {signed(values[25])}", timeout=120_000)

    # The text: by mouse, and back by a key.
    choice = panels.root.get_by_role("radiogroup", name="What the text is shaded by")
    choice.get_by_text("effect").click()
    notebook.wait_value("explorer.shade", "effect")
    expect(panels.caption).to_contain_text("True effect on the logit of “Mary”", timeout=120_000)
    values = notebook.ask(OF.format(of="tokens", method="occlusion"))
    token = box(panels.token(1))
    notebook.page.mouse.move(token["x"] + token["width"] / 2, token["y"] + token["height"] / 2)
    expect(panels.caption).to_contain_text(f"effect {signed(values[1])}")
    notebook.screenshot("effects-of-tokens")
    choice.get_by_role("radio", name="effect").focus()
    notebook.page.keyboard.press("ArrowLeft")
    notebook.wait_value("explorer.shade", "attention")
    notebook.ask("setattr(explorer, 'shade', 'effect')")
    expect(choice.get_by_role("radio", name="effect")).to_be_checked()
    notebook.ask("setattr(explorer, 'effect_of', ())")
    expect(choice).to_have_count(0)
    expect(panels.caption).to_contain_text("attention from “to”")
    expect(panels.error).to_have_count(0)


def test_a_text_is_patched_from_another_and_steered(notebook, panels):
    notebook.execute(f"explorer.text = {HERE!r}; explorer.layer, explorer.head = 23, 3")
    expect(panels.rows.first).to_contain_text("Paris")
    page = notebook.page
    text = panels.root.get_by_role("region", name="Text")

    # A text of another length is said at once, and nothing changes.
    panels.prompt.press("Alt+p")
    field = text.get_by_role("textbox", name="Second text")
    field.fill(THERE + " the")
    said = "The second text has 6 tokens and this one 5"
    expect(text.get_by_role("status")).to_contain_text(said)
    field.press("Enter")
    assert notebook.ask("explorer.patch_from") == ""
    field.fill(THERE)
    expect(text.get_by_role("status")).to_have_text("5 tokens, as here")
    field.press("Enter")
    notebook.wait_value("explorer.patch_from", THERE)

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
    grid.locator('[data-cell="24.4"]').hover()
    here, patched, there = (notebook.ask(DIFFERENCE.format(one)) for one in (FIRST, CELL, SECOND))
    share = (patched - here) / (there - here)
    reading = region.locator(".patching-reading")
    expect(reading).to_contain_text(f"Layer 24, token 4 “is”: {share:.2f} of the way")
    grid.locator('[data-cell="24.4"]').click()
    notebook.wait_value(EDITS, ["layer 24 from another text at 4"])
    expect(panels.rows.first).to_contain_text("Rome")
    notebook.screenshot("patching-grid")
    grid.press("Enter")
    notebook.wait_value(EDITS, [])
    expect(panels.rows.first).to_contain_text("Paris")
    grid.press("ArrowDown")
    grid.press("Enter")
    notebook.wait_value(EDITS, ["layer 23 from another text at 4"])
    page.keyboard.press("Control+z")
    notebook.wait_value(EDITS, [])

    # Steering, dragged, without the second text.
    text.get_by_role("button", name="from “The capital").click()
    text.get_by_role("button", name="without").click()
    notebook.wait_value("explorer.patch_from", "")
    expect(region).to_have_count(0)
    text.get_by_role("button", name="steer…").click()
    expect(text.get_by_role("textbox", name="from", exact=True)).to_be_focused()
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
