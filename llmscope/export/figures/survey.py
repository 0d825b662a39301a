"""All heads over many texts: a scatter of two scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import Circle, Rectangle

from llmscope.capture import NEVER
from llmscope.export.figures.page import Page, Panel
from llmscope.export.figures.style import ATTENTION, HAIR, HEADS, INK, SMALL, SOFT, TITLE, mix
from llmscope.kernel import requests as ask
from llmscope.shared import SURVEY_SCORES

if TYPE_CHECKING:
    from llmscope.state import ViewState

TITLES = {
    "previous": "previous token",
    "first": "first token",
    "self": "same token",
    "induction": "repeats (induction)",
    "local": "nearby",
    "entropy": "spread out",
    "distance": "distance, in tokens",
    "distance_spread": "spread of distance, in tokens",
    "entropy_bits": "entropy, in bits",
    "punctuation": "punctuation",
    "activity": "activity",
}
_ENDS = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
_PALEST = 0.35  # the first layer
_LEFT, _TOP, _BOTTOM, _FOOT = 26.0, 38.0, 26.0, 14.0  # points


def survey(page: Page, now: ViewState, room: float) -> Panel:
    """Draw the scatter of a `SurveyView` into `room` points."""
    (known,) = now.answers[ask.Survey](ask.Survey(), NEVER)
    rows = [SURVEY_SCORES.index(now.traits[axis]) for axis in ("x", "y")]
    across, up = known["statistics"][0, rows]
    spread = known["statistics"][1, rows]
    ends = (_end(across), _end(up))
    heads = [tuple(map(int, one)) for one in known["heads"]]
    layers = max(1, *(layer for layer, _ in heads))
    width, height = room - _LEFT - 8, 0.62 * (room - _LEFT - 8)
    said = page.wrap(
        f"Means over {known['read']:,} texts, where a score makes sense; the later its layer, the "
        f"darker a head. {now.layer}·{now.head}: with standard deviations from text to text.",
        room,
        SMALL,
    )
    down = _TOP + height + _BOTTOM + _FOOT + 10 * len(said)

    def draw(x: float, y: float) -> None:
        sheet = page.sheet(x, y, room, down)
        page.write(sheet, 0, 6, f"Heads of {known['name']}", TITLE, INK, bold=True)
        base = _TOP + height
        for end, is_up in zip(ends, (False, True), strict=True):
            for tick in _ticks(end):
                text, share = f"{tick:.3g}", tick / end
                if is_up:
                    at = base - share * height
                    sheet.add_patch(Rectangle((_LEFT, at), width, 0, fc="none", ec=HAIR, lw=0.4))
                    page.write(sheet, _LEFT - 4, at, text, SMALL, SOFT, align="right")
                else:
                    at = _LEFT + share * width
                    sheet.add_patch(Rectangle((at, _TOP), 0, height, fc="none", ec=HAIR, lw=0.4))
                    page.write(sheet, at, base + 8, text, SMALL, SOFT, align="center")
        names = [TITLES[now.traits[axis]] for axis in ("x", "y")]
        page.write(sheet, _LEFT + width, base + 19, f"{names[0]} →", SMALL, INK, align="right")
        page.write(sheet, _LEFT, _TOP - 13, f"↑ {names[1]}", SMALL, INK)

        def place(index: int) -> tuple[float, float]:
            left = _LEFT + across[index] / ends[0] * width
            return float(left), float(base - up[index] / ends[1] * height)

        there = [index for index in range(len(heads)) if not np.isnan(across[index] + up[index])]
        for index in there:
            share = _PALEST + (1 - _PALEST) * heads[index][0] / layers
            ink = mix(ATTENTION, share)
            sheet.add_patch(Circle(place(index), 2.1, fc=ink, ec="none", gid="head"))
        rings: list[tuple[tuple[int, ...], Any, float]] = [
            (head, HEADS[number], 3.6) for number, head in enumerate(now.heads)
        ]
        for head, ink, radius in [*rings, ((now.layer, now.head), INK, 4.8)]:
            index = heads.index(head) if head in heads else -1
            if index not in there:
                continue
            spot = place(index)
            sheet.add_patch(Circle(spot, radius, fc="none", ec=ink, lw=1.1))
            if ink is INK and not np.isnan(spread[:, index]).any():
                wide, high = spread[:, index] / ends * np.array([width, height])
                left, right = max(_LEFT, spot[0] - wide), min(_LEFT + width, spot[0] + wide)
                above, below = max(_TOP, spot[1] - high), min(base, spot[1] + high)
                sheet.plot([left, right], [spot[1]] * 2, color=SOFT, lw=0.6)
                sheet.plot([spot[0]] * 2, [above, below], color=SOFT, lw=0.6)
                name = f"{now.layer}·{now.head}"
                page.write(sheet, spot[0] + 6, spot[1] + 10, name, SMALL, INK, bold=True)
        for number, line in enumerate(said):
            page.write(sheet, 0, base + _BOTTOM + _FOOT - 4 + 10 * number, line, SMALL, SOFT)

    return Panel(room, down, draw)


def _end(values: Any) -> float:
    """Return where an axis from 0 ends, as in the view."""
    known = values[~np.isnan(values)]
    most = float(known.max(initial=0))
    if most <= 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(most))
    return float(power * next(end for end in _ENDS if power * end >= most * 0.999))


def _ticks(end: float) -> list[float]:
    """Return round numbers from 0 to the end of an axis, as in the view."""
    power = 10.0 ** np.floor(np.log10(end / 3))
    step = float(power * next(one for one in (1, 2, 2.5, 5, 10) if end / (power * one) <= 5.01))
    return [number * step for number in range(int(end / step + 1.001))]
