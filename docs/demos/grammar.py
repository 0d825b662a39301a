"""Sentences from tables: rows of words that belong together, and ways to say something of a row."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

Row = dict[str, str]


@dataclass(frozen=True)
class Topic:
    """What can be said of each row of a table: templates with the names of its columns."""

    rows: Sequence[Row]
    ways: Sequence[str]


def table(columns: str, text: str) -> list[Row]:
    """Read rows of words, one a line; an underscore is a space within a cell."""
    names = columns.split()
    rows = [line.split() for line in text.strip().splitlines()]
    return [dict(zip(names, (w.replace("_", " ") for w in row), strict=True)) for row in rows]


def drawn(topics: Sequence[Topic], draw: random.Random) -> tuple[Row, Topic]:
    """Draw a topic, the more often the more can be said of it, and one of its rows."""
    topic = draw.choices(topics, [len(topic.ways) for topic in topics])[0]
    return draw.choice(topic.rows), topic
