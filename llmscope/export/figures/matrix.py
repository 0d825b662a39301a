"""A matrix of attention: a row for each query, a column for each key."""

from __future__ import annotations

from math import ceil, sqrt
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Polygon, Rectangle

from llmscope.export.figures.page import POINTS, Page, Panel
from llmscope.export.figures.style import (
    ATTENTION,
    BODY,
    FAINT,
    GROUND,
    INK,
    SCALES,
    SMALL,
    SOFT,
    TICKS,
    TITLE,
    mix,
    norm,
    opacity,
    ramp,
    weight_at,
)
from llmscope.export.figures.titles import notes_of, plain, title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from llmscope.state import ViewState

MOST = 1024  # tokens
_VECTOR = 64  # tokens, up to which each cell is a shape of its own
_GRID = 260.0  # points, that a matrix takes by itself
_CELL = (9.0, 28.0)  # points a cell, by itself
_TALLEST = 9 * 72.0
_LABEL = 72.0  # points, at most
_NUMBERS = 20.0  # points a cell, from which it holds its weight
_HEAD, _FOOT = 18.0, 30.0  # the title; the legend


def matrix(page: Page, now: ViewState, room: float, wide: bool) -> Panel:
    """Draw a matrix into `room` points, all of them when it is `wide`."""
    rows, columns = len(now.queries), len(now.keys)
    if max(rows, columns) > MOST:
        raise ValueError(
            f"A matrix of {max(rows, columns):,} tokens is too large to print: {MOST:,} are the "
            "most. Trace a shorter text, or plot the part that matters from "
            "trace.attention(layer, head, rows=…)."
        )
    weights = now.attention
    queries = [page.fit(plain(token.label), _LABEL, SMALL) for token in now.queries]
    keys = [page.fit(plain(token.label), _LABEL, SMALL) for token in now.keys]
    left = max(page.measure(label, SMALL) for label in queries) + 6
    slant = max(page.measure(label, SMALL) for label in keys) / sqrt(2)
    top = _HEAD + slant + 9
    right = max(slant - 2, 8)
    natural = float(np.clip(_GRID / max(rows, columns), *_CELL))
    cell = min((room - left - right) / columns, _CELL[1] * 2 if wide else natural, _TALLEST / rows)
    if cell <= 0:
        raise ValueError("The figure is too narrow for a matrix with its labels: give more width.")
    legend = f"weight, {SCALES[now.color_scale]}"
    beside = left + 8 + page.measure(legend, SMALL)
    bar = max(60.0, min(150.0, max(100.0, cell * columns), room - beside))
    width = max(left + cell * columns + right, beside + bar)
    notes = [line for note in notes_of(now) for line in page.wrap(note, width, SMALL)]
    height = top + cell * rows + _FOOT + 10 * len(notes)

    def draw(x: float, y: float) -> None:
        # Each weight has a pixel at least.
        page.figure.set_dpi(max(page.figure.dpi, ceil(POINTS / cell)))
        write_title(page, now, x, y, width)
        axes = page.axes(x + left, y + top, cell * columns, cell * rows)
        axes.set_xlim(0, columns)
        axes.set_ylim(rows, 0)
        paint(axes, now, weights, cell)
        if cell >= _NUMBERS:
            _number(page, axes, now, weights)
        _label(page, axes, now, queries, keys, cell)
        below = y + top + cell * rows
        _legend(page, now, legend, x + left, below + 10, bar)
        sheet = page.sheet(x, below + _FOOT, width, 10 * len(notes) + 1)
        for number, note in enumerate(notes):
            page.write(sheet, 0, 10 * number + 4, note, SMALL, FAINT)

    return Panel(width, height, draw)


def write_title(page: Page, now: ViewState, x: float, y: float, width: float) -> None:
    """Draw the title of attention above it."""
    name, more = title(now)
    sheet = page.sheet(x, y, width, _HEAD)
    page.write(sheet, 0, 6, name, TITLE, INK, bold=True)
    page.write(sheet, page.measure(name, TITLE, bold=True) + 6, 6, more, BODY, SOFT)


def is_causal(now: ViewState, weights: NDArray[np.float32]) -> bool:
    """Whether attention is causal: no query sees a later key."""
    return now.kind == "self" and len(weights) > 1 and not np.triu(weights, 1).any()


def paint(axes: Axes, now: ViewState, weights: NDArray[np.float32], cell: float) -> None:
    """Colour the weights (queries, keys), on a ground where there can be any."""
    rows, columns = weights.shape
    causal = is_causal(now, weights)
    unseen = np.triu(np.ones(weights.shape, dtype=bool), 1) if causal else np.zeros((1, 1), bool)
    cells = np.ma.masked_where(unseen | (np.abs(weights) < now.threshold), weights)
    axes.add_patch(
        Polygon(_ground(rows, columns, causal), fc=mix(ATTENTION, GROUND), lw=0, zorder=0)
    )
    signed = now.is_signed
    inks = {"norm": norm(now.color_scale, signed), "cmap": ramp(signed)}
    if max(rows, columns) <= _VECTOR:
        axes.pcolormesh(cells, edgecolors="white", linewidth=min(0.75, cell / 16), **inks)
    else:
        extent = (0, columns, rows, 0)
        axes.imshow(cells, interpolation="none", aspect="auto", extent=extent, zorder=1, **inks)
    if now.is_pinned:
        end = now.end
        if now.is_from:
            corner, across, down = (0, end), (end + 1 if causal else columns), 1
        else:
            above = end if causal else 0
            corner, across, down = (end, above), 1, rows - above
        frame = Rectangle(corner, across, down, gid="pinned")
        frame.set(fill=False, edgecolor=ATTENTION, linewidth=1, clip_on=False, zorder=4)
        axes.add_patch(frame)


def _ground(rows: int, columns: int, causal: bool) -> list[tuple[float, float]]:
    if not causal:
        return [(0, 0), (columns, 0), (columns, rows), (0, rows)]
    steps = [(n + 1, y) for n in range(rows) for y in (n, n + 1)]
    return [(0, 0), *steps, (0, rows)]


def _number(page: Page, axes: Axes, now: ViewState, weights: NDArray[np.float32]) -> None:
    for query, key in np.argwhere(np.abs(weights) >= max(now.threshold, 0.005)):
        value = float(weights[query, key])
        shown = f"{value:.2f}".replace("0.", ".").replace("-", "−")
        dark = opacity(value, now.color_scale) > 0.7  # where white reads better
        label = axes.text(key + 0.5, query + 0.5, shown, ha="center", va="center")
        page.dress(label, SMALL, "white" if dark else INK)


def _label(
    page: Page, axes: Axes, now: ViewState, queries: list[str], keys: list[str], cell: float
) -> None:
    """Name as many queries and keys as there is room for, and the pinned one always."""
    pinned = [now.end] if now.is_pinned else []
    rows = spaced(len(queries), 9 / cell, pinned if now.is_from else [])
    columns = spaced(len(keys), 9 * sqrt(2) / cell, [] if now.is_from else pinned)
    axes.set_yticks([n + 0.5 for n in rows], [queries[n] for n in rows])
    axes.xaxis.tick_top()
    axes.set_xticks([n + 0.5 for n in columns], [keys[n] for n in columns])
    axes.tick_params(length=0, pad=2.5)
    for numbers, labels, mine in (
        (rows, axes.get_yticklabels(), now.is_from),
        (columns, axes.get_xticklabels(), not now.is_from),
    ):
        for number, label in zip(numbers, labels, strict=True):
            here = mine and number in pinned
            page.dress(label, SMALL, ATTENTION if here else INK, bold=here)
    for label in axes.get_xticklabels():
        label.set(rotation=45, rotation_mode="anchor", ha="left", va="center")


def spaced(count: int, apart: float, always: Sequence[int]) -> list[int]:
    """Choose tokens at least `apart` tokens from each other; those of `always` first."""
    step = max(1, ceil(apart))
    kept: list[int] = []
    for number in (*always, *range(0, count, step)):
        if all(abs(number - other) >= step for other in kept):
            kept.append(number)
    return sorted(kept)


def _legend(page: Page, now: ViewState, name: str, x: float, y: float, width: float) -> None:
    """Draw what the colours mean."""
    scale, signed = now.color_scale, now.is_signed
    axes = page.axes(x, y, width, 5)
    axes.set_ylim(0, 1)
    edges = np.linspace(-1 if signed else 0, 1, 129 if signed else 65)
    middles = (edges[:-1] + edges[1:]) / 2
    weights = np.sign(middles) * weight_at(np.abs(middles), scale)
    drawn = np.ma.masked_less(np.abs(weights), now.threshold)
    cells = np.ma.array(weights, mask=np.ma.getmaskarray(drawn))[None]
    axes.axvspan(edges[0], 1, color=mix(ATTENTION, GROUND), lw=0)
    inks = {"norm": norm(scale, signed), "cmap": ramp(signed)}
    axes.pcolormesh(edges, [0, 1], cells, edgecolors="face", linewidth=0.2, **inks)
    axes.set_xlim(edges[0], 1)
    places = {0.0: "≤ 10⁻⁴" if scale == "log" else "0"}
    for tick in TICKS:
        at = float(opacity(tick, scale))
        if all(abs(at - other) * width / (edges[-1] - edges[0]) > 15 for other in places):
            places[at] = f"{tick:g}"
    if signed:
        places |= {-at: f"−{name}" for at, name in places.items() if at > 0}
    axes.set_xticks(list(places), list(places.values()))
    for label in axes.get_xticklabels():
        page.dress(label, SMALL, SOFT)
    sheet = page.sheet(x + width + 8, y - 3, 100, 12)
    page.write(sheet, 0, 5.5, name, SMALL, SOFT)
