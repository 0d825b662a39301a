"""What one message may have a server compute: checked before it is computed."""

from __future__ import annotations

import json
from inspect import signature
from typing import TYPE_CHECKING, Any

from llmscope.remote.values import LARGEST
from llmscope.words import refused

if TYPE_CHECKING:
    from llmscope.trace import Trace

MOST_ROWS = 64  # sequences, times beams
MOST_TOKENS = 4096  # that are generated at once
MOST_TOP = 1000  # of a lens
MOST_LOGITS = 2**31  # bytes of one generation
MOST_ENTRIES = 20_000  # of a journal
_FLOAT = 4  # bytes
_MATRICES = frozenset(["attention", "combined", "rollout", "matrix"])


def check_read(trace: Trace, what: str, args: list[Any], options: dict[str, Any]) -> None:
    """Raise ValueError for a read whose answer would be larger than a message may be.

    Parameters
    ----------
    trace
        Of the text.
    what, args, options
        Which read.
    """
    facts = trace.scope.facts
    if what == "logits":
        _check(len(trace) * facts.vocabulary, "logits_at(position)")
    if what in _MATRICES:
        given = signature(getattr(trace, what)).bind(*args, **options).arguments
        kind = given.get("kind", "self")
        heads = facts.heads if what == "attention" and given.get("head") is None else 1
        _check(heads * _count(given.get("rows"), trace.queries(kind)) * trace.keys(kind), "rows=…")
    if what == "lens":
        given = signature(trace.lens).bind(*args, **options).arguments
        top, positions = given.get("top", 5), _count(given.get("positions"), len(trace))
        if type(top) is not int or top > MOST_TOP:
            raise refused("A server reads the {most} likeliest at most: top=…", most=MOST_TOP)
        _check((facts.layers + 1) * positions * top * 4, "positions=…")


def check_comparison(a: Trace, b: Trace, what: str, args: list[Any]) -> None:
    """Raise ValueError for a difference that would be larger than a message may be.

    Parameters
    ----------
    a, b
        What is compared.
    what, args
        Which difference.
    """
    if what == "attention":
        _, head, rows, kind = args
        heads = a.scope.facts.heads if head is None else 1
        keys = min(a.keys(kind), b.keys(kind))
        _check(heads * _count(rows, min(a.queries(kind), b.queries(kind))) * keys, "rows=…")


def check_settings(settings: dict[str, Any], vocabulary: int = 1) -> None:
    """Raise ValueError for more sequences or tokens than a server generates at once.

    Parameters
    ----------
    settings
        Of `generate`.
    vocabulary
        Of the model, whose logits are recorded at each step.
    """
    rows, most = rows_and_tokens(settings)
    if rows > MOST_ROWS or most > MOST_TOKENS:
        raise refused(
            "A server generates {rows} sequences of {tokens:,} tokens at once, and no more.",
            rows=MOST_ROWS,
            tokens=MOST_TOKENS,
        )
    if rows * most * vocabulary * _FLOAT > MOST_LOGITS:
        raise refused(
            "The logits of {rows} sequences of {tokens:,} tokens are {size:,} MB, and a server "
            "records {most:,} MB of one generation: ask for less.",
            rows=rows,
            tokens=most,
            size=rows * most * vocabulary * _FLOAT // 10**6,
            most=MOST_LOGITS // 10**6,
        )


def rows_and_tokens(settings: Any) -> tuple[int, int]:
    """Return how many sequences settings of `generate` ask for, and of how many tokens.

    Raises
    ------
    ValueError
        Where these are no whole numbers.
    """
    given = settings if isinstance(settings, dict) else {}
    config = given.get("generation_config")
    if isinstance(config, dict) and isinstance(config.get("config"), str):
        read = json.loads(config["config"])
        config = read if isinstance(read, dict) else {}
    elif config is not None and not isinstance(config, dict):
        config = vars(config)

    def found(name: str, default: int) -> int:
        value = given.get(name, (config or {}).get(name))
        if value is None:
            return default
        if type(value) is not int:
            raise refused("{name} is a whole number, not {value!r:.80}.", name=name, value=value)
        return max(value, default)

    rows = found("num_return_sequences", 1) * found("num_beams", 1)
    return rows, max(found("max_new_tokens", 0), found("max_length", 0))


def _count(rows: Any, most: int) -> int:
    """Return how many rows are chosen of so many.

    Raises
    ------
    ValueError
        For what chooses none, or more than there are.
    """
    if rows is None:
        return most
    if isinstance(rows, slice):
        return len(range(most)[rows])
    if not isinstance(rows, list) or len(rows) > most:
        raise refused("Rows are chosen by a slice or a list, not {rows!r:.80}.", rows=rows)
    return len(rows)


def _check(numbers: int, instead: str) -> None:
    if numbers * _FLOAT > LARGEST // 2:
        raise refused(
            "That is {size:,} MB, and a message holds {most:,} MB: read a part of it, by "
            "{instead}.",
            size=numbers * _FLOAT // 10**6,
            most=LARGEST // 2 // 10**6,
            instead=instead,
        )
