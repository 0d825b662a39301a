"""One head as a matrix: every gesture by mouse and by key, held against the true weights."""

from __future__ import annotations

from itertools import chain, pairwise

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.attention import (
    alpha,
    cell_alpha,
    expect_weight,
    inked,
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
from tests.browser.lab import Notebook, Panels, box, click, point

LONG = (
    "The committee that the senators from the northern states had chosen last spring met again on"
    " Tuesday, and its chairman, who had been ill, told the reporters that nobody in the room had"
    " expected the vote to be so close; in the end, the bill passed by one."
)
WEIGHTS = "explorer.trace.attention(24, 4).tolist()"
SHOW_ALL = "Show all"


def show(notebook: Notebook, panels: Panels, text: str) -> int:
    """Set the text and wait for its matrix; gives how many tokens it has."""
    notebook.execute(f"explorer.text = {text!r}")
    count = int(notebook.ask("len(explorer.trace)"))
    expect(panels.root.get_by_text(f"{count:,} tokens")).to_be_visible(timeout=20_000)
    expect_weight(panels.weight, notebook.ask("float(explorer.attention[-1].max())"))
    panels.matrix.scroll_into_view_if_needed()
    return count


@pytest.fixture
def focused(panels: Panels) -> Locator:
    """The frame around the row of the token in focus: its place and height tell the zoom."""
    return panels.matrix.locator(".rule.row.pinned")


def scale(panels: Panels, focused: Locator, count: int) -> float:
    """How much the matrix is magnified."""
    return box(focused)["height"] / (box(panels.cells)["height"] / count)


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
    assert notebook.ask("explorer.attention[-1].tolist()") == pytest.approx(
        [0, *(weight / (1 - row[0]) for weight in row[1:])], abs=1e-6
    )
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


def test_the_wheel_zooms_with_the_focus_and_scrolls_the_page_without(notebook, panels, focused):
    count = show(notebook, panels, LONG)
    page = notebook.page
    page.set_viewport_size({"width": 1360, "height": 600})
    scrolled = "return document.querySelector('.jp-WindowedPanel-outer').scrollTop;"
    point(panels.cells, 0.3, 0.7)
    before = notebook.evaluate(scrolled)
    page.mouse.wheel(0, -120)
    page.wait_for_timeout(200)
    assert notebook.evaluate(scrolled) < before, "the page scrolls"
    assert scale(panels, focused, count) == pytest.approx(1, abs=0.01)

    point(panels.cells, 0.3, 0.7)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -20)
    page.keyboard.up("Control")
    expect(panels.matrix.get_by_role("button", name=SHOW_ALL)).to_be_visible()
    by_control = scale(panels, focused, count)
    assert by_control > 1.1

    panels.matrix.focus()
    before = notebook.evaluate(scrolled)
    token = names(notebook)
    point(panels.cells, 0.3, 0.7)
    read = panels.readout.locator("b").text_content()
    page.mouse.wheel(0, -200)
    page.wait_for_timeout(100)
    assert scale(panels, focused, count) > by_control * 1.2
    assert notebook.evaluate(scrolled) == before, "the page stays"
    point(panels.cells, 0.3001, 0.7001)
    assert panels.readout.locator("b").text_content() == read, "what is under the mouse stays"
    assert read and read.split(" → ")[0] in token

    for _ in range(12):
        page.mouse.wheel(0, 300)
    expect(panels.matrix.get_by_role("button", name=SHOW_ALL)).to_have_count(0)
    assert scale(panels, focused, count) == pytest.approx(1, abs=0.01)


def test_keys_zoom_pan_and_show_all(notebook, panels, focused):
    count = show(notebook, panels, LONG)
    page = notebook.page
    panels.matrix.focus()
    for _ in range(20):
        page.keyboard.press("ArrowUp")
    query = count - 21
    page.keyboard.press("+")
    page.keyboard.press("+")
    cursor = panels.matrix.locator(".rule.row:not(.pinned)")
    column = panels.matrix.locator(".rule.column")
    assert scale(panels, cursor, count) == pytest.approx(2.25, rel=0.02)
    page.keyboard.press("-")
    assert scale(panels, cursor, count) == pytest.approx(1.5, rel=0.02)
    page.keyboard.press("=")
    weights = notebook.ask(f"explorer.attention[{query}].tolist()")
    assert any(panels.weight.text_content() == f"{weight:.3f}" for weight in weights)

    for key, which, side, sign in (
        ("Shift+ArrowDown", cursor, "y", -1),
        ("Shift+ArrowUp", cursor, "y", 1),
        ("Shift+ArrowRight", column, "x", -1),
        ("Shift+ArrowLeft", column, "x", 1),
    ):
        before, text = box(which)[side], panels.weight.text_content()
        page.keyboard.press(key)
        assert box(which)[side] - before == pytest.approx(60 * sign, abs=1), key
        assert panels.weight.text_content() == text

    # The cursor stays in sight.
    cells = box(panels.cells)
    for _ in range(query):
        page.keyboard.press("ArrowUp")
    expect_weight(panels.weight, notebook.ask("float(explorer.attention[0, 0])"))
    assert box(cursor)["y"] >= cells["y"] - 1
    page.keyboard.press("0")
    expect(panels.matrix.get_by_role("button", name=SHOW_ALL)).to_have_count(0)
    assert scale(panels, cursor, count) == pytest.approx(1, abs=0.01)


def test_a_drag_pans_and_pins_nothing(notebook, panels, focused):
    show(notebook, panels, LONG)
    page = notebook.page
    panels.matrix.focus()
    for _ in range(3):
        page.keyboard.press("+")
    canvas = panels.cells.locator("canvas")
    reset = panels.matrix.get_by_role("button", name=SHOW_ALL)
    before, painted = box(focused)["y"], picture(canvas)
    point(panels.cells, 0.5, 0.3)
    page.mouse.down()
    place = box(panels.cells)
    for step in range(1, 5):
        page.mouse.move(
            place["x"] + place["width"] * 0.5 + 10 * step,
            place["y"] + place["height"] * 0.3 + 15 * step,
        )
    page.mouse.up()
    assert box(focused)["y"] - before == pytest.approx(60, abs=1)
    assert picture(canvas) != painted
    assert notebook.ask("explorer.position") == -1
    expect(panels.matrix.locator(".rule.cell")).to_have_count(0)

    point(panels.cells, 0.4, 0.5)
    panels.cells.dblclick(position={"x": place["width"] * 0.4, "y": place["height"] * 0.5})
    expect(reset).to_have_count(0)
    panels.matrix.press("+")
    reset.click()
    expect(reset).to_have_count(0)


def test_show_all_is_pressed_by_key(notebook, panels):
    reset = panels.matrix.get_by_role("button", name=SHOW_ALL)
    for key in ("Enter", "Space"):
        panels.matrix.press("+")
        reset.press(key)
        expect(reset).to_have_count(0)
    assert notebook.ask("explorer.position") == -1


LABELS = """plot => [...plot.querySelectorAll("svg.labels")].map(svg =>
    [...svg.querySelectorAll("text")].map(text => {
        const { x, y, width, height } = text.getBBox();
        const { a, b, c, d, e, f } = text.getScreenCTM();
        const turn = Math.atan2(b, a);
        const start = { x: text.x.baseVal[0]?.value ?? 0, y: text.y.baseVal[0]?.value ?? 0 };
        const corners = [[x, y], [x + width, y], [x, y + height], [x + width, y + height]]
            .map(([u, v]) => [a * u + c * v + e, b * u + d * v + f]);
        const along = corners.map(([u, v]) => u * Math.cos(turn) + v * Math.sin(turn));
        const anchor = [a * start.x + c * start.y + e, b * start.x + d * start.y + f];
        return {
            text: text.textContent,
            size: parseFloat(getComputedStyle(text).fontSize),
            along: [Math.min(...along), Math.max(...along)],
            line: anchor[1] * Math.cos(turn) - anchor[0] * Math.sin(turn),
            left: Math.min(...corners.map(([u]) => u)), right: Math.max(...corners.map(([u]) => u)),
            top: Math.min(...corners.map(([, v]) => v)),
        };
    }))"""


def expect_labels_apart(panels: Panels) -> int:
    """No two labels of a side touch; counts them."""
    sides = panels.matrix.evaluate(LABELS)
    for labels in sides:
        labels.sort(key=lambda label: label["line"])
        for one, other in pairwise(labels):
            apart = other["line"] - one["line"] >= 0.95 * one["size"]
            aside = one["along"][1] <= other["along"][0] or other["along"][1] <= one["along"][0]
            assert apart or aside, (one, other)
        for label in labels:
            assert label["size"] >= 12
    return sum(map(len, sides))


TEXTS = {
    "English": LONG,
    "Chinese": "你好，世界。今天天气很好，我们一起去公园散步吧。" * 2,
    "long words": "extraordinarily " * 12,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_labels_stand_inside_the_panel(notebook, panels, text):
    show(notebook, panels, text)
    panel = box(panels.attention)
    for label in chain(*panels.matrix.evaluate(LABELS)):
        assert label["left"] >= panel["x"] - 1, label
        assert label["right"] <= panel["x"] + panel["width"] + 1, label
        assert label["top"] >= panel["y"], label


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_labels_stay_apart_at_any_zoom(notebook, panels, text):
    show(notebook, panels, text)
    page = notebook.page
    counts = [expect_labels_apart(panels)]
    panels.matrix.focus()
    for _ in range(5):
        page.keyboard.press("+")
        page.keyboard.press("Shift+ArrowUp")
        page.keyboard.press("Shift+ArrowLeft")
        counts.append(expect_labels_apart(panels))
        point(panels.cells, 0.77, 0.41)
        expect_labels_apart(panels)
        page.mouse.move(2, 2)
    assert min(counts) > 8
    page.keyboard.press("0")


def test_numbers_stand_in_cells_that_are_large_enough(notebook, panels):
    # A short text has large cells: their numbers are darker or paler than what is around them.
    show(notebook, panels, "Mary gave John a drink")
    canvas = panels.cells.locator("canvas")
    spread = """(canvas, [x, y, side]) => {
        const size = Math.floor(side * canvas.width);
        const { data } = canvas.getContext("2d").getImageData(
            Math.floor(x * canvas.width) + 4, Math.floor(y * canvas.height) + 4,
            size - 8, size - 8);
        const shades = new Set();
        for (let i = 0; i < data.length; i += 4) shades.add(`${data[i]},${data[i + 3]}`);
        return shades.size;
    }"""
    count = notebook.ask("len(explorer.trace)")
    weights = notebook.ask("explorer.attention.tolist()")
    for query in range(count):
        for key in range(query + 1):
            if abs(weights[query][key] - 0.005) < 1e-4:
                continue
            shades = canvas.evaluate(spread, [key / count, query / count, 1 / count])
            assert (shades > 3) == (weights[query][key] > 0.005), (query, key)


def test_six_hundred_tokens_zoom_to_exact_numbers(notebook, panels, focused):
    count = show(notebook, panels, "When Mary and John went to the store, " * 62)
    assert 512 < count < 700
    expect(panels.attention).to_contain_text("Each point is the greatest of 2 × 2 weights")
    canvas = panels.cells.locator("canvas")
    whole = inked(canvas)
    assert whole > 1000
    greatest = picture(canvas)
    pool = panels.attention.get_by_role("combobox", name="What a point stands for")
    pool.select_option("mean")
    expect(panels.attention).to_contain_text("Each point is the mean of 2 × 2 weights")
    notebook.page.wait_for_timeout(300)
    assert picture(canvas) != greatest
    pool.select_option("max")

    page = notebook.page
    panels.matrix.focus()
    point(panels.cells, 0.98, 0.98)
    for _ in range(12):
        page.keyboard.press("+")
    for _ in range(20):
        page.keyboard.press("Shift+ArrowDown")
        page.keyboard.press("Shift+ArrowRight")
    assert box(focused)["height"] == pytest.approx(48, abs=1)
    weights = notebook.ask("explorer.trace.attention(24, 4, rows=slice(-6, None)).tolist()")
    cells = box(panels.cells)
    for query, key in ((-4, -5), (-4, -4), (-5, -7), (-5, -3)):
        x, y = (1 + (place + 0.5) * 48 / cells["width"] for place in (key, query))
        weight = weights[query][key]
        point(panels.cells, x, y)
        expect_weight(panels.weight, weight)
        # The finer part is painted where the coarse one was.
        seen = alpha(canvas, x - 16 / cells["width"], y - 16 / cells["height"])
        shown = over_ground(weight**0.5) if key <= query else 0
        assert seen == pytest.approx(shown, abs=0.02), (query, key)
    page.keyboard.press("0")
