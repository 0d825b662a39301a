"""The next-token panel in full: stages, engines, dice, pins, arithmetic, scales and the curve."""

from __future__ import annotations

import math
import re
from itertools import accumulate

import pytest
from playwright.sync_api import Locator, expect

from tests.components.bars import MARKS, distribution
from tests.components.conftest import Show
from tests.components.numbers import printed
from tests.components.workshop import Shown
from tests.page.drawn import shares
from tests.page.panels import box, exact

ONE_RANDOM_NUMBER = """(_, number) => {
  const random = Math.random;
  Math.random = () => {
    Math.random = random;
    return number;
  };
}"""


@pytest.fixture
def shown(show: Show) -> Shown:
    """What may come after a sentence."""
    return show("next-token", size=(900, 1200), panel="next-token", width=850)


@pytest.fixture
def panel(shown: Shown) -> Locator:
    """The panel as it was at first, with all its settings shown."""
    panel = shown.panels.next
    more = panel.get_by_role("button", name="more")
    if more.get_attribute("aria-pressed") == "false":
        more.click()
    expect(panel.get_by_role("slider", name="temperature")).to_have_attribute(
        "aria-valuetext", "1.00"
    )
    expect(panel.get_by_role("radio", name="transformers")).to_be_checked()
    expect(panel.locator(".stages .on")).to_have_count(0)
    return panel


def test_the_rows_add_up_to_one_whatever_is_cut(panel, shown):
    assert sum(shares(panel)) == pytest.approx(1, abs=2e-3)
    shown.set(temperature=1.4, top_k=40, top_p=0.8)
    expect(panel.locator(".stages .on")).to_have_count(3)
    assert sum(shares(panel)) == pytest.approx(1, abs=2e-3)


def test_a_stage_is_switched_off_and_on_again(panel, shown):
    shown.set(top_k=7)
    stage = panel.get_by_role("button", name=re.compile("^top-k"))
    expect(stage).to_have_attribute("aria-pressed", "true")
    expect(stage).to_contain_text("7")
    expect(stage).to_contain_text("−")
    stage.click()
    expect(stage).to_have_attribute("aria-pressed", "false")
    shown.wait(top_k=0)
    stage.press("Enter")
    shown.wait(top_k=7)


@pytest.mark.parametrize("order", ["llama.cpp", "vllm"])
def test_an_engines_order_gives_what_python_gives(order, panel, shown):
    shown.set(temperature=1.6, top_k=60, top_p=0.8, min_p=0.1)
    panel.get_by_role("radio", name=order).click()
    shown.wait(order=order)
    found = distribution(shown)
    kept = [(stage.name.replace("_", "-"), stage.kept) for stage in found.stages]
    stages = panel.locator(".stages .on")
    expect(stages).to_have_count(len(kept))
    for index, (name, count) in enumerate(kept):
        expect(stages.nth(index)).to_contain_text(name)
        expect(stages.nth(index).locator("b")).to_have_text(f"{count:,}")
    true = [candidate.prob for candidate in found.top(10)]
    for shown, prob in zip(shares(panel)[:10], true, strict=True):
        assert math.isclose(shown, prob, rel_tol=6e-3, abs_tol=1e-12)


def test_a_token_whose_fate_differs_says_so(panel, shown):
    shown.set(temperature=0.5, top_p=0.8)
    expect(panel.get_by_text(re.compile("(kept|cut) by llama.cpp")).first).to_be_visible()
    kept = {
        order: [candidate.kept for candidate in distribution(shown, order=order).top(10)]
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


@pytest.mark.parametrize("number", [0.0312, 0.9876])
def test_the_dice_keeps_its_number_while_the_slider_moves_and_falls_as_in_python(
    number, panel, shown
):
    panel.evaluate(ONE_RANDOM_NUMBER, number)
    panel.get_by_role("button", name="Sample once").click()
    dice = panel.locator(".dice [role=status]")
    slider = panel.get_by_role("slider", name="temperature")
    for _ in range(60):
        slider.press("ArrowRight")
        assert dice.inner_text().startswith(f"{number} → ")
    picked = distribution(shown).pick(number)
    # A page names the thousand likeliest.
    texts = shown.numbers.facts["texts"]
    named = texts[str(picked)].translate(MARKS) if str(picked) in texts else "one of the others"
    expect(dice).to_have_text(f"{number} → {printed(named)}")


def test_a_thousand_draws_follow_the_distribution_and_the_sliders(panel):
    panel.get_by_role("button", name="Sample 1,000×").click()
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
    panel.get_by_role("button", name="Sample 1,000×").click()
    expect(marks).to_have_count(0)


def test_the_arithmetic_of_a_row_ends_in_its_percentage(panel, shown):
    shown.set(temperature=0.8, top_k=20)
    expect(panel.locator(".stages .on")).to_have_count(2)
    value = panel.locator(".bars .value").nth(1)
    value.click()
    words = panel.locator(".arithmetic").inner_text()
    logit = sorted(shown.numbers.logits())[-2]
    assert f"logit {logit:.4g} ÷ 0.8 = {logit / 0.8:.4g}" in words.replace("−", "-")
    assert "sum over 20 kept" in words
    assert words.endswith((value.get_attribute("title") or "").split(";")[0])
    shown.set(top_k=1)
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


def test_a_fixed_scale_is_the_same_for_every_text(panel, shown):
    ends = panel.locator(".axis span").last
    expect(ends).not_to_have_text("100 %")
    panel.get_by_role("button", name="fixed").click()
    expect(ends).to_have_text("100 %")
    width = panel.locator(".bars .final").first.evaluate("bar => parseFloat(bar.style.width)")
    assert width / 100 == pytest.approx(exact(panel.locator(".bars .value").first), rel=6e-3)


def test_one_decimal_is_printed_and_the_rest_said_on_hover(panel, shown):
    shown.set(top_k=3)
    for bar in shown.panels.bars():
        share = float(bar["value"].removesuffix(" %"))
        small = "0" if share == 0 else "< 0.1 %"
        assert bar["printed"] == (f"{share:.1f} %" if share >= 0.1 else small)


def test_what_cuts_nothing_has_a_pale_track(panel, shown):
    top_k = panel.get_by_role("slider", name="top-k")
    expect(top_k).to_have_class("off")
    top_k.press("ArrowLeft")
    expect(top_k).not_to_have_class("off")


def test_shift_steps_finely_and_keys_stay_in_range(panel, shown):
    slider = panel.get_by_role("slider", name="temperature")
    slider.press("Shift+ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "1.001")
    slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "1.011")
    top_p = panel.get_by_role("slider", name="top-p")
    top_p.press("ArrowRight")
    expect(top_p).to_have_attribute("aria-valuetext", "off")
    top_k = panel.get_by_role("slider", name="top-k")
    shown.set(top_k=5)
    expect(top_k).to_have_attribute("aria-valuetext", "5")
    top_k.press("ArrowLeft")
    expect(top_k).to_have_attribute("aria-valuetext", "4")


def test_no_switch_of_settings_moves_the_rows(panel, shown):
    """Nothing below the sliders changes its place while settings change."""
    top = panel.locator(".bars").bounding_box()["y"]
    for settings in (
        {"temperature": 0.4, "top_k": 3, "top_p": 1.0},
        {"temperature": 1.9, "top_k": 0, "top_p": 0.3},
        {"temperature": 0.0, "top_k": 0, "top_p": 1.0},
        {"temperature": 1.0, "top_k": 0, "top_p": 1.0},
    ):
        shown.set(**settings)
        shown.settle()
        assert panel.locator(".bars").bounding_box()["y"] == top


def test_presets_are_one_click_or_one_key_away(panel, shown):
    presets = panel.get_by_role("group", name="Presets of sampling")
    presets.get_by_role("button", name="nucleus").click()
    shown.wait(top_p=0.9, temperature=1)
    expect(presets.get_by_role("button", name="nucleus")).to_have_attribute("aria-pressed", "true")
    panel.get_by_role("slider", name="temperature").press("Alt+1")
    shown.wait(temperature=0, top_p=1)
    expect(presets.get_by_role("button", name="greedy")).to_have_attribute("aria-pressed", "true")
    presets.get_by_role("button", name="reset").click()
    shown.wait(temperature=1, top_p=1)
    expect(presets.get_by_role("button", name="reset")).to_have_count(0)


def test_probabilities_are_stacked_from_0_to_1(panel, shown):
    shown.set(top_k=6)
    after = panel.locator(".stacked-row.after i")
    whole = box(panel.locator(".stacked-row.after"))
    top = distribution(shown, top_k=6).top(10)
    for index, candidate in enumerate(top):
        width = box(after.nth(index))["width"] / whole["width"]
        assert width == pytest.approx(candidate.prob, abs=2e-3), candidate
    before = panel.locator(".stacked-row.before i")
    cut = [name == "cut" for name in before.evaluate_all("all => all.map(i => i.className)")]
    assert cut == [not candidate.kept for candidate in top] + [False, True]
    panel.get_by_role("button", name="Sample once").click()
    number, token = (panel.locator(".dice [role=status]").text_content() or "").split(" → ")
    needle = box(panel.locator(".needle"))
    assert needle["x"] + 1 - whole["x"] == pytest.approx(float(number) * whole["width"], abs=1.5)
    reached = list(accumulate(candidate.prob for candidate in top))
    fallen = next(index for index, sum_ in enumerate(reached) if float(number) < sum_)
    name = panel.locator(".bars li").nth(fallen).locator(".name").text_content() or ""
    assert name.lstrip("·") == token


def test_each_line_of_the_curve_leads_to_its_name(show):
    shown = show("causal", panel="next-token")
    shown.panels.next.get_by_role("button", name="curve").click()
    lines = shown.panels.next.locator(".curve .likely")
    expect(lines).to_have_count(5)
    drawn = lines.evaluate_all(
        """lines => lines.map(line => {
            const [curve, leader] = line.querySelectorAll("path");
            const end = curve.getPointAtLength(curve.getTotalLength());
            const [from, to] = [0, leader.getTotalLength()].map(at => leader.getPointAtLength(at));
            const text = line.querySelector("text");
            return [getComputedStyle(curve).stroke, getComputedStyle(leader).stroke,
                Math.hypot(end.x - from.x, end.y - from.y), to.y - Number(text.getAttribute("y"))];
        })"""
    )
    assert len({color for color, *_ in drawn}) == 5
    for color, leader, begins, ends in drawn:
        assert color == leader
        assert begins < 0.5 and abs(ends) < 0.5


_CUT = """panel => {
    const { right } = panel.getBoundingClientRect();
    const words = [...panel.querySelectorAll(
        ".slider > span, .orders span, .stages :is(span, b, small), .dice button, .dice > span")];
    return words
        .filter(word => word.scrollWidth > word.clientWidth + 1 && word.clientWidth > 0
            || word.getBoundingClientRect().right > right + 1)
        .map(word => word.textContent);
}"""
_TOPS = """panel => [...panel.querySelectorAll("h3, .presets, .slider")]
    .slice(0, 5).map(part => Math.round(part.getBoundingClientRect().top + scrollY))"""
_ROWS = """panel => [...panel.querySelectorAll(".stages li")]
    .map(cell => Math.round(cell.getBoundingClientRect().top))"""
_CELLS = """panel => [...panel.querySelectorAll(".stages li")]
    .map(cell => Math.round(cell.getBoundingClientRect().width))"""


@pytest.mark.parametrize("width", [390, 484, 830, 960, 1150, 1400])
def test_settings_are_named_whole_and_nothing_above_them_moves(show, width):
    shown = show("causal", panel="explorer", width=width, size=(max(width, 800), 1200))
    panel = shown.panels.next
    assert panel.evaluate(_CUT) == []
    before = panel.evaluate(_TOPS)
    for name in ("more", "curve"):
        panel.get_by_role("button", name=name, exact=True).click()
        shown.settle()
        assert panel.evaluate(_CUT) == [], name
        assert panel.evaluate(_TOPS) == before, name
    cells = panel.evaluate(_CELLS)
    shown.set(temperature=1.3, top_k=50, top_p=0.5)
    shown.settle()
    assert panel.evaluate(_CUT) == []
    assert panel.evaluate(_CELLS) == cells


@pytest.mark.parametrize("width", [760, 850, 960, 1150])
def test_stages_are_in_one_row_or_two_equal_ones(show, width):
    panel = show("next-token", panel="next-token", width=width, size=(1200, 900)).panels.next
    panel.get_by_role("button", name="more").click()
    expect(panel.locator(".stages li")).to_have_count(6)
    tops = panel.evaluate(_ROWS)
    assert [tops.count(top) for top in sorted(set(tops))] in ([6], [3, 3])
