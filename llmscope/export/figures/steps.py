"""The arithmetic of one query and one head: a row for each key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from llmscope.export.figures.matrix import write_title
from llmscope.export.figures.page import Page, Panel
from llmscope.export.figures.style import (
    ATTENTION,
    FAINT,
    HAIR,
    INK,
    SMALL,
    SOFT,
    number,
    weight,
)
from llmscope.export.figures.titles import plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llmscope.analysis.steps import Steps
    from llmscope.state import ViewState

SHOWN = 12  # keys with most weight
_ROW = 14.0
_WIDTH = 330.0
_LABEL, _NUMBER, _BARS = 80.0, 46.0, 90.0
_HEAD, _FORMULA, _COLUMNS = 18.0, 34.0, 15.0


def steps(page: Page, now: ViewState, room: float, wide: bool) -> Panel:
    """Draw how the weights of the query in focus come about, into `room` points."""
    query = min(now.focus, len(now.queries) - 1)
    found = now.trace.steps(now.layer, now.head, query, now.kind)
    visible = np.flatnonzero(~found.hidden)
    most = visible[np.argsort(-found.weights[visible], kind="stable")][:SHOWN]
    rows = [int(key) for key in np.sort(most)]
    others = len(visible) - len(rows)
    columns = _columns(found)
    width = room if wide else min(room, _WIDTH)
    left = _LABEL + _NUMBER * len(columns) + 14
    if width < left + 40 + _NUMBER:
        raise ValueError("The figure is too narrow for the steps: give more width.")
    begin = _HEAD + _FORMULA + _COLUMNS
    tall = _ROW * (len(rows) + (others > 0))
    rest = max(
        0.0, float(found.weights[visible].sum(dtype=float) - found.weights[rows].sum(dtype=float))
    )
    said = page.wrap(_said(found, now, query), width, SMALL)
    height = begin + tall + 8 + 10 * len(said)

    def draw(x: float, y: float) -> None:
        write_title(page, now, x, y, width)
        sheet = page.sheet(x, y, width, height)
        formula = sheet.text(0, _HEAD + 0.5 * _FORMULA, _formula(found), ha="left", va="center")
        formula.set(fontsize=11, color=INK, math_fontfamily="stix", gid="formula")
        names = ["key", *(name for name, _ in columns), "weight"]
        ends = [0.0, *(_LABEL + _NUMBER * (n + 1) for n in range(len(columns))), left]
        for name, at in zip(names, ends, strict=True):
            align = "left" if name in ("key", "weight") else "right"
            page.write(sheet, at, begin - 8, name, SMALL, SOFT, align=align)
        sheet.plot([0, width], [begin - 1] * 2, color=HAIR, linewidth=0.5)
        bars = page.axes(x + left, y + begin, width - left - _NUMBER, tall)
        bars.set_xlim(0, 1)
        bars.set_ylim(len(rows) + (others > 0), 0)
        weights = [*found.weights[rows], *([rest] if others else [])]
        bars.barh(np.arange(len(weights)) + 0.5, weights, 0.62, color=ATTENTION)
        for place, key in enumerate(rows):
            middle = begin + (place + 0.5) * _ROW
            label = page.fit(plain(now.keys[key].label), _LABEL)
            page.write(sheet, 0, middle, label)
            for (_, values), at in zip(columns, ends[1:], strict=False):
                page.write(sheet, at, middle, number(float(values[key])), align="right")
        if others:
            page.write(sheet, 0, begin + (len(rows) + 0.5) * _ROW, f"{others} others", ink=FAINT)
        for place, value in enumerate(weights):
            middle = begin + (place + 0.5) * _ROW
            page.write(sheet, width, middle, weight(float(value)), align="right")
        for line, text in enumerate(said):
            page.write(sheet, 0, begin + tall + 10 + 10 * line, text, SMALL, FAINT)

    return Panel(width, height, draw)


def _columns(found: Steps) -> list[tuple[str, NDArray[np.float32]]]:
    """Name the numbers of each key on the way to its weight."""
    columns = [("q·k", found.product)]
    columns.append(("scaled" if found.softcap is None else "capped", found.scaled))
    if found.bias.any():
        columns += [("+ bias", found.bias)]
    return columns


def _formula(found: Steps) -> str:
    score = r"c\, q \cdot k_j"
    if found.softcap is not None:
        score = rf"\gamma \tanh\left({score} / \gamma\right)"
    if found.bias.any():
        score += r" + b_j"
    sink = "" if found.sink is None else r"e^{z} + "
    return rf"$a_j = \dfrac{{e^{{\ell_j}}}}{{{sink}\sum_i\, e^{{\ell_i}}}}, \quad \ell_j = {score}$"


def _said(found: Steps, now: ViewState, query: int) -> str:
    said = [f"Query “{plain(now.queries[query].label)}”, token {query}."]
    said.append(f"c = {found.scale:.4g}.")
    if found.softcap is not None:
        said.append(f"γ = {found.softcap:.4g}.")
    if found.sink is not None:
        said.append(f"z = {found.sink:.4g}: a share goes to nobody.")
    hidden = int(found.hidden.sum())
    if hidden:
        said.append(f"The mask hides {hidden} {'key' if hidden == 1 else 'keys'}.")
    return " ".join(said)
