"""One text, piece under piece, as several tokenizers cut it."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from matplotlib.patches import Rectangle

from llmscope.capture import NEVER
from llmscope.export.figures.page import Page, Panel
from llmscope.export.figures.style import HAIR, INK, LESS, SMALL, SOFT, mix
from llmscope.kernel import requests as ask

if TYPE_CHECKING:
    from llmscope.state import ViewState

_SIZE = 9.0  # points of type
_VOICE = 15.0  # points a row
_NAMES = 78.0  # points for the names of tokenizers
_PAD, _APART, _BETWEEN = 2.5, 4.0, 9.0  # points within a piece, between columns, and lines
_MOST = 300  # columns that are printed


class Piece(NamedTuple):
    """A piece of a tokenizer, with its number and how wide it is printed."""

    label: str
    number: int
    is_unknown: bool
    width: float


def tokenizers(page: Page, now: ViewState, room: float, _wide: bool) -> Panel:
    """Draw what a view of tokenizers shows into `room` points."""
    (part,) = now.answers[ask.Tokenizers](ask.Tokenizers(now.text), NEVER)
    rows = [row for row in part["rows"] if "refused" not in row]
    if not rows or not now.text:
        raise ValueError("There is no text to draw that any of the tokenizers can cut.")
    columns = _columns(page, rows)
    if len(columns) > _MOST or part["left_out"]:
        raise ValueError(f"The text is too long to print: {_MOST} parts at most.")
    lines: list[list[list[list[Piece]]]] = [[]]
    x = 0.0
    for column in columns:
        width = _width(column)
        if lines[-1] and x + width > room - _NAMES:
            lines.append([])
            x = 0.0
        lines[-1].append(column)
        x += width + _APART
    down = _VOICE * len(rows) + _BETWEEN
    said = ", ".join(f"{row['name']} {row['tokens']:,} tokens" for row in rows)
    caption = page.wrap(f"{said}; {part['characters']:,} characters.", room, SMALL)
    height = down * len(lines) + 10 * len(caption)

    def draw(left: float, top: float) -> None:
        sheet = page.sheet(left, top, room, height)
        for number, line in enumerate(lines):
            y = number * down
            for row, found in enumerate(rows):
                name = page.fit(found["name"], _NAMES - 6, SMALL)
                page.write(sheet, 0, y + (row + 0.5) * _VOICE, name, SMALL, SOFT)
            x = _NAMES
            for column in line:
                width = _width(column)
                for row, pieces in enumerate(column):
                    spare = (width - _natural(pieces)) / max(1, len(pieces))
                    at = x
                    for piece in pieces:
                        wide = piece.width + spare
                        box = Rectangle((at, y + row * _VOICE + 1), wide - 1, _VOICE - 2)
                        box.set_facecolor(mix(INK, 0.15 if piece.number % 2 else 0.06))
                        if piece.is_unknown:
                            box.set(edgecolor=LESS, linestyle="--", linewidth=0.8)
                        sheet.add_patch(box)
                        middle = y + (row + 0.5) * _VOICE
                        page.write(sheet, at + wide / 2, middle, piece.label, _SIZE, align="center")
                        at += wide
                x += width + _APART
        y = down * len(lines)
        sheet.plot([0, room], [y - _BETWEEN / 2] * 2, color=HAIR, linewidth=0.5)
        for number, text in enumerate(caption):
            page.write(sheet, 0, y + 5 + 10 * number, text, SMALL, INK)

    return Panel(room, height, draw)


def _columns(page: Page, rows: list[dict[str, object]]) -> list[list[list[Piece]]]:
    """Return the pieces of each row by column."""
    made: list[list[list[Piece]]] = []
    for row in rows:
        labels, unknown, counts = row["labels"], row["unknown"], row["counts"]
        assert isinstance(labels, list) and isinstance(unknown, list) and isinstance(counts, list)
        pieces = [
            Piece(label, n, n in unknown, page.measure(label, _SIZE) + 2 * _PAD)
            for n, label in enumerate(labels)
        ]
        places = [column for column, count in enumerate(counts) for _ in range(count)]
        found: list[list[Piece]] = [[] for _ in counts]
        for column, group in groupby(zip(places, pieces, strict=True), key=lambda one: one[0]):
            found[column] = [piece for _, piece in group]
        made.append(found)
    return [list(column) for column in zip(*made, strict=True)]


def _natural(pieces: list[Piece]) -> float:
    return sum(piece.width for piece in pieces)


def _width(column: list[list[Piece]]) -> float:
    return max(map(_natural, column))
