"""The logit lens: a row for each layer, the last on top, and a column for each token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Rectangle

from llmscope.export.figures.page import MARGIN, POINTS, Page, Panel
from llmscope.export.figures.style import HAIR, INK, LIKELY, SMALL, SOFT, TITLE, mix
from llmscope.text import labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llmscope.analysis.logit_lens import Lens
    from llmscope.state import ViewState

_ROW = 11.5  # points
_CELL = (18.0, 46.0)  # points a column, at least and by itself
_LEFT, _HEAD, _FOOT = 26.0, 30.0, 16.0  # numbers of layers; title and tokens; what shades mean
_SLATE = "#6e7d96"
_WORDS = {
    "probability": "probability of the token shown",
    "entropy": "entropy, darkest where all tokens are equally likely",
    "rank": "rank of the next token in the text, darkest where it is first; logarithmic",
    "divergence": "KL divergence to the final prediction, darkest at {:.1f} bits and more",
}
_DIFFERENCE = (
    "Jensen-Shannon divergence of edited and untouched, √ scale. Cells name the edited token, in "
    "bold where the untouched one is another."
)
_STREAMS = {"block": "", "attention": "attention halves", "mlp": "MLP halves"}


def lens(page: Page, now: ViewState, room: float) -> Panel:
    """Draw the table of a `LensView` into `room` points.

    Raises
    ------
    ValueError
        When there is no lens, or when the columns don't fit.
    """
    trace = now.trace
    stream, measure = now.traits["stream"], now.traits["lens"]
    least = _LEFT + _CELL[0] * len(trace)
    if least > room:
        inches = (least + 2 * MARGIN) / POINTS
        ways = f"give a width of {inches:.1f} inches" if inches <= 40 else "trace a shorter text"
        raise ValueError(f"The lens of {len(trace):,} tokens is wider than the figure: {ways}.")
    bits = float(np.log2(trace.scope.facts.vocabulary))
    is_warm = measure in ("probability", "rank") and not now.is_difference
    ink, most = (LIKELY, 0.85) if is_warm else (_SLATE, 0.6)
    if now.is_difference:
        apart = now.comparison.lens(stream=stream)
        ids, shades = apart.ids_a, np.sqrt(apart.divergence)
        parted, shaded = apart.ids_a != apart.ids_b, _DIFFERENCE
    else:
        read = trace.lens(top=1, stream=stream)
        ids, shades = read.ids[..., 0], _shades(read, measure, bits)
        parted, shaded = np.zeros(ids.shape, bool), _WORDS[measure].format(bits)
    rows, columns = ids.shape
    words = labels(trace.scope.tokenizer, ids.ravel().tolist())
    cell = min(_CELL[1], (room - _LEFT) / columns)
    said = page.wrap(f"Shade: {shaded}", room, SMALL)
    about = " · ".join(filter(None, ("edited − untouched" * now.is_difference, _STREAMS[stream])))
    width = max(_LEFT + cell * columns, max(page.measure(line, SMALL) for line in said))
    height = _HEAD + rows * _ROW + _FOOT + 10 * (len(said) - 1)

    def draw(x: float, y: float) -> None:
        sheet = page.sheet(x, y, width, height)
        page.write(sheet, 0, 6, "Logit lens", TITLE, INK, bold=True)
        beside = page.measure("Logit lens", TITLE, bold=True) + 6
        page.write(sheet, beside, 6, about, SMALL, SOFT)
        for column, token in enumerate(trace.tokens):
            name = page.fit(token.label, cell - 4, SMALL)
            page.write(sheet, _LEFT + column * cell + 2, _HEAD - 7, name, SMALL, SOFT)
        for row in range(rows):
            top = _HEAD + (rows - 1 - row) * _ROW
            number = str(row - 1) if row else "emb."
            page.write(sheet, _LEFT - 4, top + _ROW / 2, number, SMALL, SOFT, align="right")
            for column in range(columns):
                left = _LEFT + column * cell
                color = mix(ink, most * shades[row, column])
                box = Rectangle((left, top), cell, _ROW, fc=color, ec=HAIR, lw=0.3, gid="cell")
                sheet.add_patch(box)
                bold = bool(parted[row, column])
                word = page.fit(words[row * columns + column], cell - 4, SMALL, bold)
                page.write(sheet, left + 2, top + _ROW / 2, word, SMALL, INK, bold)
        for below, line in enumerate(said):
            page.write(sheet, 0, _HEAD + rows * _ROW + 10 + 10 * below, line, SMALL, SOFT)

    return Panel(width, height, draw)


def _shades(read: Lens, measure: str, bits: float) -> NDArray[np.float64]:
    """Return how dark cells (layers, positions) are, from 0 to 1, as in the view."""
    shades = {
        "probability": read.probs[..., 0],
        "entropy": read.entropy / bits,
        "rank": np.where(read.ranks < 0, 0, 1 - np.log2(np.maximum(1 + read.ranks, 1)) / bits),
        "divergence": read.divergence / bits,
    }
    clipped: NDArray[np.float64] = np.clip(shades[measure], 0, 1).astype(np.float64)
    return clipped
