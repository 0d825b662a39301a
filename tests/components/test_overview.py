"""All heads at a glance: preview, keep, pin, mark and sort, by mouse and by key."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.components.workshop import Shown
from tests.page.drawn import GROUND, expect_weight
from tests.page.panels import Panels, box

TITLES = {
    "previous": "previous token",
    "first": "first token",
    "self": "same token",
    "induction": "repeats (induction)",
    "local": "nearby",
    "entropy": "spread out",
}
GROUPS = 3, 5  # heads that share keys and values, and the pixels between two groups
STRONGEST = """(canvas, [x, y, size]) => {
    const ratio = window.devicePixelRatio || 1;
    const { data } = canvas.getContext("2d").getImageData(
        x * ratio, y * ratio, size * ratio, size * ratio);
    let most = 0;
    for (let i = 3; i < data.length; i += 4) most = Math.max(most, data[i]);
    return most / 255;
}"""

Head = tuple[int, int]


def place(panels: Panels, head: Head) -> tuple[float, float, float]:
    """Where the picture of a head begins in the grid, and its size, from that of 24·4 in focus."""
    grid, frame = box(panels.overview), box(panels.overview.locator(".focus"))
    size = frame["width"]
    share, gap = GROUPS
    aside = (head[1] - 4) * (size + 1) + (head[1] // share - 4 // share) * gap
    down = (head[0] - 24) * (size + 1)
    return frame["x"] - grid["x"] + aside, frame["y"] - grid["y"] + down, size


def hover(panels: Panels, head: Head) -> None:
    grid = box(panels.overview)
    x, y, size = place(panels, head)
    panels.overview.page.mouse.move(grid["x"] + x + size / 2, grid["y"] + y + size / 2)


def strongest(panels: Panels, head: Head) -> float:
    """How opaque the darkest pixel of a head's picture is, its ground taken away."""
    seen = panels.overview.locator("canvas").evaluate(STRONGEST, place(panels, head))
    return (float(seen) - GROUND) / (1 - GROUND)


def ranked(shown: Shown, score: str) -> list[Head]:
    """All heads, those with most of a habit first."""
    found = shown.numbers.scores()
    return sorted(found, key=lambda head: -found[head][score])


def expect_scores(panels: Panels, head: Head, true: dict[str, float]) -> None:
    """The line below the grid prints these scores of this head."""
    line = panels.root.locator(".habit")
    expect(line).to_contain_text(f"{head[0]}·{head[1]}")
    for name, title in TITLES.items():
        shown = line.locator("span.spread").filter(has_text=title).locator("span")
        if math.isnan(true[name]):
            expect(shown).to_have_text("–")
        elif true[name] < 0.001:
            expect(shown).to_have_text("<0.001")
        else:
            expect_weight(shown, true[name])


def test_hover_previews_a_head_and_a_click_keeps_it(shown, panels):
    page = shown.page
    frame = box(panels.overview.locator(".frame").first)
    step = frame["width"] + 1
    x, y = frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2
    page.mouse.move(x, y + step)
    expect(panels.title).to_contain_text("Layer 25 · Head 4")
    page.mouse.move(x + step, y)
    expect(panels.title).to_contain_text("Layer 24 · Head 5")
    page.mouse.move(2, 2)
    expect(panels.title).to_contain_text("Layer 24 · Head 4")
    assert [shown.trait(name) for name in ("layer", "head")] == [24, 4]

    grid = box(panels.overview)
    page.mouse.click(x, y + step)
    shown.wait(layer=25, head=4)
    assert box(panels.overview) == grid, "keeping moves nothing"
    page.mouse.move(x + step, y)
    expect(panels.title).to_contain_text("Layer 24 · Head 5")
    expect(panels.root.get_by_text("preview 24·5: click to keep")).to_be_visible()
    page.mouse.move(2, 2)
    expect(panels.title).to_contain_text("Layer 25 · Head 4")


def test_between_two_maps_the_nearer_one_is_meant(shown, panels):
    frame = box(panels.overview.locator(".focus"))
    x = frame["x"] + frame["width"] / 2
    for tenths in range(-4, 24, 4):
        y = frame["y"] + frame["height"] + tenths / 10
        shown.page.mouse.move(x, y)
        shown.settle()
        expect(panels.title).to_have_text(re.compile(r"Layer 2[45] · Head 4"))
    # Between head 5 and head 6, which share no keys, nearer to head 6.
    size, step = frame["width"], frame["width"] + 1
    shown.page.mouse.click(frame["x"] + step + size + 4, frame["y"] + size / 2)
    shown.wait(layer=24, head=6)


def test_a_preview_shows_the_true_weights_of_that_head(shown, panels):
    hover(panels, (3, 2))
    expect(panels.title).to_contain_text("Layer 3 · Head 2")
    expect_weight(panels.weight, shown.numbers.attention(3, 2)[-1].max())
    expect(panels.caption).to_contain_text("in layer 3, head 2")


def test_arrow_keys_walk_through_layers_and_heads(shown, panels):
    panels.overview.press("ArrowUp")
    expect(panels.title).to_contain_text("Layer 23 · Head 4")
    panels.overview.press("ArrowRight")
    expect(panels.title).to_contain_text("Layer 23 · Head 5")
    expect(panels.root.get_by_role("application", name="Layer 23, head 5")).to_be_focused()
    shown.wait(layer=23, head=5)
    expect_weight(panels.weight, shown.numbers.attention(23, 5)[-1].max())
    for _ in range(12):
        panels.overview.press("ArrowRight")
    shown.wait(layer=23, head=8)
    for _ in range(30):
        panels.overview.press("ArrowDown")
    shown.wait(layer=29, head=8)
    shown.set(layer=0, head=0)
    expect(panels.title).to_contain_text("Layer 0 · Head 0")
    for key in ("ArrowUp", "ArrowLeft"):
        panels.overview.press(key)
    shown.wait(layer=0, head=0)


def test_arrow_keys_go_on_from_the_head_that_is_kept(shown, panels):
    hover(panels, (3, 2))
    expect(panels.title).to_contain_text("Layer 3 · Head 2")
    panels.overview.press("ArrowDown")
    expect(panels.title).to_contain_text("Layer 25 · Head 4")


def test_shift_click_and_space_choose_heads(shown, panels):
    chosen = panels.overview.locator(".frame.chosen")
    for head, heads in (
        ((24, 5), [[24, 5]]),
        ((3, 2), [[24, 5], [3, 2]]),
        ((24, 5), [[3, 2]]),
    ):
        hover(panels, head)
        shown.page.keyboard.down("Shift")
        shown.page.mouse.down()
        shown.page.mouse.up()
        shown.page.keyboard.up("Shift")
        shown.wait(heads=heads)
        expect(chosen).to_have_count(len(heads))
        expect(panels.chips).to_have_count(len(heads))
    assert [shown.trait(name) for name in ("layer", "head")] == [24, 4], "the focus stays"
    shown.leave()
    panels.overview.press("Space")
    shown.wait(heads=[[3, 2], [24, 4]])
    panels.overview.press("ArrowDown")
    panels.overview.press("Space")
    shown.wait(heads=[[3, 2], [24, 4], [25, 4]])
    panels.overview.press("Space")
    shown.wait(heads=[[3, 2], [24, 4]])

    shown.set(heads=[(layer, 1) for layer in range(8)])
    expect(panels.chips).to_have_count(8)
    colours = panels.chips.evaluate_all(
        "chips => chips.map(c => c.style.getPropertyValue('--head'))"
    )
    assert len(set(colours)) == 8
    panels.overview.press("Space")
    shown.settle()
    assert len(shown.trait("heads")) == 8, "there is no ninth colour"


def test_heads_that_share_keys_stand_together(shown, panels):
    shown.set(heads=[(24, 2), (24, 3), (24, 4), (24, 5), (24, 6)])
    frames = panels.overview.locator(".frame.chosen")
    expect(frames).to_have_count(5)
    left = [box(frame)["x"] for frame in frames.all()]
    size = box(frames.first)["width"]
    gaps = [right - left - size for left, right in pairwise(left)]
    assert gaps[0] == gaps[3] > gaps[1] == gaps[2]


def test_the_scores_on_screen_are_those_of_python(shown, panels):
    true = shown.numbers.scores()
    expect_scores(panels, (24, 4), true[24, 4])
    for head in ((16, 0), (4, 7), (29, 1)):
        hover(panels, head)
        expect_scores(panels, head, true[head])


@pytest.mark.parametrize("score", TITLES)
def test_heads_are_marked_by_what_they_do(shown, panels, score):
    true = shown.numbers.scores()
    heads = [*ranked(shown, score)[:2], (0, 0), (12, 3), (29, 8)]
    before = {head: strongest(panels, head) for head in heads}
    panels.mark.select_option(label=TITLES[score])
    expect(panels.root.locator(".explained")).to_contain_text(f"{TITLES[score]}: ")
    expect(panels.root.locator(".habit .here")).to_contain_text(TITLES[score])
    for head in heads:
        share = 0.12 + 0.88 * true[head][score]
        assert strongest(panels, head) == pytest.approx(before[head] * share, abs=0.02), head


def test_arrow_keys_walk_in_the_order_of_a_score(shown, panels):
    panels.mark.focus()
    for _ in range(4):
        shown.page.keyboard.press("ArrowDown")
    expect(panels.mark).to_have_value("induction")
    sort = panels.root.get_by_role("button", name="sort")
    sort.press("Space")
    expect(sort).to_have_attribute("aria-pressed", "true")
    expect(panels.overview).to_contain_text("strongest first")
    order = ranked(shown, "induction")
    shown.set(layer=order[0][0], head=order[0][1])
    expect(panels.title).to_contain_text("Layer {} · Head {}".format(*order[0]))
    for key, rank in (
        ("ArrowRight", 1),
        ("ArrowDown", 10),
        ("ArrowLeft", 9),
        ("ArrowUp", 0),
        ("ArrowUp", 0),
    ):
        panels.overview.press(key)
        shown.wait(layer=order[rank][0], head=order[rank][1])
        expect(panels.title).to_contain_text("Layer {} · Head {}".format(*order[rank]))

    # The pictures stand in that order too.
    frame = box(panels.overview.locator(".focus"))
    for place, rank in (((1.5, 0.5), 1), ((0.5, 2.6), 18)):
        shown.page.mouse.move(
            frame["x"] + place[0] * frame["width"] + 1, frame["y"] + place[1] * frame["height"] + 1
        )
        expect(panels.title).to_contain_text("Layer {} · Head {}".format(*order[rank]))
        expect_scores(panels, order[rank], shown.numbers.scores()[order[rank]])
    shown.leave()

    sort.press("Enter")
    expect(panels.overview).not_to_contain_text("strongest first")
    shown.set(layer=5, head=5)
    expect(panels.title).to_contain_text("Layer 5 · Head 5")
    panels.overview.press("ArrowDown")
    shown.wait(layer=6, head=5)


def test_a_score_that_makes_no_sense_is_left_out(show):
    shown = show("one-token")
    panels = shown.panels
    expect(panels.root.get_by_text("1 token", exact=False).first).to_be_visible()
    expect_weight(panels.weight, 1)
    found = shown.numbers.scores()[24, 4]
    assert math.isnan(found["induction"])
    expect_scores(panels, (24, 4), found)
    expect(panels.root.locator(".habit")).not_to_contain_text("NaN")


def test_focus_and_position_follow_what_is_set(shown, panels):
    shown.set(layer=10, head=1)
    expect(panels.title).to_contain_text("Layer 10 · Head 1")
    weights = shown.numbers.attention(10, 1)
    expect_weight(panels.weight, weights[-1].max())
    shown.set(position=9)
    expect(panels.readout).to_contain_text("John →")
    expect_weight(panels.weight, weights[9].max())
    shown.set(position=1, direction="to")
    expect(panels.caption).to_contain_text("attention to “Mary”")
    expect_weight(panels.weight, weights[:, 1].max())


def test_the_frame_of_a_chosen_head_is_as_large_as_the_head(shown, panels):
    shown.set(heads=[(24, 5)])
    size = box(panels.overview.locator(".focus"))["width"]
    frame = box(panels.overview.locator(".frame.chosen"))
    assert (frame["width"], frame["height"]) == pytest.approx((size, size), abs=1)


@pytest.mark.parametrize("width", [1150, 1920])
def test_in_a_column_the_maps_stand(show, width):
    shown = show("causal", panel="explorer", width=width, size=(width, 1100))
    panels = shown.panels
    maps, weights = (area.bounding_box() for area in (panels.overview, panels.cells))
    assert maps["height"] > 2 * maps["width"]
    assert maps["height"] > weights["height"]
