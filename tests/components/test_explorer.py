"""An Explorer's parts together: sliders, the text, and what follows a token."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.components.bars import expect_bars_as_in_python
from tests.page.panels import Panels, click, exact, point


def drag(
    panels: Panels, name: str, start: float, stop: float, see: Callable[[], object] = lambda: None
) -> list[object]:
    """Drag a slider's thumb between two shares of its way; gives what `see` saw at each step."""
    slider = panels.slider(name)
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    thumb = 16.1
    mouse = slider.page.mouse
    seen = []
    for step in range(9):
        place = start + (stop - start) * step / 8
        x = box["x"] + thumb / 2 + place * (box["width"] - thumb)
        mouse.move(x, box["y"] + box["height"] / 2)
        if step == 0:
            mouse.down()
        seen.append(see())
    mouse.up()
    return seen


def test_mary_comes_next_and_the_head_looks_at_her(panels):
    expect(panels.rows.first).to_contain_text(re.compile(r"^·Mary92\.\d %"))
    expect(panels.title).to_contain_text("Layer 24 · Head 4")
    expect(panels.readout).to_contain_text(re.compile(r"^to → Mary 0\.81"))


def test_dragged_sliders_agree_with_python(show):
    shown = show("next-token", panel="next-token")
    panels = shown.panels
    expect(panels.rows.first).to_contain_text("·happy")
    for name, start, stop, trait in (
        ("temperature", 0.5, 0.8, "temperature"),
        ("top-k", 1.0, 0.15, "top_k"),
        ("top-p", 1.0, 0.4, "top_p"),
    ):
        before = panels.bars()
        drag(panels, name, start, stop)
        assert panels.bars() != before
        shown.wait(**{trait: float(panels.shown(name).text_content() or "")})
        expect_bars_as_in_python(shown, panels)
    notes = [bar["note"] for bar in panels.bars()]
    assert "cut by top-k" in notes and "cut by top-p" in notes


@pytest.fixture
def all_settings(panels: Panels) -> None:
    """The settings that few people need are shown."""
    panels.more.click()


@pytest.mark.usefixtures("all_settings")
def test_arrow_keys_move_sliders_and_double_click_resets(shown, panels):
    for name, key, times, value, trait in (
        ("temperature", "ArrowLeft", 3, "0.97", 0.97),
        ("top-p", "ArrowDown", 10, "0.90", 0.9),
        ("min-p", "ArrowRight", 2, "0.02", 0.02),
    ):
        for _ in range(times):
            panels.slider(name).press(key)
        expect(panels.shown(name)).to_have_text(value)
        shown.wait(**{name.replace("-", "_"): trait})
    panels.slider("top-k").press("ArrowLeft")
    expect(panels.shown("top-k")).to_have_text(re.compile(r"48,\d\d\d"))
    printed = panels.shown("top-k").text_content() or ""
    shown.wait(top_k=int(printed.replace(",", "")))
    panels.slider("temperature").press("Home")
    expect(panels.shown("temperature")).to_have_text("greedy")
    shown.wait(temperature=0)
    expect_bars_as_in_python(shown, panels)
    for name, neutral in (
        ("temperature", "1.00"),
        ("top-k", "off"),
        ("top-p", "off"),
        ("min-p", "off"),
    ):
        panels.slider(name).dblclick()
        expect(panels.shown(name)).to_have_text(neutral)
    shown.wait(temperature=1, top_k=0, top_p=1, min_p=0)
    expect_bars_as_in_python(shown, panels)


def test_the_first_rows_of_all_panels_share_their_lines(shown, panels):
    shown.widen(1400)
    for rows in (".columns .panel > :is(h3, .title)", ".columns :is(.habits, .choice, .presets)"):
        boxes = [row.bounding_box() for row in panels.root.locator(rows).all()]
        assert len(boxes) == 3
        assert len({(box["y"], box["height"]) for box in boxes}) == 1, (rows, boxes)


@pytest.mark.usefixtures("all_settings")
def test_nothing_jumps_while_a_slider_moves(panels):
    # What stands above and below each slider keeps its place.
    def places() -> object:
        parts = (panels.root, panels.next, panels.stages, panels.rows.first, panels.rows.last)
        return [part.bounding_box() for part in parts]

    panels.slider("temperature").scroll_into_view_if_needed()
    at_first = places()
    for name, start, stop in (
        ("temperature", 0.5, 1),
        ("temperature", 1, 0),
        ("top-k", 1, 0),
        ("top-p", 1, 0),
        ("min-p", 0, 1),
    ):
        for place in drag(panels, name, start, stop, places):
            assert place == at_first, name


def test_a_token_tells_its_name_id_and_weight(shown, panels):
    numbers = shown.numbers
    token = numbers.facts["ids"][9]
    weight = numbers.attention(24, 4)[-1, 9]
    point(panels.token(9), 0.5, 0.5)
    expect(panels.caption).to_contain_text(f"“John” token 9, id {token}")
    expect(panels.caption).to_contain_text(f"attention from “to” {weight:.3f}")
    printed = re.search(r"probability ([\d.e-]+) %", panels.caption.text_content() or "")
    assert printed and math.isclose(
        float(printed[1]) / 100, math.exp(numbers.arrays["logprobs"][9]), rel_tol=6e-3
    )
    shown.leave()
    expect(panels.caption).not_to_contain_text("id ")


def test_a_pinned_token_shows_what_follows_it(shown, panels):
    heading = panels.next.get_by_role("heading")
    click(panels.token(1))
    shown.wait(position=1)
    expect(heading).to_contain_text("after “Mary”")
    expect_bars_as_in_python(shown, panels, 1)
    panels.prompt.press("Alt+ArrowRight")
    expect(heading).to_contain_text("after “and”")
    shown.wait(position=2)
    for _ in range(3):
        panels.prompt.press("Alt+ArrowLeft")
    shown.wait(position=0)
    expect(heading).to_contain_text("after “When”")
    expect_bars_as_in_python(shown, panels, 0)
    panels.prompt.press("Escape")
    shown.wait(position=-1)
    expect(heading).to_contain_text("after “to”")


def test_what_follows_in_the_text_is_named_with_its_rank(shown, panels):
    actual = panels.next.locator(".actual")
    expect(actual).to_have_text("")
    shown.set(position=3)  # John
    expect(actual).to_contain_text(re.compile(r"^in the text: went rank \d+, 0\.\d %$"))
    assert math.isclose(exact(actual), math.exp(shown.numbers.arrays["logprobs"][4]), rel_tol=6e-3)
