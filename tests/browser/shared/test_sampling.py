"""The next-token panel in full: stages, engines, dice, pins, arithmetic, scales and the curve."""

from __future__ import annotations

import math
import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab import DARK, LIGHT, Notebook

CELLS = [
    "import llmscope\nscope = llmscope.load()",
    "trace = scope.trace('The cat sat on the mat because the cat was very')\n"
    "view = llmscope.NextTokenView(trace)\nview",
]
RUN, SIZE = 2, {"width": 900, "height": 1200}
RESET = "view.temperature, view.top_k, view.top_p = 1.0, 0, 1.0\n"
RESET += "view.min_p, view.typical_p, view.order = 0.0, 1.0, 'transformers'"


@pytest.fixture
def panel(notebook: Notebook) -> Locator:
    """The panel as it was at first, with all its settings shown."""
    panel = notebook.output(1).get_by_role("region", name="Next token")
    more = panel.get_by_role("button", name="more")
    if more.get_attribute("aria-pressed") == "false":
        more.click()
    expect(panel.get_by_role("slider", name="temperature")).to_have_attribute(
        "aria-valuetext", "1.00"
    )
    expect(panel.get_by_role("radio", name="transformers")).to_be_checked()
    expect(panel.locator(".stages .on")).to_have_count(0)
    return panel


def shares(panel: Locator) -> list[float]:
    printed = panel.locator(".bars .value").all_inner_texts()
    return [float(text.removesuffix("%").strip()) / 100 for text in printed]


def test_the_rows_add_up_to_one_whatever_is_cut(panel, notebook):
    assert sum(shares(panel)) == pytest.approx(1, abs=2e-3)
    notebook.execute("view.temperature, view.top_k, view.top_p = 1.4, 40, 0.8")
    expect(panel.locator(".stages .on")).to_have_count(3)
    assert sum(shares(panel)) == pytest.approx(1, abs=2e-3)


def test_a_stage_is_switched_off_and_on_again(panel, notebook):
    notebook.execute("view.top_k = 7")
    stage = panel.get_by_role("button", name=re.compile("^top-k"))
    expect(stage).to_have_attribute("aria-pressed", "true")
    expect(stage).to_contain_text("7")
    expect(stage).to_contain_text("−")
    stage.click()
    expect(stage).to_have_attribute("aria-pressed", "false")
    notebook.wait_idle()
    assert notebook.ask("view.top_k") == 0
    stage.press("Enter")
    notebook.wait_idle()
    assert notebook.ask("view.top_k") == 7


@pytest.mark.parametrize("order", ["llama.cpp", "vllm"])
def test_an_engines_order_gives_what_python_gives(order, panel, notebook):
    notebook.execute("view.temperature, view.top_k, view.top_p, view.min_p = 1.6, 60, 0.8, 0.1")
    panel.get_by_role("radio", name=order).click()
    notebook.wait_idle()
    assert notebook.ask("view.order") == order
    kept = notebook.ask("[[s.name.replace('_', '-'), s.kept] for s in view.distribution.stages]")
    stages = panel.locator(".stages .on")
    expect(stages).to_have_count(len(kept))
    for index, (name, count) in enumerate(kept):
        expect(stages.nth(index)).to_contain_text(name)
        expect(stages.nth(index).locator("b")).to_have_text(f"{count:,}")
    true = notebook.ask("[c.prob for c in view.distribution.top(10)]")
    for shown, prob in zip(shares(panel)[:10], true, strict=True):
        assert math.isclose(shown, prob, rel_tol=6e-3, abs_tol=1e-12)


def test_a_token_whose_fate_differs_says_so(panel, notebook):
    notebook.execute("view.temperature, view.top_p = 0.5, 0.8")
    expect(panel.get_by_text(re.compile("llama.cpp (keeps|cuts) it")).first).to_be_visible()
    kept = {
        order: notebook.ask(
            f"[c.kept for c in trace.next_token(temperature=.5, top_p=.8, order={order!r}).top(10)]"
        )
        for order in ("transformers", "llama.cpp")
    }
    for index, (ours, theirs) in enumerate(zip(*kept.values(), strict=True)):
        note = panel.locator(".bars li").nth(index).locator("em").all_inner_texts()
        assert ("llama.cpp" in " ".join(note)) == (ours != theirs)


def test_vllm_has_no_typical(panel):
    panel.get_by_role("radio", name="vllm").click()
    expect(panel.get_by_role("slider", name="typical")).to_be_disabled()
    panel.get_by_role("radio", name="transformers").click()
    expect(panel.get_by_role("slider", name="typical")).to_be_enabled()


def test_the_dice_keeps_its_number_while_the_slider_moves_and_falls_as_in_python(panel, notebook):
    panel.get_by_role("button", name="Throw").click()
    dice = panel.locator(".dice [role=status]")
    number, _ = dice.inner_text().split(" → ")
    slider = panel.get_by_role("slider", name="temperature")
    for _ in range(60):
        slider.press("ArrowRight")
        assert dice.inner_text().split(" → ")[0] == number
    notebook.wait_idle()
    notebook.execute("from llmscope.text import labels")
    label = notebook.ask(f"labels(scope.tokenizer, [view.distribution.pick({number})])[0]")
    expect(dice).to_have_text(f"{number} → {label.removeprefix('·')}")


def test_a_thousand_draws_follow_the_distribution_and_the_sliders(panel):
    panel.get_by_role("button", name="Draw 1,000").click()
    marks = panel.locator(".bars .drawn")
    expect(marks).to_have_count(10)
    first = panel.locator(".bars li").first
    drawn = first.locator(".drawn").evaluate("mark => parseFloat(mark.style.left)")
    final = first.locator(".final").evaluate("bar => parseFloat(bar.style.width)")
    assert drawn == pytest.approx(final, abs=25)
    slider = panel.get_by_role("slider", name="temperature")
    before = drawn
    for _ in range(50):
        slider.press("ArrowLeft")
    assert first.locator(".drawn").evaluate("mark => parseFloat(mark.style.left)") != before
    panel.get_by_role("button", name="Draw 1,000").click()
    expect(marks).to_have_count(0)


def test_any_token_can_be_found_and_pinned(panel, notebook):
    search = panel.get_by_role("searchbox")
    search.fill("purple")
    found = panel.locator(".found button").first
    expect(found).to_contain_text("purple", timeout=20_000)
    search.press("Enter")
    pinned = panel.locator(".bars li").filter(has_text="purple")
    expect(pinned).to_have_count(1)
    (token,) = notebook.ask("scope.tokenizer('purple')['input_ids']")
    base = notebook.ask(f"float(view.distribution.base[{token}])")
    shown = float(pinned.locator(".value").inner_text().removesuffix("%")) / 100
    assert math.isclose(shown, base, rel_tol=6e-3)
    assert sum(shares(panel)) == pytest.approx(1, abs=2e-3)
    pinned.get_by_role("button", name="Unpin").click()
    expect(pinned).to_have_count(0)
    search.fill("no such token at all")
    expect(panel.get_by_text("no such token", exact=True)).to_be_visible()
    search.press("Escape")
    expect(search).to_have_value("")


def test_the_arithmetic_of_a_row_ends_in_its_percentage(panel, notebook):
    notebook.execute("view.temperature, view.top_k = 0.8, 20")
    expect(panel.locator(".stages .on")).to_have_count(2)
    value = panel.locator(".bars .value").nth(1)
    value.click()
    words = panel.locator(".arithmetic").inner_text()
    logit = notebook.ask("float(sorted(view.distribution.logits)[-2])")
    assert f"logit {logit:.4g} ÷ 0.8 = {logit / 0.8:.4g}" in words.replace("−", "-")
    assert "sum over 20 kept" in words
    assert words.endswith(value.inner_text())
    notebook.execute("view.top_k = 1")
    expect(panel.locator(".arithmetic")).to_contain_text("cut by top-k, so 0")
    value.click()
    expect(panel.locator(".arithmetic")).to_contain_text("Click a percentage")


def test_bars_are_linear_until_the_axis_says_otherwise(panel):
    def widths() -> list[float]:
        return panel.locator(".bars .final").evaluate_all(
            "bars => bars.map(bar => parseFloat(bar.style.width))"
        )

    ratio = shares(panel)[1] / shares(panel)[0]
    assert widths()[1] / widths()[0] == pytest.approx(ratio, rel=0.01)
    panel.get_by_role("button", name="log", exact=True).click()
    expect(panel.locator(".axis")).to_contain_text("10⁻⁴ %")
    expected = (math.log10(shares(panel)[1]) + 6) / (math.log10(shares(panel)[0]) + 6)
    assert widths()[1] / widths()[0] == pytest.approx(expected, rel=0.01)
    panel.get_by_role("button", name="log", exact=True).click()


def test_shift_steps_finely_and_keys_stay_in_range(panel, notebook):
    slider = panel.get_by_role("slider", name="temperature")
    slider.press("Shift+ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "1.001")
    slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "1.011")
    top_p = panel.get_by_role("slider", name="top-p")
    top_p.press("ArrowRight")
    expect(top_p).to_have_attribute("aria-valuetext", "all")
    top_k = panel.get_by_role("slider", name="top-k")
    notebook.execute("view.top_k = 5")
    expect(top_k).to_have_attribute("aria-valuetext", "5")
    top_k.press("ArrowLeft")
    expect(top_k).to_have_attribute("aria-valuetext", "4")


def test_no_switch_of_settings_moves_the_rows(panel, notebook):
    """Nothing below the sliders changes its place while settings change."""
    top = panel.locator(".bars").bounding_box()["y"]
    for settings in ("0.4, 3, 1.0", "1.9, 0, 0.3", "0.0, 0, 1.0", "1.0, 0, 1.0"):
        notebook.execute(f"view.temperature, view.top_k, view.top_p = {settings}")
        notebook.wait_drawn()
        assert panel.locator(".bars").bounding_box()["y"] == top


def test_pictures_for_the_documentation(panel, notebook):
    notebook.execute("view.temperature, view.top_k, view.top_p = 1.3, 50, 0.5")
    panel.get_by_role("button", name="curve").click()
    panel.get_by_role("button", name="Throw").click()
    panel.locator(".bars .value").nth(1).click()
    expect(panel.locator(".curve svg")).to_be_visible()
    for theme, name in ((LIGHT, "sampling"), (DARK, "sampling-dark")):
        notebook.theme(theme)
        notebook.wait_drawn()
        notebook.screenshot(name, notebook.output(1).locator(".llmscope"))
    notebook.theme(LIGHT)
