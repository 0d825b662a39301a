"""Nothing moves: panels keep their places while a person types, points, slides and switches."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from tests.components.boxes import Places, recorded
from tests.components.workshop import Shown
from tests.page.panels import click, point

WIDTHS = (340, 600, 830, 960, 1150, 1400)
SAMPLE = (340, 1150)
PACE = 60  # ms until an answer comes


@pytest.mark.parametrize(
    "width",
    [pytest.param(width, marks=[] if width in SAMPLE else pytest.mark.whole) for width in WIDTHS],
)
def test_panels_keep_their_places(show, width):
    shown = show("causal", panel="explorer", pace=PACE)
    shown.widen(width)
    for gesture in (typing, hovering, sliding, switching, marking, drawing):
        with recorded(shown) as places:
            gesture(shown)
        expect_still(places, gesture)


def expect_still(places: Places, gesture: Callable[[Shown], None]) -> None:
    """Only the text may grow, by lines of its own, and takes along what is below it."""
    text = places.pop("Text")
    heights = [height for _, _, _, height in text]
    assert len({box[:3] for box in text}) == 1, (gesture.__name__, text)
    assert len(set(heights)) <= (2 if gesture is typing else 1), (gesture.__name__, heights)
    for name, boxes in places.items():
        sizes = {(x, width, height) for x, _, width, height in boxes}
        assert len(sizes) == 1, (gesture.__name__, name, boxes)
        moves = [after[1] - before[1] for before, after in pairwise(boxes)]
        grown = [after - before for before, after in pairwise(heights)]
        assert not moves or moves == pytest.approx(grown, abs=1), (gesture.__name__, name, boxes)


def typing(shown: Shown) -> None:
    """Type a word, wait for what follows, and take it back."""
    shown.panels.prompt.press("Control+End")
    for key in " Ma":
        shown.page.keyboard.press(key)
        shown.settle()
    for _ in range(3):
        shown.page.keyboard.press("Backspace")


def hovering(shown: Shown) -> None:
    """Point at tokens, maps and weights."""
    panels = shown.panels
    for token in (0, 8, 9):
        point(panels.token(token), 0.5, 0.5)
    for across in (0.2, 0.45, 0.9):
        point(panels.overview, across, 0.1 + across / 2)
        shown.settle()
    for across in (0.1, 0.5, 0.9):
        point(panels.cells, across, across)
    shown.leave()


def sliding(shown: Shown) -> None:
    """Move every slider to its ends."""
    for name in ("temperature", "top-k", "top-p"):
        for key in ("Home", "End"):
            shown.panels.slider(name).press(key)
    click(shown.panels.rows.nth(1).locator(".value"))
    click(shown.panels.rows.nth(1).locator(".value"))


def switching(shown: Shown) -> None:
    """Go through the ways to show attention, and hide the first token."""
    panels = shown.panels
    for mode in ("Arcs", "Steps", "Matrix"):
        panels.show(mode)
        shown.settle()
    panels.sink.click()
    shown.settle()
    panels.sink.click()


def marking(shown: Shown) -> None:
    """Mark heads by a habit, sort them, and pin some."""
    panels = shown.panels
    panels.mark.select_option("induction")
    panels.root.get_by_role("button", name="sort").click()
    panels.mark.select_option("")
    for across in (0.3, 0.6, 0.9):
        point(panels.overview, across, 0.3)
        shown.page.keyboard.down("Shift")
        shown.page.mouse.down()
        shown.page.mouse.up()
        shown.page.keyboard.up("Shift")
    shown.leave()
    panels.combine.select_option("mean")
    shown.settle()
    panels.combine.select_option("none")


def drawing(shown: Shown) -> None:
    """Draw one token, and a thousand."""
    dice = shown.panels.next.locator(".dice button")
    for _ in range(3):
        dice.first.click()
    dice.last.click()
    dice.last.click()
