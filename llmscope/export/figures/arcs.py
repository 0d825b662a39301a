"""Attention as lines: queries on the left, keys on the right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle
from matplotlib.path import Path

from llmscope.export.figures.matrix import write_title
from llmscope.export.figures.page import Page, Panel
from llmscope.export.figures.style import (
    ATTENTION,
    BODY,
    FAINT,
    HEADS,
    INK,
    LINES,
    SHADE,
    SMALL,
    SOFT,
    mix,
    opacity,
)
from llmscope.export.figures.titles import notes_of, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from llmscope.state import ViewState
    from llmscope.text import Token

MOST = 256  # tokens
FAINTEST = 0.01  # weights below it are too pale to see
_ROW = 12.5  # points a token
_BETWEEN = 170.0  # points between the columns, by itself
_LABEL = 90.0  # points, at most
_SHARE = 20.0  # points for the weight beside a label
_HEAD = 18.0
_ASIDE = 0.25  # how much is seen of lines from queries that aren't in focus
_FIRST = 0.4  # and of lines to the first token, where heads rest
_THINNEST = 0.5  # points
_CURVE = [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4]


def arcs(page: Page, now: ViewState, room: float, wide: bool) -> Panel:
    """Draw two columns of tokens with lines between them, into `room` points."""
    longest = max(len(now.queries), len(now.keys))
    if longest > MOST:
        raise ValueError(
            f"Arcs of {longest:,} tokens are too long to print: {MOST} are the most. "
            f'Show the matrix, view.mode = "matrix", or trace a shorter text.'
        )
    weights = now.attention
    weights = weights if weights.ndim == 3 else weights[None]  # (heads, queries, keys)
    heads = now.heads
    inks = HEADS[: len(heads)] if heads else (ATTENTION,)
    label = min(_LABEL, _widest(page, now.queries + now.keys)) + 8
    share = _SHARE if now.is_pinned and len(weights) == 1 else 0.0
    least = 2 * (label + share) + 40
    if room < least:
        raise ValueError(f"The figure is too narrow for arcs: give {least / 72:.1f} inches.")
    width = room if wide else min(room, 2 * (label + share) + _BETWEEN)
    tall = longest * _ROW
    notes = [line for note in notes_of(now) for line in page.wrap(note, width, SMALL)]
    height = _HEAD + tall + 4 + 10 * len(notes)

    def draw(x: float, y: float) -> None:
        if heads:
            _name_heads(page, now, x, y, width)
        else:
            write_title(page, now, x, y, width)
        sheet = page.sheet(x, y + _HEAD, width, tall)
        if now.is_pinned:
            _stripe(sheet, now, weights, inks, label, width)
        aside = (0.0, share) if now.is_from else (share, 0.0)
        ends = label + aside[0], width - label - aside[1]
        _write_tokens(page, sheet, now, weights, label, share, width)
        sheet.add_collection(_curves(now, weights, inks, ends))
        below = page.sheet(x, y + _HEAD + tall + 4, width, 10 * len(notes) + 1)
        for number, note in enumerate(notes):
            page.write(below, 0, 10 * number + 5, note, SMALL, FAINT)

    return Panel(width, height, draw)


def _least(now: ViewState) -> float:
    """Return the least weight that is drawn."""
    return max(now.threshold, FAINTEST)


def _widest(page: Page, tokens: tuple[Token, ...]) -> float:
    return max(page.measure(plain(token.label), BODY) for token in tokens)


def _name_heads(page: Page, now: ViewState, x: float, y: float, width: float) -> None:
    sheet = page.sheet(x, y, width, _HEAD)
    place = 0.0
    for (layer, head), ink, line in zip(now.heads, HEADS, LINES, strict=False):
        ends = [place, place + 16]
        sheet.plot(ends, [6.5, 6.5], color=ink, lw=2, ls=line, dash_capstyle="butt")
        page.write(sheet, place + 20, 6.5, f"{layer}·{head}", BODY, INK, bold=True)
        place += 28 + page.measure(f"{layer}·{head}", BODY, bold=True)
    if place + page.measure("layer · head") <= width:
        page.write(sheet, place, 6.5, "layer · head", BODY, SOFT)


def _lines(now: ViewState, weights: NDArray[np.float32]) -> Iterator[tuple[int, int, int, float]]:
    """Go through the lines that are drawn: head, query, key and weight."""
    drawn = np.abs(weights) >= _least(now)
    if now.is_pinned:
        own = np.zeros_like(drawn)
        at = (slice(None), now.end) if now.is_from else (slice(None), slice(None), now.end)
        own[at] = True
        drawn &= own
    for head, query, key in np.argwhere(drawn):
        yield int(head), int(query), int(key), float(weights[head, query, key])


def _curves(
    now: ViewState, weights: NDArray[np.float32], inks: tuple[str, ...], ends: tuple[float, float]
) -> PathCollection:
    """Draw each weight as a curve, as wide as it is strong, the strongest on top."""
    many = len(inks)
    widest = _ROW / (10 if many > 1 else 6)
    pales_first = now.end > 0 and not now.hide_sink
    left, right = ends
    middle = (left + right) / 2
    curves = []
    for head, query, key, value in _lines(now, weights):
        # Heads side by side, so that one doesn't hide another.
        aside = (head - (many - 1) / 2) * 1.2
        start, end = ((at + 0.5) * _ROW + aside for at in (query, key))
        points = [(left, start), (middle, start), (middle, end), (right, end)]
        strength = float(opacity(value, now.color_scale))
        seen = 1 if now.is_pinned or query == now.end else _ASIDE
        seen *= _FIRST if key == 0 and pales_first else 1
        opaque = strength * seen * (0.8 if many > 1 else 1)
        wide = _THINNEST + (widest - _THINNEST) * strength
        curves.append(
            (opaque, Path(points, _CURVE), to_rgba(inks[head], opaque), wide, LINES[head])
        )
    curves.sort(key=lambda curve: curve[0])
    return PathCollection(
        [path for _, path, *_ in curves],
        facecolors="none",
        edgecolors=[color for _, _, color, *_ in curves],
        linewidths=[wide for *_, wide, _ in curves],
        linestyles=[line for *_, line in curves],
        capstyle="butt",
        gid="arcs",
    )


def _stripe(
    sheet: Axes,
    now: ViewState,
    weights: NDArray[np.float32],
    inks: tuple[str, ...],
    label: float,
    width: float,
) -> None:
    """Shade the tokens at the other end of the pinned one: a stripe for each head."""
    stripe = label / len(inks)
    left = width - label if now.is_from else 0.0
    for head, ink in enumerate(inks):
        line = weights[head, now.end] if now.is_from else weights[head, :, now.end]
        for token in np.flatnonzero(np.abs(line) >= _least(now)):
            shade = SHADE * float(opacity(line[token], now.color_scale))
            corner = (left + head * stripe, token * _ROW + 0.5)
            sheet.add_patch(Rectangle(corner, stripe, _ROW - 1, fc=mix(ink, shade), lw=0))


def _write_tokens(
    page: Page,
    sheet: Axes,
    now: ViewState,
    weights: NDArray[np.float32],
    label: float,
    share: float,
    width: float,
) -> None:
    """Write both columns; beside the tokens at the other end of the pinned one, their weights."""
    columns = (
        (now.queries, now.is_from, label - 4, "right", label + share - 2, "right"),
        (now.keys, not now.is_from, width - label + 4, "left", width - label - share + 2, "left"),
    )
    for tokens, is_own, x, align, aside, its_align in columns:
        for number, token in enumerate(tokens):
            y = (number + 0.5) * _ROW
            here = now.is_pinned and is_own and number == now.end
            text = page.fit(plain(token.label), _LABEL, BODY, here)
            page.write(sheet, x, y, text, BODY, INK, here, align)
            if here:
                corner = (0.5 if align == "right" else width - label + 0.5, number * _ROW + 0.5)
                frame = Rectangle(corner, label - 1, _ROW - 1, fill=False, gid="pinned")
                frame.set(edgecolor=ATTENTION, linewidth=1)
                sheet.add_patch(frame)
            if share and not is_own:
                value = weights[0, now.end, number] if now.is_from else weights[0, number, now.end]
                if abs(value) >= _least(now):
                    shown = f"{value:.2f}".replace("0.", ".")
                    page.write(sheet, aside, y, shown, SMALL, SOFT, False, its_align)
