"""Two that are side by side: their texts in lines of two, and what both say next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Rectangle

from llmscope.analysis.comparison import NextTextDifference
from llmscope.export.figures.page import Page, Panel
from llmscope.export.figures.style import (
    BODY,
    FAINT,
    HAIR,
    INK,
    LESS,
    LIKELY,
    MORE,
    SMALL,
    SOFT,
    TITLE,
    mix,
    percent,
)
from llmscope.text import labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llmscope.comparison import Comparison
    from llmscope.state import ViewState

_ROWS = 10
_LINE, _STAVE, _ROW = 12.0, 30.0, 15.0  # points
_SCALE = 4.0  # bits that are the darkest shade, unless a row is farther apart
_FULL = 0.6  # of a colour, that the text is read on
_NAME, _VALUE = 70.0, 40.0  # points


def aligned(page: Page, now: ViewState, room: float) -> Panel:
    """Draw both texts in lines of two, shaded by the difference of surprisal."""
    compared = now.comparison
    change = _change(compared)
    most = max(_SCALE, float(np.nanmax(np.abs(change), initial=0)))
    cells: list[tuple[float, float, int]] = []
    x, y = 14.0, 18.0
    widths = []
    for number, row in enumerate(compared.tokens):
        width = max(page.measure(one, BODY) for one in (row.label_a or "·", row.label_b or "·")) + 2
        if x + width > room and x > 14:
            x, y = 14.0, y + _STAVE
        cells.append((x, y, number))
        widths.append(width)
        x += width
    height = y + _STAVE + 14

    def draw(left: float, top: float) -> None:
        sheet = page.sheet(left, top, room, height)
        for side, trace in (("A", compared.a), ("B", compared.b)):
            at = 0.0 if side == "A" else room / 2
            named = page.fit(f"{side}: {trace.scope.name}", room / 2 - 8, TITLE, bold=True)
            page.write(sheet, at, 6, named, TITLE, INK, bold=True)
        for (x, y, number), width in zip(cells, widths, strict=True):
            row, by = compared.tokens[number], float(np.nan_to_num(change[number]))
            ink = MORE if by > 0 else LESS
            shade = mix(ink, _FULL * float(np.sqrt(abs(by) / most)))
            sheet.add_patch(Rectangle((x, y), width, 2 * _LINE, fc=shade, lw=0))
            bold = not row.same
            page.write(sheet, x + 1, y + 6, row.label_a or "·", BODY, INK, bold=bold)
            page.write(sheet, x + 1, y + 6 + _LINE, row.label_b or "·", BODY, INK, bold=bold)
        for y in sorted({y for _, y, _ in cells}):
            page.write(sheet, 0, y + 6, "A", SMALL, SOFT)
            page.write(sheet, 0, y + 6 + _LINE, "B", SMALL, SOFT)
        said = (
            f"blue: more surprising in A, orange: in B, by up to {most:.1f} bits; "
            "bold: not the same"
        )
        page.write(sheet, 0, height - 8, page.fit(said, room, SMALL), SMALL, FAINT)

    return Panel(room, height, draw)


def mirrored(page: Page, now: ViewState, room: float) -> Panel:
    """Draw the likeliest tokens of either: A to the right, B to the left."""
    compared = now.comparison
    rows = sorted(_likely(now).items(), key=lambda row: -max(row[1]))[:_ROWS]
    full = max(max(both) for _, both in rows)
    bar = (room - _NAME - 2 * _VALUE) / 2
    said = page.wrap(_apart(compared), room, SMALL)
    height = 20 + _ROW * len(rows) + 8 + 10 * len(said)

    def draw(left: float, top: float) -> None:
        sheet = page.sheet(left, top, room, height)
        page.write(sheet, 0, 6, "Next token", TITLE, INK, bold=True)
        middle = _VALUE + bar
        page.write(sheet, middle - 4, 6, "B", BODY, SOFT, align="right")
        page.write(sheet, middle + _NAME + 4, 6, "A", BODY, SOFT)
        for number, (name, both) in enumerate(rows):
            y = 20 + _ROW * number + _ROW / 2
            shown = page.fit(name, _NAME - 8)
            page.write(sheet, middle + _NAME / 2, y, shown, BODY, INK, align="center")
            for side, prob in enumerate(both):
                long = bar * prob / full
                x = middle + _NAME if side == 0 else middle - long
                sheet.add_patch(Rectangle((x, y - 4), long, 8, fc=LIKELY, lw=0))
                value = percent(prob)
                at, align = (room, "right") if side == 0 else (0.0, "left")
                page.write(sheet, at, y, value, BODY, INK, align=align)
        below = 20 + _ROW * len(rows)
        sheet.plot([0, room], [below + 2] * 2, color=HAIR, linewidth=0.5)
        for number, line in enumerate(said):
            page.write(sheet, 0, below + 10 + 10 * number, line, SMALL, SOFT)

    return Panel(room, height, draw)


def _likely(now: ViewState) -> dict[str, list[float]]:
    """Return what either finds likely, with its probability in A and in B."""
    compared = now.comparison
    found = compared.next_token
    if isinstance(found, NextTextDifference):
        probs = zip(found.probs_a.tolist(), found.probs_b.tolist(), strict=True)
        return {label: [*both] for label, both in zip(found.labels, probs, strict=True)}
    dists = [trace.distribution(-1, **now.sampling) for trace in (compared.a, compared.b)]
    ids = list(dict.fromkeys(one.id for dist in dists for one in dist.top(_ROWS)))
    names = labels(compared.a.scope.tokenizer, ids)
    return {
        name: [float(dist.probs[token]) for dist in dists]
        for name, token in zip(names, ids, strict=True)
    }


def _apart(compared: Comparison) -> str:
    """Return how far both are apart before sampling, in words."""
    found = compared.next_token
    if isinstance(found, NextTextDifference):
        return (
            "The same texts, as each model spells them with its own tokens, before sampling: "
            f"KL A‖B at least {found.kl_ab:.2f} bits, B‖A {found.kl_ba:.2f} bits; probability "
            f"moved {percent(found.total_variation)} to {percent(found.total_variation_most)}"
        )
    return (
        f"before sampling: KL A‖B {found.kl_ab:.2f} bits, B‖A {found.kl_ba:.2f} bits; "
        f"probability moved {percent(found.total_variation)}"
    )


def _change(compared: Comparison) -> NDArray[np.float32]:
    """Return by how much rows are more surprising in A, in bits; zeros where there is no chain."""
    families = {trace.scope.facts.family for trace in (compared.a, compared.b)}
    if families <= {"causal", "encoder-decoder"}:
        return compared.surprisal
    return np.zeros(len(compared.tokens), dtype=np.float32)
