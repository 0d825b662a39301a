"""How one weight comes about, step by step: each number is that of `trace.steps`."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from playwright.sync_api import Locator, expect

from tests.closeness import SMOLLM, assert_probabilities_close
from tests.components.workshop import Shown
from tests.page.drawn import expect_weight, number
from tests.page.panels import Panels, box, point

PACE = 2200  # ms a step, as in steps.tsx
COLUMNS = {"score": 0, "scale": 1, "mask": 2, "softmax": 3, "output": 4}


@pytest.fixture
def walk(panels: Panels, shown: Shown) -> Locator:
    """The steps as buttons, at the first of them."""
    panels.show("Steps")
    shown.wait(mode="steps")
    expect(panels.steps.locator(".keys tbody tr")).to_have_count(14)
    panels.steps.press("Home")
    found = panels.steps.get_by_role("navigation", name="Steps").locator("> button")
    expect(found.first).to_have_attribute("aria-current", "step")
    return found


@pytest.fixture
def steps(shown: Shown) -> SimpleNamespace:
    """Python's own steps of what is in focus."""
    return shown.numbers.steps(24, 4, 13)


def numbers(panels: Panels, stage: str) -> list[float]:
    """A column of the table, key by key."""
    cells = panels.steps.locator(f".keys tbody tr:not(.rest) td.{stage}").all_inner_texts()
    return [number(text.replace(" ", "")) for text in cells]


def expect_at(walk: Locator, index: int) -> None:
    """The walk stands at a step, and at no other."""
    expect(walk.nth(index)).to_have_attribute("aria-current", "step")
    expect(walk.and_(walk.page.locator("[aria-current]"))).to_have_count(1)


def test_each_step_forward_and_back_by_key(shown, panels, walk, steps):
    names = ["q · k", "scale", "mask", "softmax", "values", "concat"]
    assert steps.projection == "o_proj"
    expected = [*names, "× W_O"]
    expect(walk).to_have_text(expected)
    explain = panels.steps.locator(".explain > :not(.unseen)")
    seen = set()
    panels.steps.focus()
    for index in range(len(expected)):
        expect_at(walk, index)
        expect(explain.locator("math")).to_have_count(1)
        assert box(explain.locator("math"))["height"] > 10
        seen.add(explain.inner_text())
        for later, column in COLUMNS.items():
            cell = panels.steps.locator(f".keys tbody tr:not(.rest) td.{later} > div").first
            assert cell.is_visible() == (column <= index), (later, index)
        shown.page.keyboard.press("ArrowRight")
    assert len(seen) == len(expected), "each step has a formula and words of its own"
    expect_at(walk, len(expected) - 1)
    for index in reversed(range(len(expected) - 1)):
        shown.page.keyboard.press("ArrowLeft")
        expect_at(walk, index)
    shown.page.keyboard.press("End")
    expect_at(walk, len(expected) - 1)
    shown.page.keyboard.press("Home")
    expect_at(walk, 0)
    expect(panels.steps).to_be_focused()


def test_keys_walk_the_steps_after_a_click_on_their_name(show):
    shown = show("causal", panel="explorer")
    shown.panels.show("Steps")
    expect(shown.panels.steps).to_be_focused()
    walk = shown.panels.steps.get_by_role("navigation").get_by_role("button")
    shown.page.keyboard.press("ArrowRight")
    expect_at(walk, 1)
    assert shown.trait("mode") == "steps"


def test_each_step_by_mouse(shown, panels, walk):
    forward = panels.steps.get_by_role("button", name="Next", exact=True)
    back = panels.steps.get_by_role("button", name="Back", exact=True)
    expect(back).to_be_disabled()
    forward.click()
    forward.click()
    expect_at(walk, 2)
    back.click()
    expect_at(walk, 1)
    walk.nth(6).click()
    expect_at(walk, 6)
    expect(forward).to_be_disabled()


def test_space_plays_and_pauses(shown, panels, walk):
    clock = shown.page.clock
    clock.install(time=0)
    clock.pause_at(1000)
    panels.steps.focus()
    shown.page.keyboard.press("Space")
    expect(panels.steps.get_by_role("button", name="Pause")).to_be_visible()
    clock.run_for(1.5 * PACE)
    expect_at(walk, 1)
    shown.page.keyboard.press("Space")
    expect(panels.steps.get_by_role("button", name="Play")).to_be_visible()
    clock.run_for(2 * PACE)
    expect_at(walk, 1)
    panels.steps.get_by_role("button", name="Play").click()
    clock.run_for(1.5 * PACE)
    expect_at(walk, 2)
    panels.steps.get_by_role("button", name="Pause").click()


def test_the_numbers_are_those_of_python(shown, panels, walk, steps):
    panels.steps.press("End")
    product, bias, weights = steps.product, steps.bias, steps.weights
    scale = steps.scale
    close = {"abs": 0.0051, "rel": 6e-3}
    assert numbers(panels, "score") == pytest.approx(product, **close)
    assert numbers(panels, "scale") == pytest.approx([scale * one for one in product], **close)
    # From the last token nothing is hidden: that is said once, not as a column of zeros.
    assert not any(bias)
    mask = panels.steps.locator(".keys tbody td.mask")
    expect(mask).to_have_text(["nothing hidden"])
    expect(mask).to_have_attribute("rowspan", "14")
    signs = panels.steps.locator(".signs")
    expect(signs).to_contain_text("above zero")
    expect(signs).to_contain_text("below zero")
    colours = signs.locator(".swatch").evaluate_all(
        "all => all.map(one => getComputedStyle(one).backgroundColor)"
    )
    assert len(set(colours)) == 2
    printed = numbers(panels, "softmax")
    assert printed == pytest.approx(weights, abs=5.01e-4, rel=1e-2)
    assert [shown for shown in printed if shown < 5e-4] == pytest.approx(
        [weight for weight in weights if weight < 5e-4], rel=6e-3, abs=0
    )
    assert_probabilities_close(weights, shown.numbers.attention(24, 4)[13], terms=SMOLLM)

    results = panels.steps.locator(".results .line")
    for index, name in enumerate(("output", "concat", "contribution", "projected")):
        length, largest = steps.largest[name]
        end = results.nth(index).locator(".figures")
        expect(end).to_contain_text(f"{length} · ")
        most = number((end.text_content() or "").split("±")[1])
        assert most == pytest.approx(largest, abs=0.0051, rel=0.01), name


def test_strips_tell_their_numbers(shown, panels, walk, steps):
    panels.steps.press("End")
    query, keys, output = steps.query, steps.keys, steps.output
    for label, vector in (("q", query), ("k", keys[1]), ("o this head", output)):
        strip = panels.steps.get_by_role("img", name=label, exact=True)
        for at in (0, 17, len(vector) - 1):
            point(strip, (at + 0.5) / len(vector), 0.5)
            title = str(strip.locator("canvas").get_attribute("title"))
            assert title.startswith(f"{label} [{at}] = ")
            assert float(title.split("=")[1]) == pytest.approx(vector[at], rel=1e-3), title


def test_up_and_down_or_a_click_select_a_key(shown, panels, walk, steps):
    word = shown.numbers.names
    here = panels.steps.locator(".keys tr.here th")
    total = panels.steps.locator(".vectors").first.locator(".line").nth(2).locator(".figures")

    def expect_key(key: int) -> None:
        expect(here).to_have_text(word[key])
        assert number(total.text_content() or "") == pytest.approx(steps.product[key], abs=0.0051)

    expect_key(1)
    panels.steps.focus()
    for press, key in (("ArrowDown", 2), ("ArrowUp", 1), ("ArrowUp", 0), ("ArrowUp", 0)):
        shown.page.keyboard.press(press)
        expect_key(key)
    panels.steps.locator(".keys tbody th").nth(9).click()
    expect_key(9)
    for _ in range(8):
        shown.page.keyboard.press("ArrowDown")
    expect_key(13)


def test_the_steps_follow_token_and_head(shown, panels, walk):
    shown.set(position=5)
    expect(panels.steps.locator(".keys tbody tr:not(.rest)")).to_have_count(6)
    expect(panels.steps.locator(".keys tbody tr.rest")).to_contain_text("8 hidden")
    panels.steps.press("End")
    expect(panels.steps.locator(".keys tbody tr.rest .mask")).to_have_text(re.compile("− ?∞"))
    weights = shown.numbers.steps(24, 4, 5).weights
    assert numbers(panels, "softmax") == pytest.approx(weights[:6], abs=5.01e-4)
    panels.overview.press("ArrowUp")
    expect(panels.title).to_contain_text("Layer 23 · Head 4")
    first = panels.steps.locator(".keys td.softmax").first
    expect_weight(first, shown.numbers.steps(23, 4, 5).weights[0])


def test_what_is_special_in_the_model_is_said(shown, panels, walk, steps):
    said = steps.features
    assert {"rotary", "grouped heads"} <= {name for name, _ in said} | {"rotary"}
    shown = panels.steps.locator(".features li")
    expect(shown).to_have_count(len(said))
    for index, (name, text) in enumerate(said):
        expect(shown.nth(index)).to_contain_text(name)
        expect(shown.nth(index)).to_contain_text(text)


def test_steps_of_a_long_text_show_the_strongest_keys(show):
    shown = show("512-tokens", mode="steps")
    panels, count = shown.panels, len(shown.numbers.labels)
    rows = panels.steps.locator(".keys tbody tr:not(.rest)")
    expect(panels.steps.locator(".keys")).to_contain_text(f"{count - 16} others")
    expect(rows).to_have_count(16)
    panels.steps.press("End")
    weights = shown.numbers.steps(0, 0, count - 1).weights
    best = sorted(weights)[-16:]
    assert sorted(numbers(panels, "softmax")) == pytest.approx(best, abs=5.01e-4)
    rest = panels.steps.locator(".keys tr.rest td.softmax").first
    expect_weight(rest, sum(weights) - sum(best))


def test_a_row_is_clicked_anywhere(shown, panels, walk):
    rows = panels.steps.locator(".keys tbody tr")
    rows.nth(9).scroll_into_view_if_needed()
    row = box(rows.nth(9))
    shown.page.mouse.click(row["x"] + row["width"] * 0.8, row["y"] + row["height"] / 2)
    expected = shown.numbers.names[9]
    expect(panels.steps.locator(".keys tr.here th")).to_have_text(expected)
