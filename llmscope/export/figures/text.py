"""The text of a trace: shaded by attention or effects, underlined by how likely each token was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING
from unicodedata import bidirectional

import numpy as np
from matplotlib.patches import Rectangle

from llmscope.export.figures.page import Page, Panel
from llmscope.export.figures.shades import Shades, shades_of
from llmscope.export.figures.style import (
    ATTENTION,
    FAINT,
    INK,
    LIKELY,
    LIKELY_TEXT,
    SMALL,
    SOFT,
)
from llmscope.text import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from llmscope.state import ViewState

_SIZE = 11.0  # points of type
_LINE = 20.0  # points a line
_TAB = 4  # spaces


@dataclass
class Piece:
    """A stretch of text and the tokens that it is made of."""

    text: str
    tokens: list[int]
    special: bool = False


@dataclass
class Word:
    """A part of a piece that is drawn in one place."""

    text: str
    ink: str
    piece: Piece | None
    width: float
    x: float = 0.0
    line: int = 0


@dataclass
class Flow:
    """Sets words in lines."""

    room: float
    x: float = 0.0
    line: int = 0
    words: list[Word] = field(default_factory=list)

    def turn(self) -> None:
        """Begin a line; words from right to left are put in their order first."""
        self.mirror()
        self.x = 0.0
        self.line += 1

    def mirror(self) -> None:
        """Turn about the stretches of the last line that are read from right to left."""
        line = [word for word in self.words if word.line == self.line]
        for leftward, run in groupby(line, key=lambda word: _reads_leftward(word.text)):
            words = list(run)
            if leftward:
                ends = words[0].x + words[-1].x + words[-1].width
                for word in words:
                    word.x = ends - word.x - word.width

    def put(self, word: Word, tail: float = 0.0) -> None:
        """Put a word after the last one, or on a new line if it and its `tail` don't fit."""
        whole = word.width + tail
        needed = whole if whole <= self.room else word.width
        if self.x > 0 and self.x + needed > self.room:
            self.turn()
        word.x, word.line = self.x, self.line
        self.x += word.width
        self.words.append(word)


def _reads_leftward(text: str) -> bool:
    return any(bidirectional(char) in ("R", "AL") for char in text)


def text(page: Page, now: ViewState, room: float, suggest: bool = False) -> Panel:
    """Draw the text into `room` points; with `suggest`, the likeliest next token after it."""
    flow = Flow(room)
    every = list(pieces(now))
    tails = [0.0] * len(every)
    for n in range(len(every) - 1, 0, -1):
        if _is_one_word(every[n - 1], every[n]):
            tails[n - 1] = page.measure(every[n].text, _SIZE) + tails[n]
    for piece, tail in zip(every, tails, strict=True):
        _set(page, flow, piece, tail)
    next_token = _suggestion(now) if suggest else ""
    if next_token:
        flow.x += 2  # clear of the frame
        flow.put(Word(next_token, LIKELY_TEXT, None, page.measure(next_token, _SIZE)))
    flow.mirror()
    shades, logprobs = shades_of(now), _logprobs(now)
    caption = page.wrap(_caption(shades, logprobs, next_token), room, SMALL)
    tall = (flow.line + 1) * _LINE
    height = tall + 4 + 10 * len(caption)

    def draw(x: float, y: float) -> None:
        sheet = page.sheet(x, y, room, height)
        underlined: set[int] = set()
        for word in flow.words:
            if word.piece is not None:
                first = id(word.piece) not in underlined
                underlined.add(id(word.piece))
                _look(sheet, now, word, shades, logprobs if first else None)
            middle = (word.line + 0.5) * _LINE
            label = page.write(sheet, word.x, middle, word.text, _SIZE, word.ink)
            label.set_gid("suggestion" if word.piece is None else "token")
        for number, line in enumerate(caption):
            page.write(sheet, 0, tall + 8 + 10 * number, line, SMALL, FAINT)

    return Panel(room, height, draw)


def pieces(now: ViewState) -> Iterator[Piece]:
    """Cut the text where its tokens end; pieces of one character are one."""
    whole, reached = now.trace.text, 0
    last: Piece | None = None
    for number, token in enumerate(now.text_tokens):
        if token.end == token.start or (token.end <= reached and last is None):
            if last is not None:
                yield last
                last = None
            yield Piece(token.label, [number], special=True)
        elif token.end <= reached and last is not None:
            last.tokens.append(number)
        else:
            if last is not None:
                yield last
            last = Piece(whole[reached : token.end], [number])
            reached = token.end
    if last is not None:
        yield last
    if reached < len(whole):
        yield Piece(whole[reached:], [])


def _is_one_word(piece: Piece, after: Piece) -> bool:
    """Whether two pieces are parts of a word, in scripts that part words by spaces."""
    ends = piece.text[-1:] + after.text[:1]
    return not (piece.special or after.special) and ends.isalnum() and max(ends) < "\u2e80"


def _set(page: Page, flow: Flow, piece: Piece, tail: float) -> None:
    """Set a piece: the white space before it is its own, but isn't shaded."""

    def put(shown: str, ink: str, tail: float = 0.0) -> None:
        shown = page.fit(shown, flow.room, _SIZE)
        flow.put(Word(shown, ink, piece, page.measure(shown, _SIZE)), tail)

    if piece.special:
        flow.x += 2 if flow.x else 0
        put(piece.text, SOFT)
        flow.x += 4
        return
    body = piece.text.lstrip()
    before = piece.text[: len(piece.text) - len(body)]
    if not body:
        for part in re.findall(r"\n|[^\n]+", piece.text):
            put(visible(part), FAINT)
            if part == "\n":
                flow.turn()
        return
    space = page.measure("x x", _SIZE) - page.measure("xx", _SIZE)
    for char in before:
        if char == "\n":
            flow.turn()
        else:
            flow.x += (_TAB if char == "\t" else 1) * space
    for part in re.findall(r"\n|[^\n]+", body):
        if part == "\n":
            put("↵", FAINT)
            flow.turn()
        else:
            put(_spaced(part), INK, tail)


def _spaced(text: str) -> str:
    """Show by glyphs what can't be seen, but for spaces."""
    return "".join(char if char == " " else visible(char) for char in text)


def _look(
    sheet: Axes,
    now: ViewState,
    word: Word,
    shades: Shades,
    logprobs: NDArray[np.float32] | None,
) -> None:
    """Shade a word, underline it, and frame it where its token is in focus."""
    assert word.piece is not None
    tokens = word.piece.tokens
    top = word.line * _LINE
    if shades.values is not None and tokens:
        box = Rectangle((word.x - 0.5, top + 2.5), word.width + 1, _LINE - 6, lw=0, gid="shade")
        box.set(facecolor=shades.ink(tokens, now), zorder=0.5)
        sheet.add_patch(box)
    if now.framed in tokens:
        frame = Rectangle((word.x - 1, top + 2), word.width + 2, _LINE - 3.5, gid="focus")
        frame.set(fill=False, edgecolor=ATTENTION, linewidth=0.9, clip_on=False)
        sheet.add_patch(frame)
    if logprobs is not None and tokens:
        likely = float(np.exp(logprobs[tokens].astype(float).sum()))
        if np.isfinite(likely):
            line = Rectangle((word.x, top + _LINE - 3.5), word.width * likely, 1.2, lw=0)
            line.set(facecolor=LIKELY, gid="likely")
            sheet.add_patch(line)


def _logprobs(now: ViewState) -> NDArray[np.float32] | None:
    facts = now.trace.scope.facts
    return now.trace.logprobs if facts.family == "causal" else None


def _suggestion(now: ViewState) -> str:
    """Return the likeliest token after the end of the text, if that is in focus."""
    if now.trace.scope.facts.family != "causal" or now.focus < len(now.text_tokens) - 1:
        return ""
    found = now.distribution.top(1)[0].text
    if not found:
        return ""
    return _spaced(found) if found.strip() else visible(found)


def _caption(shades: Shades, logprobs: NDArray[np.float32] | None, next_token: str) -> str:
    said = [shades.said] if shades.said else []
    if logprobs is not None:
        said.append("Underline: how likely the model found each token.")
    if next_token:
        said.append("Orange: the likeliest next token.")
    return " ".join(said)
