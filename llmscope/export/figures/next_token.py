"""The likeliest next tokens, before and after sampling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Rectangle

from llmscope.export.figures.page import Page, Panel
from llmscope.export.figures.style import (
    BASE,
    BODY,
    FAINT,
    HAIR,
    INK,
    LIKELY,
    SMALL,
    SOFT,
    TITLE,
    percent,
    points,
)
from llmscope.export.figures.titles import plain
from llmscope.shared import NEUTRAL
from llmscope.text import labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from llmscope.sampling import Candidate, Distribution
    from llmscope.state import ViewState

ROWS = 10
_ROW = 15.0  # points
_WIDTH = 230.0  # points, by itself
_HEAD, _AXIS, _FOOT = 18.0, 13.0, 26.0
_LABEL, _VALUE, _CHANGE = 76.0, 42.0, 50.0  # points, at most
_NICE = (0.1, 0.25, 0.5, 1.0)


def next_token(page: Page, now: ViewState, room: float, wide: bool) -> Panel:
    """Draw the ten likeliest tokens as bars, and all others together, into `room` points."""
    dist = now.distribution
    top = dist.top(ROWS)
    untouched = _untouched(now)
    names = labels(now.trace.scope.tokenizer, [row.id for row in top])
    more = len(dist.base) - len(top)
    rest = f"{more:,} others"
    width = room if wide else min(room, _WIDTH)
    column = max(*(page.measure(name) for name in names), page.measure(rest))
    left = min(_LABEL, column) + 8
    bars = width - left - (_VALUE if untouched is None else _CHANGE)
    if bars < 30:
        raise ValueError("The figure is too narrow for bars with their labels: give more width.")
    settings = page.wrap(_settings(now), width, SMALL)
    begin = _HEAD + 10 * len(settings) + (4 if settings else 0) + _AXIS
    tall = (len(top) + (more > 0)) * _ROW
    height = begin + tall + _FOOT

    def draw(x: float, y: float) -> None:
        sheet = page.sheet(x, y, width, height)
        page.write(sheet, 0, 6, _title(now)[0], TITLE, INK, bold=True)
        after = page.fit(_title(now)[1], width - 60, BODY)
        page.write(sheet, page.measure(_title(now)[0], TITLE, bold=True) + 6, 6, after, BODY, SOFT)
        for number, line in enumerate(settings):
            page.write(sheet, 0, _HEAD + 10 * number + 4, line, SMALL, SOFT)
        axes = page.axes(x + left, y + begin, bars, tall)
        full = _full(top, untouched)
        axes.set_xlim(0, full)
        axes.set_ylim(len(top) + (more > 0), 0)
        _axis(page, axes, full, len(top))
        _draw_bars(page, axes, top, full / bars, untouched)
        for number, (row, name) in enumerate(zip(top, names, strict=True)):
            middle = begin + (number + 0.5) * _ROW
            value = percent(row.prob) if untouched is None else points(row.prob - untouched[row.id])
            _write_row(page, sheet, row, page.fit(name, left - 8), value, middle, width)
        if more > 0:
            middle = begin + (len(top) + 0.5) * _ROW
            own, final = _rest(dist, top, untouched)
            page.write(sheet, 0, middle, rest, BODY, FAINT)
            words = f"{'before sampling' if untouched is None else 'untouched'}: {percent(own)}"
            page.write(sheet, left + 2, middle, page.fit(words, bars, SMALL), SMALL, FAINT)
            value = percent(final) if untouched is None else points(final - own)
            page.write(sheet, width, middle, value, BODY, INK, align="right")
        _legend(page, sheet, dist, begin + tall, width, untouched)

    return Panel(width, height, draw)


def _untouched(now: ViewState) -> NDArray[np.float64] | None:
    """Return how likely tokens (vocabulary,) are without edits, where the change is shown."""
    if not now.is_difference:
        return None
    return now.comparison.b.distribution(now.place, **now.sampling).probs.astype(np.float64)


def _title(now: ViewState) -> tuple[str, str]:
    masked = now.trace.scope.facts.family == "masked"
    if now.trace.source_tokens:
        return "Next token", ""
    own = plain(now.text_tokens[now.focus].label)
    return ("Token", f"at “{own}”") if masked else ("Next token", f"after “{own}”")


def _settings(now: ViewState) -> str:
    """Name the sampling settings that do something."""
    said = [
        f"{name.replace('_', '-')} {now.traits[name]:g}"
        for name, neutral in NEUTRAL.items()
        if now.traits[name] != neutral
    ]
    if said and (order := now.traits["order"]) != "transformers":
        said.append(f"{order} order")
    return " · ".join(said)


def _full(top: list[Candidate], untouched: NDArray[np.float64] | None) -> float:
    """Return the end of the axis."""
    most = max(max(row.base, row.prob) for row in top)
    if untouched is not None:
        most = max(max(row.prob, float(untouched[row.id])) for row in top)
    return next((nice for nice in _NICE if most <= nice), 1.0)


def _axis(page: Page, axes: Axes, full: float, rows: int) -> None:
    ticks = (0, full / 2, full)
    axes.xaxis.tick_top()
    axes.set_xticks(ticks, ["0", *(f"{100 * tick:g} %" for tick in ticks[1:])])
    axes.tick_params(length=0, pad=2)
    for label in axes.get_xticklabels():
        page.dress(label, SMALL, FAINT)
    for tick in ticks:
        axes.plot([tick] * 2, [0, rows], color=HAIR, linewidth=0.5, zorder=0, clip_on=False)


def _draw_bars(
    page: Page,
    axes: Axes,
    top: list[Candidate],
    point: float,
    untouched: NDArray[np.float64] | None,
) -> None:
    """Draw final probabilities over others; in place of a bar, what cut a token."""
    places = np.arange(len(top))
    final = [row.prob for row in top]
    axes.barh(places + 0.36, final, 0.34, color=LIKELY, label="after sampling")
    own = [row.base if untouched is None else untouched[row.id] for row in top]
    name = "model" if untouched is None else "untouched"
    axes.barh(places + 0.65, own, 0.16, color=BASE, label=name)
    for place, row in enumerate(top):
        if row.cut_by:
            who = f"cut by {row.cut_by.replace('_', '-')}"
            after = row.base + 4 * point
            fits = after + page.measure(who, SMALL) * point <= axes.get_xlim()[1]
            at = (after, place + 0.5) if fits else (4 * point, place + 0.32)
            label = axes.text(*at, who, ha="left", va="center")
            page.dress(label, SMALL, FAINT)


def _write_row(
    page: Page, sheet: Axes, row: Candidate, name: str, value: str, y: float, width: float
) -> None:
    ink = INK if row.kept else FAINT
    page.write(sheet, 0, y, name, BODY, ink).set_gid("name")
    if not row.kept:
        sheet.plot([0, page.measure(name)], [y + 0.5] * 2, color=FAINT, linewidth=0.6, gid="cut")
    page.write(sheet, width, y, value, BODY, ink, align="right").set_gid("value")


def _rest(
    dist: Distribution, top: list[Candidate], untouched: NDArray[np.float64] | None
) -> tuple[float, float]:
    """Add up what no row shows: the model's own, or untouched, and after all stages."""
    others = np.ones(len(dist.base), dtype=bool)
    others[[row.id for row in top]] = False
    first = dist.base if untouched is None else untouched
    own, final = (float(of[others].sum(dtype=np.float64)) for of in (first, dist.probs))
    return own, final


def _legend(
    page: Page,
    sheet: Axes,
    dist: Distribution,
    y: float,
    width: float,
    untouched: NDArray[np.float64] | None,
) -> None:
    sheet.plot([0, width], [y + 4] * 2, color=HAIR, linewidth=0.5)
    x = 0.0
    first = "model" if untouched is None else "untouched"
    for ink, tall, name in ((BASE, 2.5, first), (LIKELY, 5.0, "after sampling")):
        sheet.add_patch(Rectangle((x, y + 13.5 - tall / 2), 9, tall, fc=ink, lw=0))
        page.write(sheet, x + 12, y + 13, name, SMALL, SOFT)
        x += page.measure(name, SMALL) + 22
    said = f"entropy {dist.entropy:.2f} bits"
    if untouched is not None:
        said = f"probability moved {percent(np.abs(dist.probs - untouched).sum() / 2)}"
    if x + page.measure(said, SMALL) <= width:
        page.write(sheet, width, y + 13, said, SMALL, SOFT, align="right")
