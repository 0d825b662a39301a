"""What is on screen as a matplotlib figure, for a paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib

from llmscope.export.figures.arcs import arcs
from llmscope.export.figures.compared import aligned, mirrored
from llmscope.export.figures.evaluation import evaluation
from llmscope.export.figures.lens import lens
from llmscope.export.figures.matrix import matrix
from llmscope.export.figures.next_token import next_token
from llmscope.export.figures.page import MARGIN, POINTS, Page, Panel
from llmscope.export.figures.steps import steps
from llmscope.export.figures.style import BODY, INK, SMALL, SOFT, TITLE
from llmscope.export.figures.survey import survey
from llmscope.export.figures.text import text
from llmscope.export.figures.tokenizers import tokenizers
from llmscope.export.figures.training import training
from llmscope.panels import needs_trace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from llmscope.state import ViewState

__all__ = ["figure"]

_BESIDE = 205.0  # points, of the next token beside attention
_GAP = 20.0
_STACKED = 380.0  # points, below which they stand one below the other
_MODES = {"matrix": matrix, "arcs": arcs, "steps": steps}


def figure(now: ViewState, width: float | None = None) -> Figure:
    """Draw what is on screen; see `View.figure`."""
    if width is not None and not 1 <= width <= 40:
        raise ValueError(f"width is in inches, between 1 and 40, not {width}")
    name = next((name for name in _FIGURES if name in now.panels), None)
    if name is None:
        raise ValueError(f"There is no figure of a {now.view} yet.")
    inches, drawn = _FIGURES[name]
    room = (width or inches) * POINTS - 2 * MARGIN
    if needs_trace(now):
        _ = now.trace  # raises when there is no model, or no text
    # As it is out of the box, whatever the style of the notebook; and left as it was.
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        page = Page()
        panel = drawn(page, now, room, width is not None)
        return page.lay_out(panel, None if width is None else width * POINTS)


def _attention(page: Page, now: ViewState, room: float, wide: bool) -> Panel:
    if not now.has_attention:
        said = "There is no attention in this model: it carries the past in a state."
        return _sentence(page, "Attention", said, room)
    return _MODES[now.mode](page, now, room, wide)


def _next_token(page: Page, now: ViewState, room: float, wide: bool) -> Panel:
    if now.trace.scope.facts.family == "encoder":
        said = "This model has no language-model head: it turns a text into vectors."
        return _sentence(page, "Next token", said, room)
    return next_token(page, now, room, wide)


def _explorer(page: Page, now: ViewState, room: float, wide: bool) -> Panel:
    """Lay out the text on top, then attention and the next token, side by side if they fit."""
    is_beside = room >= _STACKED
    beside = min(_BESIDE, 0.4 * room) if is_beside else room
    above = text(page, now, room, suggest=True)
    left = _attention(page, now, room - beside - _GAP if is_beside else room, wide)
    right = _next_token(page, now, beside, True)
    top = 16 + above.height + 14

    def draw(x: float, y: float) -> None:
        sheet = page.sheet(x, y, room, 16)
        facts = now.trace.scope.facts
        page.write(sheet, 0, 5, facts.name, TITLE, INK, bold=True)
        count = len(now.text_tokens)
        said = f"{count:,} {'token' if count == 1 else 'tokens'}"
        if facts.family == "causal" and len(now.trace) > 1:
            said += f" · perplexity {now.trace.perplexity:#.3g}".rstrip(".")
        page.write(sheet, room, 5, said, BODY, SOFT, align="right")
        above.draw(x, y + 16)
        left.draw(x, y + top)
        if is_beside:
            right.draw(x + room - right.width, y + top)
        else:
            right.draw(x, y + top + left.height + _GAP)

    below = max(left.height, right.height) if is_beside else left.height + _GAP + right.height
    return Panel(room, top + below, draw)


def _compared(page: Page, now: ViewState, room: float, wide: bool) -> Panel:
    """Lay out both texts, then the matrix and the next token, side by side if they fit."""
    is_beside = room >= _STACKED
    beside = min(_BESIDE + 40, 0.45 * room) if is_beside else room
    above = aligned(page, now, room)
    parts = []
    try:
        if now.compares_matrices and not len(now.keys):
            raise ValueError("The two texts have no token in common.")
        parts.append(_attention(page, now, room - beside - _GAP if is_beside else room, wide))
    except ValueError as reason:  # heads of models of different shape
        wide_enough = room - beside - _GAP if is_beside else room
        parts.append(_sentence(page, "Attention", str(reason), wide_enough))
    families = {trace.scope.facts.family for trace in (now.comparison.a, now.comparison.b)}
    if families <= {"causal", "encoder-decoder"}:
        parts.append(mirrored(page, now, beside))
    heights = [part.height for part in parts]
    below = max(heights) if is_beside else sum(heights) + _GAP * (len(parts) - 1)

    def draw(x: float, y: float) -> None:
        above.draw(x, y)
        top = y + above.height + 10
        for part in parts:
            left = x + room - part.width if is_beside and part is not parts[0] else x
            part.draw(left, top)
            top += 0 if is_beside else part.height + _GAP

    return Panel(room, above.height + 10 + below, draw)


def _sentence(page: Page, name: str, said: str, room: float) -> Panel:
    """Draw a sentence that says why there is no picture."""
    lines = page.wrap(said, room, SMALL)

    def draw(x: float, y: float) -> None:
        sheet = page.sheet(x, y, room, 18 + 10 * len(lines))
        page.write(sheet, 0, 6, name, TITLE, INK, bold=True)
        for number, line in enumerate(lines):
            page.write(sheet, 0, 23 + 10 * number, line, SMALL, SOFT)

    return Panel(room, 18 + 10 * len(lines), draw)


def _text(page: Page, now: ViewState, room: float, _wide: bool) -> Panel:
    return text(page, now, room)


def _lens(page: Page, now: ViewState, room: float, _wide: bool) -> Panel:
    return lens(page, now, room)


def _survey(page: Page, now: ViewState, room: float, _wide: bool) -> Panel:
    return survey(page, now, room)


# By panel: the width in inches and what draws it. A view with several is drawn by the first.
_FIGURES = {
    "training": (7.2, training),
    "texts": (7.2, _compared),
    "header": (7.2, _explorer),
    "survey": (5.5, _survey),
    "attention": (5.5, _attention),
    "tokens": (5.5, _text),
    "next-token": (3.5, _next_token),
    "lens": (7.2, _lens),
    "tokenizers": (7.2, tokenizers),
    "evaluation": (5.5, evaluation),
}
