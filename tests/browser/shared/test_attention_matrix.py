"""One head as a matrix: every gesture by mouse and by key, held against the true weights."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.attention import (
    cell_alpha,
    expect_weight,
    names,
    over_ground,
    picture,
)
from tests.browser.explorer import (  # noqa: F401
    CELLS,
    RESET,
    RUN,
    SIZE,
    expect_bars_as_in_python,
)
from tests.browser.lab import box, click, point
from tests.closeness import SMOLLM, assert_probabilities_close

WEIGHTS = "explorer.trace.attention(24, 4).tolist()"


def test_hover_reads_the_true_weight(notebook, panels):
    weights = notebook.ask(WEIGHTS)
    token = names(notebook)
    for query, key in ((13, 1), (13, 0), (9, 9), (4, 3), (10, 1), (3, 7)):
        point(panels.cells, (key + 0.5) / 14, (query + 0.5) / 14)
        expect(panels.readout).to_contain_text(f"{token[query]} → {token[key]} ")
        expect_weight(panels.weight, weights[query][key])
        expect(panels.matrix.locator(".rule:not(.pinned)")).to_have_count(2)
    assert notebook.ask("explorer.position") == -1


def test_a_click_pins_a_cell_and_the_next_one_lets_go(notebook, panels):
    weights = notebook.ask(WEIGHTS)
    cell = panels.matrix.locator(".rule.cell")
    click(panels.cells, 1.5 / 14, 10.5 / 14)
    notebook.wait_value("explorer.position", 10)
    notebook.page.mouse.move(2, 2)
    expect(cell).to_be_visible()
    expect(panels.readout).to_contain_text("gave → Mary")
    expect(panels.readout).to_contain_text("pinned")
    expect_weight(panels.weight, weights[10][1])
    expect(panels.next.get_by_role("heading")).to_contain_text("after “gave”")
    expect_bars_as_in_python(notebook, panels)
    click(panels.cells, 1.5 / 14, 10.5 / 14)
    notebook.page.mouse.move(2, 2)
    expect(cell).to_have_count(0)
    expect(panels.readout).not_to_contain_text("pinned")


def test_arrows_move_a_cursor_and_enter_pins(notebook, panels):
    weights = notebook.ask(WEIGHTS)
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
        notebook.page.keyboard.press(key)
        expect_weight(panels.weight, weights[query][at])
    assert notebook.ask("explorer.position") == -1
    cell = panels.matrix.locator(".rule.cell")
    notebook.page.keyboard.press("Enter")
    notebook.wait_value("explorer.position", 10)
    expect(cell).to_be_visible()
    notebook.page.keyboard.press("Enter")
    expect(cell).to_have_count(0)
    notebook.page.keyboard.press("Space")
    expect(cell).to_be_visible()
    notebook.page.keyboard.press("Escape")
    expect(cell).to_have_count(0)
    notebook.page.keyboard.press("Escape")
    notebook.wait_value("explorer.position", -1)


def test_nothing_is_drawn_above_the_diagonal(notebook, panels):
    weights = notebook.ask(WEIGHTS)
    for query in range(14):
        for key in range(14):
            seen = cell_alpha(panels, query, key, 14, 14)
            true = over_ground(weights[query][key] ** 0.5) if key <= query else 0
            assert seen == pytest.approx(true, abs=0.015), (query, key)


def test_colour_scales_change_the_pixels(notebook, panels):
    weight = notebook.ask("float(explorer.attention[13, 9])")  # 0.069
    canvas = panels.cells.locator("canvas")
    seen = {picture(canvas)}
    for name, value, opacity in (
        ("linear", "linear", weight),
        ("log", "log", 1 + (notebook.ask(f"__import__('math').log10({weight})")) / 4),
        ("√ scale", "sqrt", weight**0.5),
    ):
        panels.scale.select_option(label=name)
        notebook.wait_value("explorer.color_scale", value)
        assert cell_alpha(panels, 13, 9, 14, 14) == pytest.approx(over_ground(opacity), abs=0.015)
        seen.add(picture(canvas))
    assert len(seen) == 3
    panels.scale.focus()
    notebook.page.keyboard.press("ArrowDown")
    notebook.wait_value("explorer.color_scale", "linear")
    notebook.execute("explorer.color_scale = 'log'")
    expect(panels.scale).to_have_value("log")


def test_a_threshold_takes_what_is_below_it_away(notebook, panels):
    weights = notebook.ask(WEIGHTS)

    def check(least: float) -> None:
        for key in (0, 1, 9, 3):
            weight = weights[13][key]
            shown = over_ground(weight**0.5 if weight >= least else 0)
            assert cell_alpha(panels, 13, key, 14, 14) == pytest.approx(shown, abs=0.015), key

    slider = panels.threshold
    slider.scroll_into_view_if_needed()
    place = box(slider)
    mouse = notebook.page.mouse
    middle = place["y"] + place["height"] / 2
    mouse.move(place["x"] + 4, middle)
    mouse.down()
    for share in (0.1, 0.2, 0.3):
        mouse.move(place["x"] + share * place["width"], middle)
    mouse.up()
    notebook.wait_value("0.05 < explorer.threshold < 0.15", True)
    least = notebook.ask("explorer.threshold")
    expect(panels.attention.locator(".at-least")).to_have_text(f"≥ {least:.3f}")
    check(least)
    # The text is shaded by what is left.
    shade = "span => Number(getComputedStyle(span).getPropertyValue('--shade'))"
    for key in (0, 1, 9):
        left = weights[13][key] ** 0.5 if weights[13][key] >= least else 0
        assert panels.token(key).evaluate(shade) == pytest.approx(left, abs=1e-3)

    slider.press("End")
    notebook.wait_value("explorer.threshold", 1.0)
    check(1)
    for _ in range(2):
        slider.press("PageDown")
    notebook.wait_value("0.6 < explorer.threshold < 0.7", True)
    check(notebook.ask("explorer.threshold"))
    slider.press("ArrowLeft")
    notebook.wait_value("0.6 < explorer.threshold < 0.64", True)
    slider.dblclick()
    notebook.wait_value("explorer.threshold", 0)
    check(0)
    notebook.execute("explorer.threshold = 0.09")
    expect(slider).to_have_attribute("aria-valuetext", "0.090")
    check(0.09)


def test_without_the_first_token_the_rest_adds_up_to_one(notebook, panels):
    row = notebook.ask("explorer.trace.attention(24, 4)[-1].tolist()")
    expect(panels.readout).to_contain_text(f"to the first token {row[0]:.3f}")
    panels.sink.click()
    notebook.wait_value("explorer.hide_sink", True)
    expect(panels.attention).to_contain_text("The first token is left out")
    expect(panels.readout).to_contain_text("without the first token, renormalised")
    expect_weight(panels.weight, row[1] / (1 - row[0]))
    rest = [0, *(weight / sum(row[1:]) for weight in row[1:])]
    assert_probabilities_close(notebook.ask("explorer.attention[-1].tolist()"), rest, terms=SMOLLM)
    assert cell_alpha(panels, 13, 0, 14, 14) == pytest.approx(over_ground(0), abs=0.01)
    point(panels.cells, 0.5 / 14, 13.5 / 14)
    expect_weight(panels.weight, 0)
    notebook.page.mouse.move(2, 2)
    panels.sink.press("Space")
    notebook.wait_value("explorer.hide_sink", False)
    expect_weight(panels.weight, row[1])
    notebook.execute("explorer.hide_sink = True")
    expect(panels.sink).to_have_attribute("aria-pressed", "true")


def test_heads_are_combined_to_one_matrix(notebook, panels):
    notebook.execute("explorer.heads = [(24, 4), (3, 2), (11, 1)]")
    for how, option, title in (
        ("mean", "mean of chosen", "Mean of 3 heads"),
        ("max", "greatest of chosen", "Greatest of 3 heads"),
        ("difference", "first − second", "24·4 − 3·2"),
        ("rollout", "rollout", "Rollout through layers 0 to 24"),
        ("none", "one head", "Layer 24 · Head 4"),
    ):
        panels.combine.select_option(label=option)
        notebook.wait_value("explorer.combine", how)
        expect(panels.title).to_contain_text(title)
        expect(panels.readout.locator(".weight")).not_to_have_text("…")
        weights = notebook.ask("explorer.attention.tolist()")
        for query, key in ((13, 1), (13, 6), (9, 0), (5, 5)):
            point(panels.cells, (key + 0.5) / 14, (query + 0.5) / 14)
            expect_weight(panels.weight, weights[query][key])
            seen = cell_alpha(panels, query, key, 14, 14)
            assert seen == pytest.approx(over_ground(abs(weights[query][key]) ** 0.5), abs=0.015)
        notebook.page.mouse.move(2, 2)
    panels.combine.focus()
    notebook.page.keyboard.press("ArrowDown")
    notebook.wait_value("explorer.combine", "mean")


def test_a_difference_has_two_colours(notebook, panels):
    notebook.execute("explorer.heads, explorer.combine = [(24, 4), (3, 2)], 'difference'")
    expect(panels.title).to_contain_text("24·4 − 3·2")
    hue = """(canvas, [x, y]) => [...canvas.getContext("2d").getImageData(
        Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1).data.slice(0, 3)]"""
    canvas = panels.cells.locator("canvas")
    assert notebook.ask("[bool(explorer.attention[13, k] < 0) for k in (1, 6)]") == [False, True]
    first = canvas.evaluate(hue, [1.25 / 14, 13.25 / 14])
    second = canvas.evaluate(hue, [6.25 / 14, 13.25 / 14])
    assert first[2] > first[0] and second[0] > second[2], "blue and orange"


def test_choosing_too_few_heads_is_said(notebook, panels):
    panels.combine.select_option(label="first − second")
    expect(panels.attention).to_contain_text("choose two heads first")
    expect(panels.title).to_contain_text("Layer 24 · Head 4")
    notebook.execute("explorer.heads = [(24, 4), (3, 2)]")
    expect(panels.attention).not_to_contain_text("choose two heads first")
    expect(panels.title).to_contain_text("24·4 − 3·2")


def test_a_pinned_cell_gives_way_to_a_new_position(notebook, panels):
    click(panels.cells, 1.5 / 14, 10.5 / 14)
    notebook.wait_value("explorer.position", 10)
    notebook.page.mouse.move(2, 2)
    notebook.execute("explorer.position = 9")
    expect(panels.readout).to_contain_text("John →", timeout=2000)


def test_negative_weights_are_printed_as_others_are(notebook, panels):
    notebook.execute("explorer.heads, explorer.combine = [(24, 4), (3, 2)], 'difference'")
    expect(panels.title).to_contain_text("24·4 − 3·2")
    point(panels.cells, 6.5 / 14, 13.5 / 14)
    weight = notebook.ask("float(explorer.attention[13, 6])")
    expect_weight(panels.weight, weight)
    expect(panels.weight).to_have_text(f"−{-weight:.3f}", timeout=2000)
