"""What one message may have a server compute: checked before it is computed."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any

from llmscope.remote.values import LARGEST
from llmscope.words import refused

if TYPE_CHECKING:
    from llmscope.trace import Trace

MOST_ROWS = 64  # sequences, times beams
MOST_TOKENS = 4096  # that are generated at once
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
    if what == "logits":
        _check(len(trace) * trace.scope.facts.vocabulary, "logits_at(position)")
    if what in _MATRICES:
        given = signature(getattr(trace, what)).bind(*args, **options).arguments
        kind, rows = given.get("kind", "self"), given.get("rows")
        queries = trace.queries(kind)
        count = len(range(queries)[rows]) if isinstance(rows, slice) else queries
        count = len(rows) if isinstance(rows, list) else count
        heads = trace.scope.facts.heads if what == "attention" and given.get("head") is None else 1
        _check(heads * count * trace.keys(kind), "rows=…")


def check_settings(settings: dict[str, Any]) -> None:
    """Raise ValueError for more sequences or tokens than a server generates at once.

    Parameters
    ----------
    settings
        Of `generate`.
    """
    config = settings.get("generation_config")

    def found(name: str, default: int) -> int:
        value = settings.get(name, getattr(config, name, None))
        return value if isinstance(value, int) else default

    rows = found("num_return_sequences", 1) * found("num_beams", 1)
    most = max(found("max_new_tokens", 0), found("max_length", 0))
    if rows > MOST_ROWS or most > MOST_TOKENS:
        raise refused(
            "A server generates {rows} sequences of {tokens:,} tokens at once, and no more.",
            rows=MOST_ROWS,
            tokens=MOST_TOKENS,
        )


def _check(numbers: int, instead: str) -> None:
    if numbers * _FLOAT > LARGEST // 2:
        raise refused(
            "That is {size:,} MB, and a message holds {most:,} MB: read a part of it, by "
            "{instead}.",
            size=numbers * _FLOAT // 10**6,
            most=LARGEST // 2 // 10**6,
            instead=instead,
        )
