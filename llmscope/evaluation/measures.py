"""What is measured of a model: the columns of the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["count", "bytes", "seconds", "tokens/s", "bits", "ratio", "share"]
Better = Literal["less", "more", ""]

LANGUAGE = "tokens_per_character."  # before the name of a language
TASK = "task."  # before the name of a task, its metric and its filter


@dataclass(frozen=True)
class Measure:
    """One column.

    Attributes
    ----------
    name
        As in `Evaluation.to_pandas`.
    unit
        What it is counted in.
    better
        Whether less or more of it is better; empty where neither is.
    interval
        What its lower and upper bound are: "95" the bounds of the 95 % interval, "rounds" the
        slowest and the quickest round, empty where there are none.
    of_texts
        Whether each text has a number of its own.
    """

    name: str
    unit: Unit
    better: Better = ""
    interval: Literal["95", "rounds", ""] = ""
    of_texts: bool = False


MEASURES = (
    Measure("parameters", "count"),
    Measure("disk_bytes", "bytes", "less"),
    Measure("memory_bytes", "bytes", "less"),
    Measure("peak_memory_bytes", "bytes", "less"),
    Measure("load_seconds", "seconds", "less"),
    Measure("read_tokens_per_second", "tokens/s", "more", "rounds"),
    Measure("write_tokens_per_second", "tokens/s", "more", "rounds"),
    Measure("bits_per_byte", "bits", "less", "95", of_texts=True),
    Measure("perplexity", "ratio", "less", "95", of_texts=True),
    Measure("pseudo_perplexity", "ratio", "less", "95", of_texts=True),
    Measure("accuracy", "share", "more", "95", of_texts=True),
    Measure("tokens_per_character", "ratio", "less", "95", of_texts=True),
)
OF_TEXTS = tuple(measure.name for measure in MEASURES if measure.of_texts)


def of_language(language: str) -> Measure:
    """Return the column of tokens per character in a language."""
    return Measure(LANGUAGE + language, "ratio", "less", "95", of_texts=True)


def of_task(name: str, *, higher_is_better: bool, is_share: bool) -> Measure:
    """Return the column of a task's metric."""
    better: Better = "more" if higher_is_better else "less"
    return Measure(TASK + name, "share" if is_share else "ratio", better, "95")
