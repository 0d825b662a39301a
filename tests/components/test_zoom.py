"""A matrix near and far: wheel, keys, drag, fingers; labels and numbers at any size and length."""

from __future__ import annotations

from itertools import chain, pairwise

import pytest
from playwright.sync_api import Locator, expect

from tests.components.conftest import Show
from tests.components.workshop import Shown
from tests.page.drawn import (
    alpha,
    eventually,
    expect_weight,
    inked,
    number,
    over_ground,
    picture,
)
from tests.page.panels import Panels, box, point

SHOW_ALL = "Show all"


@pytest.fixture
def shown(show: Show) -> Shown:
    """One head over a text of some fifty tokens."""
    return show("long", panel="explorer")


@pytest.fixture
def focused(panels: Panels) -> Locator:
    """The frame around the row of the token in focus: its place and height tell the zoom."""
    panels.matrix.scroll_into_view_if_needed()
    return panels.matrix.locator(".rule.row.pinned")


def scale(panels: Panels, focused: Locator, count: int) -> float:
    """How much the matrix is magnified."""
    return box(focused)["height"] / (box(panels.cells)["height"] / count)


def test_the_wheel_zooms_with_the_focus_and_scrolls_the_page_without(shown, panels, focused):
    count = len(shown.numbers.labels)
    page = shown.page
    page.set_viewport_size({"width": 1360, "height": 600})

    def scrolled() -> float:
        return float(page.evaluate("scrollY"))

    point(panels.cells, 0.3, 0.7)
    before = scrolled()
    page.mouse.wheel(0, -120)
    eventually(lambda: scrolled() < before)  # the page scrolls
    assert scale(panels, focused, count) == pytest.approx(1, abs=0.01)

    point(panels.cells, 0.3, 0.7)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -20)
    page.keyboard.up("Control")
    expect(panels.matrix.get_by_role("button", name=SHOW_ALL)).to_be_visible()
    by_control = scale(panels, focused, count)
    assert by_control > 1.1

    panels.matrix.focus()
    before = scrolled()
    token = shown.numbers.names
    point(panels.cells, 0.3, 0.7)
    read = panels.readout.locator("b").text_content()
    page.mouse.wheel(0, -200)
    eventually(lambda: scale(panels, focused, count) > by_control * 1.2)
    shown.settle()
    assert scrolled() == before, "the page stays"
    point(panels.cells, 0.3001, 0.7001)
    assert panels.readout.locator("b").text_content() == read, "what is under the mouse stays"
    assert read and read.split(" → ")[0] in token

    for _ in range(12):
        page.mouse.wheel(0, 300)
    expect(panels.matrix.get_by_role("button", name=SHOW_ALL)).to_have_count(0)
    assert scale(panels, focused, count) == pytest.approx(1, abs=0.01)


def test_keys_zoom_pan_and_show_all(shown, panels, focused):
    count = len(shown.numbers.labels)
    page = shown.page
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
    weights = shown.numbers.attention(0, 0)[query]
    printed = number(panels.weight.text_content() or "")
    assert any(weight == pytest.approx(printed, rel=6e-3, abs=5.01e-4) for weight in weights)

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
    strongest = int(shown.numbers.attention(0, 0)[-1].argmax())  # where the cursor began
    word = shown.numbers.names
    expect(panels.readout).to_contain_text(f"{word[0]} → {word[strongest]} ")
    expect_weight(panels.weight, shown.numbers.attention(0, 0)[0, strongest])
    assert box(cursor)["y"] >= cells["y"] - 1
    page.keyboard.press("0")
    expect(panels.matrix.get_by_role("button", name=SHOW_ALL)).to_have_count(0)
    assert scale(panels, cursor, count) == pytest.approx(1, abs=0.01)


def test_a_drag_pans_and_pins_nothing(shown, panels, focused):
    page = shown.page
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
    assert shown.trait("position") == -1
    expect(panels.matrix.locator(".rule.cell")).to_have_count(0)

    point(panels.cells, 0.4, 0.5)
    panels.cells.dblclick(position={"x": place["width"] * 0.4, "y": place["height"] * 0.5})
    expect(reset).to_have_count(0)
    panels.matrix.press("+")
    reset.click()
    expect(reset).to_have_count(0)


def test_two_fingers_zoom_and_one_pans_what_is_magnified(shown, panels, focused):
    page = shown.page
    client = page.context.new_cdp_session(page)
    client.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(places)]
        client.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})

    try:
        page.reload()  # whether there are fingers is seen when it opens
        shown.wait_ready()
        panels.matrix.scroll_into_view_if_needed()
        count = len(shown.numbers.labels)
        place = box(panels.cells)
        x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] * 0.8
        touch("Start", (x - 20, y), (x + 20, y))
        for half in (30, 40, 50, 60):
            touch("Move", (x - half, y), (x + half, y))
        touch("End")
        assert scale(panels, focused, count) == pytest.approx(3, rel=0.02)
        row = box(focused)["y"] - place["y"]
        last = place["height"] * (count - 1) / count
        assert row - 0.8 * place["height"] == pytest.approx(
            3 * (last - 0.8 * place["height"]), abs=2
        ), "what is between the fingers stays there"

        touch("Start", (x, y))
        for far in (10, 25, 40):
            touch("Move", (x, y + far))
        touch("End")
        assert box(focused)["y"] - place["y"] - row == pytest.approx(40, abs=1)
        assert shown.trait("position") == -1
    finally:
        client.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
        client.detach()
    panels.matrix.press("0")


def test_show_all_is_pressed_by_key(shown, panels):
    reset = panels.matrix.get_by_role("button", name=SHOW_ALL)
    for key in ("Enter", "Space"):
        panels.matrix.press("+")
        reset.press(key)
        expect(reset).to_have_count(0)
    assert shown.trait("position") == -1


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


def test_a_double_click_pins_nothing(shown, panels):
    panels.matrix.press("+")
    panels.cells.dblclick(position={"x": 60, "y": 200})
    expect(panels.matrix.get_by_role("button", name=SHOW_ALL)).to_have_count(0)
    assert shown.trait("position") == -1


def test_show_all_hides_no_cell(show):
    shown = show("causal", panel="explorer")
    panels = shown.panels
    panels.matrix.press("+")
    for key in ("Shift+ArrowDown", "Shift+ArrowRight") * 8:
        shown.page.keyboard.press(key)
    point(panels.cells, 0.96, 0.96)
    expect(panels.readout).to_contain_text("to → to")
    expect_weight(panels.weight, shown.numbers.attention(24, 4)[-1, -1])


@pytest.mark.parametrize("name", ["long-words", "long-word-last"])
def test_labels_stand_inside_the_panel(show, name):
    panels = show(name).panels
    panel = box(panels.attention)
    for label in chain(*panels.matrix.evaluate(LABELS)):
        assert label["left"] >= panel["x"] - 1, label
        assert label["right"] <= panel["x"] + panel["width"] + 1, label
        assert label["top"] >= panel["y"], label


@pytest.mark.parametrize("name", ["long", "chinese", "long-words"])
def test_labels_stay_apart_at_any_zoom(show, name):
    shown = show(name)
    panels = shown.panels
    page = shown.page
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


def test_numbers_stand_in_cells_that_are_large_enough(show):
    # A short text has large cells: their numbers are darker or paler than what is around them.
    shown = show("large-cells", panel="explorer")
    panels = shown.panels
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
    count = len(shown.numbers.labels)
    weights = shown.numbers.attention(0, 0)
    for query in range(count):
        for key in range(query + 1):
            if abs(weights[query][key] - 0.005) < 1e-4:
                continue
            shades = canvas.evaluate(spread, [key / count, query / count, 1 / count])
            assert (shades > 3) == (weights[query][key] > 0.005), (query, key)


def test_a_point_of_many_tokens_is_the_greatest_weight_or_the_mean(show):
    # So narrow that a pixel holds more than two tokens.
    panels = show("512-tokens", panel="attention", width=330).panels
    expect(panels.attention).to_contain_text("each pixel is the maximum of 2 × 2 weights")
    canvas = panels.cells.locator("canvas")
    assert inked(canvas) > 1000
    greatest = picture(canvas)
    panels.attention.get_by_role("combobox", name="What a pixel stands for").select_option("mean")
    expect(panels.attention).to_contain_text("each pixel is the mean of 2 × 2 weights")
    eventually(lambda: picture(canvas) != greatest)


def test_six_hundred_tokens_zoom_to_exact_numbers(show):
    shown = show("512-tokens", panel="explorer")
    panels, count = shown.panels, len(shown.numbers.labels)
    panels.matrix.scroll_into_view_if_needed()
    focused = panels.matrix.locator(".rule.row.pinned")
    assert 512 < count < 700
    canvas = panels.cells.locator("canvas")

    page = shown.page
    panels.matrix.focus()
    point(panels.cells, 0.98, 0.98)
    for _ in range(12):
        page.keyboard.press("+")
    for _ in range(20):
        page.keyboard.press("Shift+ArrowDown")
        page.keyboard.press("Shift+ArrowRight")
    assert box(focused)["height"] == pytest.approx(48, abs=1)
    weights = shown.numbers.arrays["last rows"]
    places = [(query, key) for query in range(-6, 0) for key in range(-7, query + 1)]
    places.sort(key=lambda place: -weights[place])
    cells = box(panels.cells)
    for query, key in (*places[:4], (-5, -3)):
        x, y = (1 + (place + 0.5) * 48 / cells["width"] for place in (key, query))
        weight = weights[query][key]
        point(panels.cells, x, y)
        expect_weight(panels.weight, weight)
        # The finer part is painted where the coarse one was.
        seen = alpha(canvas, x - 16 / cells["width"], y - 16 / cells["height"])
        opacity = over_ground(weight**0.5) if key <= query else 0
        assert seen == pytest.approx(opacity, abs=0.02), (query, key)
    page.keyboard.press("0")


def test_numbers_stand_in_cells_of_a_long_text_too(show):
    shown = show("512-tokens", panel="explorer")
    panels = shown.panels
    panels.matrix.focus()
    for _ in range(12):
        shown.page.keyboard.press("+")
    canvas = panels.cells.locator("canvas")
    painted = """canvas => {
        const context = canvas.getContext("2d");
        const shades = [];
        for (let x = 0; x + 8 < canvas.width; x += 8)
            for (let y = 0; y + 8 < canvas.height; y += 8) {
                const { data } = context.getImageData(x, y, 8, 8);
                shades.push(new Set(data.filter((_, i) => i % 4 === 3)).size);
            }
        return Math.max(...shades);
    }"""
    # A patch of cells has their shades, one for the ground and one for the gap; letters have edges.
    eventually(lambda: canvas.evaluate(painted) > 8, seconds=3)
