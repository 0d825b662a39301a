"""Tables of what was measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median


def interleaved(
    works: Sequence[Callable[[], object]],
    rounds: int = 9,
    of: Callable[[list[float]], float] = median,
) -> list[float]:
    """Time several works turn by turn, so that a noisy machine is as unkind to each.

    Returns the seconds of each: their median, or what `of` makes of them.
    """
    for work in works:
        work()
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, taken in zip(works, times, strict=True):
            start = time.perf_counter()
            work()
            taken.append(time.perf_counter() - start)
    return [of(taken) for taken in times]


def show(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table in Markdown."""
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "| " + " | ".join(padded) + " |"

    print(f"\n\n**{title}**\n")
    print(line(heads))
    print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    for row in rows:
        print(line(row))


def ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"


def kb(size: int) -> str:
    return f"{size / 1000:,.0f} KB"
