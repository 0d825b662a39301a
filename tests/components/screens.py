"""Every view at every width, light and dark, on sheets to look at: `make screens` takes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.components.conftest import Show
from tests.components.workshop import Shown
from tests.page.chromium import SCREENSHOTS

FOLDER = SCREENSHOTS / "screens"
WIDTHS = (390, 484, 600, 830, 960, 1150, 1400, 1920)
SCREENS = ((1280, 720), (1920, 1080))
PACE = 60  # ms until an answer comes
HEADS = [[24, 4], [3, 2], [11, 1]]

# By name: a fixture, and what is chosen of it.
VIEWS: dict[str, tuple[str, dict[str, Any]]] = {
    "explorer": ("causal", {"panel": "explorer"}),
    "explorer-chain": ("causal", {"panel": "explorer", "chain_rule": True}),
    "explorer-arcs": ("causal", {"panel": "explorer", "mode": "arcs", "heads": HEADS}),
    "explorer-steps": ("causal", {"panel": "explorer", "mode": "steps"}),
    "explorer-mean": ("causal", {"panel": "explorer", "heads": HEADS, "combine": "mean"}),
    "explorer-edited": ("edited", {"panel": "explorer"}),
    "explorer-difference": ("edited", {"panel": "explorer", "side": "difference"}),
    "explorer-patching": ("patching", {"panel": "explorer"}),
    "tokens": ("causal", {"_panels": ["tokens", "chain"], "chain_rule": True}),
    "attention": ("causal", {"_panels": ["overview", "attention"]}),
    "next-token": ("next-token", {"panel": "next-token", "temperature": 1.3, "top_p": 0.9}),
    "lens": ("causal", {"panel": "lens"}),
    "generation": (
        "generation",
        {"_panels": ["header", "generation", "overview", "attention", "next-token"]},
    ),
    "evaluation": ("evaluation", {"panel": "evaluation"}),
    "evaluation-task": ("evaluation", {"panel": "evaluation", "measure": "task.everyday.acc"}),
    "masked": ("masked", {"panel": "explorer"}),
    "encoder-decoder": ("encoder-decoder", {"panel": "explorer"}),
    "encoder": ("encoder", {"panel": "explorer"}),
    "two-sentences": ("two-sentences", {"panel": "explorer"}),
    "conversation": ("conversation", {"panel": "explorer"}),
    "state-space": ("state-space", {"_panels": ["header", "tokens", "attention", "lens"]}),
    "ugly": ("cjk", {"panel": "explorer"}),
    "ugly-chain": ("cjk", {"panel": "explorer", "chain_rule": True}),
    "ugly-arcs": ("cjk", {"panel": "explorer", "mode": "arcs"}),
    "ugly-lens": ("cjk", {"panel": "lens"}),
    "long": ("512-tokens", {"panel": "explorer"}),
    "long-lens": ("lens-of-many", {"panel": "lens"}),
}
# What is pressed on the stage, by view: a picture after each.
PRESSED: dict[str, tuple[str, ...]] = {
    "explorer": ("1", "2", "3", "4", "5", "6", "c", "2", "5"),
    "explorer-edited": ("1",),
    "generation": ("1", "2", "3", "5", "c"),
    "masked": ("1", "2", "4", "5", "c"),
    "encoder-decoder": ("1", "2", "3", "4", "5", "c"),
    "encoder": ("1", "2", "c"),
    "two-sentences": ("2", "c"),
    "conversation": ("2", "3", "5"),
    "state-space": ("1",),
    "tokens": ("1",),
    "next-token": ("c",),
    "lens": ("c",),
    "ugly": ("1", "2", "3", "4", "5", "6"),
    "ugly-lens": ("c",),
    "long": ("2", "3", "5"),
    "long-lens": ("c",),
}


class Sheet:
    """Pictures beside each other, with the names of their files."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._taken: list[Path] = []

    def take(self, shown: Shown, label: str, *, whole: bool) -> None:
        """Take what is shown, all of it or what is in sight."""
        path = FOLDER / f"{self.name}-{label}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        if whole:
            shown.page.locator("main").screenshot(path=path)
        else:
            shown.page.screenshot(path=path)
        self._taken.append(path)

    def save(self, across: int, scale: float) -> Path:
        """Put all on one sheet, in rows of so many."""
        pictures = [Image.open(path).convert("RGB") for path in self._taken]
        small = [one.resize((int(one.width * scale), int(one.height * scale))) for one in pictures]
        rows = [small[start : start + across] for start in range(0, len(small), across)]
        gap = 12
        width = max(sum(one.width + gap for one in row) for row in rows)
        heights = [max(one.height for one in row) + gap for row in rows]
        sheet = Image.new("RGB", (width, sum(heights)), "#c050a0")
        y = 0
        for row, height in zip(rows, heights, strict=True):
            x = 0
            for one in row:
                sheet.paste(one, (x, y))
                x += one.width + gap
            y += height
        path = FOLDER / f"sheet-{self.name}.png"
        sheet.save(path)
        return path


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.param


@pytest.mark.parametrize("name", VIEWS)
def test_widths(show: Show, name: str, theme: str) -> None:
    fixture, chosen = VIEWS[name]
    shown = show(fixture, (1400, 900), theme=theme, width=1150, **chosen)
    shown.page.locator("body > nav").evaluate("nav => nav.remove()")
    sheet = Sheet(f"{name}-{theme}")
    for width in WIDTHS:
        shown.widen(width)
        sheet.take(shown, str(width), whole=True)
    sheet.save(len(WIDTHS), 0.5)


@pytest.mark.parametrize("name", PRESSED)
def test_stage(show: Show, name: str, theme: str) -> None:
    fixture, chosen = VIEWS[name]
    shown = show(fixture, SCREENS[0], theme=theme, width=1280, lecture=True, pace=PACE, **chosen)
    shown.page.locator("body > nav").evaluate("nav => nav.remove()")
    sheet = Sheet(f"stage-{name}-{theme}")
    for size in SCREENS:
        shown.widen(*size)
        shown.panels.root.locator(".stage").focus()
        for number, key in enumerate(PRESSED[name]):
            shown.page.keyboard.press(key)
            shown.settle()
            sheet.take(shown, f"{size[1]}-{number}{key}", whole=False)
        if "c" in PRESSED[name]:
            shown.page.keyboard.press("c")
    sheet.save(3, 0.5)
