"""One head as a matrix: every gesture by mouse and by key, held against the true weights."""

from __future__ import annotations

import math

import pytest
from playwright.sync_api import expect

from tests.components.bars import expect_bars_as_in_python
from tests.page.drawn import (
    cell_alpha,
    expect_weight,
    over_ground,
    picture,
)
from tests.page.panels import box, click, point

HEADS = [(24, 4), (3, 2), (11, 1)]


def test_hover_reads_the_true_weight(shown, panels):
    weights = shown.numbers.attention(24, 4).tolist()
    token = shown.numbers.names
    for query, key in ((13, 1), (13, 0), (9, 9), (4, 3), (10, 1), (3, 7)):
        point(panels.cells, (key + 0.5) / 14, (query + 0.5) / 14)
        expect(panels.readout).to_contain_text(f"{token[query]} → {token[key]} ")
        expect_weight(panels.weight, weights[query][key])
        expect(panels.matrix.locator(".rule:not(.pinned)")).to_have_count(2)
    assert shown.trait("position") == -1


def test_a_click_pins_a_cell_and_the_next_one_lets_go(shown, panels):
    weights = shown.numbers.attention(24, 4).tolist()
    cell = panels.matrix.locator(".rule.cell")
    click(panels.cells, 1.5 / 14, 10.5 / 14)
    shown.wait(position=10)
    shown.leave()
    expect(cell).to_be_visible()
    expect(panels.readout).to_contain_text("gave → Mary")
    expect(panels.readout).to_contain_text("pinned")
    expect_weight(panels.weight, weights[10][1])
    expect(panels.next.get_by_role("heading")).to_contain_text("after “gave”")
    expect_bars_as_in_python(shown, panels, 10)
    click(panels.cells, 1.5 / 14, 10.5 / 14)
    shown.leave()
    expect(cell).to_have_count(0)
    expect(panels.readout).not_to_contain_text("pinned")


def test_arrows_move_a_cursor_and_enter_pins(shown, panels):
    weights = shown.numbers.attention(24, 4).tolist()
    panels.matrix.focus()
    for key, query, at in (
        ("ArrowUp", 12, 1),
        ("ArrowLeft", 12, 0),
        ("ArrowDown", 13, 0),
        ("ArrowDown", 13, 0),
        ("ArrowRight", 13, 1),
        ("ArrowUp", 12, 1),
        ("ArrowUp", 11, 1),
        ("ArrowUp", 10, 1),
    ):
        shown.page.keyboard.press(key)
        expect_weight(panels.weight, weights[query][at])
    assert shown.trait("position") == -1
    cell = panels.matrix.locator(".rule.cell")
    shown.page.keyboard.press("Enter")
    shown.wait(position=10)
    expect(cell).to_be_visible()
    shown.page.keyboard.press("Enter")
    expect(cell).to_have_count(0)
    shown.page.keyboard.press("Space")
    expect(cell).to_be_visible()
    shown.page.keyboard.press("Escape")
    expect(cell).to_have_count(0)
    shown.page.keyboard.press("Escape")
    shown.wait(position=-1)


def test_nothing_is_drawn_above_the_diagonal(shown, panels):
    weights = shown.numbers.attention(24, 4).tolist()
    for query in range(14):
        for key in range(14):
            seen = cell_alpha(panels, query, key, 14, 14)
            true = over_ground(weights[query][key] ** 0.5) if key <= query else 0
            assert seen == pytest.approx(true, abs=0.015), (query, key)


def test_colour_scales_change_the_pixels(shown, panels):
    weight = shown.numbers.attention(24, 4)[13, 9]  # 0.069
    canvas = panels.cells.locator("canvas")
    seen = {picture(canvas)}
    for name, value, opacity in (
        ("linear", "linear", weight),
        ("log", "log", 1 + math.log10(weight) / 4),
        ("√ scale", "sqrt", weight**0.5),
    ):
        panels.scale.select_option(label=name)
        shown.wait(color_scale=value)
        assert cell_alpha(panels, 13, 9, 14, 14) == pytest.approx(over_ground(opacity), abs=0.015)
        seen.add(picture(canvas))
    assert len(seen) == 3
    panels.scale.focus()
    shown.page.keyboard.press("ArrowDown")
    shown.wait(color_scale="linear")
    shown.set(color_scale="log")
    expect(panels.scale).to_have_value("log")


def test_a_threshold_takes_what_is_below_it_away(shown, panels):
    weights = shown.numbers.attention(24, 4).tolist()

    def check(least: float) -> None:
        for key in (0, 1, 9, 3):
            weight = weights[13][key]
            shown = over_ground(weight**0.5 if weight >= least else 0)
            assert cell_alpha(panels, 13, key, 14, 14) == pytest.approx(shown, abs=0.015), key

    slider = panels.threshold
    slider.scroll_into_view_if_needed()
    place = box(slider)
    mouse = shown.page.mouse
    middle = place["y"] + place["height"] / 2
    mouse.move(place["x"] + 4, middle)
    mouse.down()
    for share in (0.1, 0.2, 0.3):
        mouse.move(place["x"] + share * place["width"], middle)
    mouse.up()
    least = shown.trait("threshold")
    assert 0.05 < least < 0.15
    expect(panels.attention.locator(".at-least")).to_have_text(f"≥ {least:.3f}")
    check(least)
    # The text is shaded by what is left.
    shade = "span => Number(getComputedStyle(span).getPropertyValue('--shade'))"
    for key in (0, 1, 9):
        left = weights[13][key] ** 0.5 if weights[13][key] >= least else 0
        assert panels.token(key).evaluate(shade) == pytest.approx(left, abs=1e-3)

    slider.press("End")
    shown.wait(threshold=1.0)
    check(1)
    for _ in range(2):
        slider.press("PageDown")
    least = shown.trait("threshold")
    assert 0.6 < least < 0.7
    check(least)
    slider.press("ArrowLeft")
    assert 0.6 < shown.trait("threshold") < 0.64
    slider.dblclick()
    shown.wait(threshold=0)
    check(0)
    shown.set(threshold=0.09)
    expect(slider).to_have_attribute("aria-valuetext", "0.090")
    check(0.09)


def test_without_the_first_token_the_rest_adds_up_to_one(shown, panels):
    row = shown.numbers.attention(24, 4)[-1]
    expect_weight(panels.readout.get_by_text("to the first token"), row[0])
    panels.sink.click()
    shown.wait(hide_sink=True)
    expect(panels.attention).to_contain_text("First token left out")
    expect(panels.readout).to_contain_text("first token left out, renormalised")
    expect_weight(panels.weight, row[1] / (1 - row[0]))
    assert cell_alpha(panels, 13, 0, 14, 14) == pytest.approx(over_ground(0), abs=0.01)
    point(panels.cells, 0.5 / 14, 13.5 / 14)
    expect_weight(panels.weight, 0)
    shown.leave()
    panels.sink.press("Space")
    shown.wait(hide_sink=False)
    expect_weight(panels.weight, row[1])
    shown.set(hide_sink=True)
    expect(panels.sink).to_have_attribute("aria-pressed", "true")


def test_heads_are_combined_to_one_matrix(shown, panels):
    shown.set(heads=HEADS)
    for how, option, title in (
        ("mean", "Mean", "Mean of 3 heads"),
        ("max", "Maximum", "Maximum of 3 heads"),
        ("difference", "Difference (A − B)", "24·4 − 3·2"),
        ("rollout", "Rollout", "Rollout through layers 0 to 24"),
        ("none", "Single head", "Layer 24 · Head 4"),
    ):
        panels.combine.select_option(label=option)
        shown.wait(combine=how)
        expect(panels.title).to_contain_text(title)
        expect(panels.readout.locator(".weight")).not_to_have_text("…")
        advice = panels.attention.get_by_text("flows to the first token: hide that")
        expect(advice).to_have_count(1 if how == "rollout" else 0)
        chosen = HEADS if how != "none" else HEADS[:1]
        weights = shown.numbers.combined(how, chosen)
        for query, key in ((13, 1), (13, 6), (9, 0), (5, 5)):
            point(panels.cells, (key + 0.5) / 14, (query + 0.5) / 14)
            expect_weight(panels.weight, weights[query][key])
            seen = cell_alpha(panels, query, key, 14, 14)
            assert seen == pytest.approx(over_ground(abs(weights[query][key]) ** 0.5), abs=0.015)
        shown.leave()
    panels.combine.focus()
    shown.page.keyboard.press("ArrowDown")
    shown.wait(combine="mean")


def test_a_difference_has_two_colours(shown, panels):
    shown.set(heads=[(24, 4), (3, 2)], combine="difference")
    expect(panels.title).to_contain_text("24·4 − 3·2")
    hue = """(canvas, [x, y]) => [...canvas.getContext("2d").getImageData(
        Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1).data.slice(0, 3)]"""
    canvas = panels.cells.locator("canvas")
    weights = shown.numbers.combined("difference", HEADS[:2])
    assert [weights[13, key] < 0 for key in (1, 6)] == [False, True]
    first = canvas.evaluate(hue, [1.25 / 14, 13.25 / 14])
    second = canvas.evaluate(hue, [6.25 / 14, 13.25 / 14])
    assert first[2] > first[0] and second[0] > second[2], "blue and orange"


def test_choosing_too_few_heads_is_said(shown, panels):
    panels.combine.select_option(label="Difference (A − B)")
    expect(panels.attention).to_contain_text("pin two heads first")
    expect(panels.title).to_contain_text("Layer 24 · Head 4")
    shown.set(heads=[(24, 4), (3, 2)])
    expect(panels.attention).not_to_contain_text("pin two heads first")
    expect(panels.title).to_contain_text("24·4 − 3·2")


def test_a_pinned_cell_gives_way_to_a_new_position(shown, panels):
    click(panels.cells, 1.5 / 14, 10.5 / 14)
    shown.wait(position=10)
    shown.leave()
    shown.set(position=9)
    expect(panels.readout).to_contain_text("John →")


def test_negative_weights_are_printed_as_others_are(shown, panels):
    shown.set(heads=[(24, 4), (3, 2)], combine="difference")
    expect(panels.title).to_contain_text("24·4 − 3·2")
    point(panels.cells, 6.5 / 14, 13.5 / 14)
    weight = shown.numbers.combined("difference", HEADS[:2])[13, 6]
    expect_weight(panels.weight, weight)
    expect(panels.weight).to_have_text(f"−{-weight:.3f}")
