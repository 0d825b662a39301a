"""Every word of every view is whole, and over no other, on any screen, in a lecture too."""

from __future__ import annotations

import pytest

from tests.components.conftest import Show
from tests.components.test_accessible import SHOWN
from tests.components.workshop import Shown
from tests.page.legible import illegible

CUT = {"panel": "explorer", "temperature": 1.3, "top_p": 0.9, "chain_rule": True}
VIEWS = SHOWN | {
    "explorer-cut": ("causal", CUT),
    "training": ("training", {}),
    "training-two": ("training-two", {}),
    "training-seq2seq": ("training-seq2seq", {}),
}
WIDTHS = (320, 360, 390, 500, 700, 830, 1012, 1150, 1360, 1400)
SAMPLE = {"explorer-cut", "explorer-edited", "training-two", "two-models", "lens", "generation"}
FEW = (320, 1012)


def widths_of(name: str) -> list[object]:
    few = pytest.param(name, FEW, id=name)
    many = pytest.param(name, WIDTHS, id=f"{name}-many", marks=pytest.mark.whole)
    return [few, many] if name in SAMPLE else [many]


@pytest.mark.parametrize(("name", "widths"), [param for name in VIEWS for param in widths_of(name)])
def test_every_word_can_be_read(show: Show, name: str, widths: tuple[int, ...]) -> None:
    fixture, chosen = VIEWS[name]
    shown = show(fixture, (1360, 900), width=1360, **chosen)
    shown.page.locator("body > nav").evaluate("nav => nav.remove()")
    found = []
    for lecture in (False, True):
        shown.set(lecture=lecture)
        for width in widths:
            shown.widen(width, 720 if lecture else 900)
            found += [f"{width}, {lecture=}: {line}" for line in illegible(shown.panels)]
    assert not found, "\n".join(found)


def test_what_cannot_be_read_would_be_found(shown: Shown) -> None:
    assert illegible(shown.panels) == []
    title = shown.panels.next.locator("h3")
    title.evaluate("title => { title.style.width = '3em'; title.style.flex = 'none' }")
    shown.panels.next.locator(".slider > span").first.evaluate(
        "name => { name.style.translate = '0 2.1em' }"
    )
    shown.panels.next.locator(".legend").evaluate("legend => { legend.style.width = '2000px' }")
    found = " ".join(illegible(shown.panels))
    for part in ("cut by", "over each other: temperature", "the page scrolls sideways"):
        assert part in found
