"""The grid of patching: what the stream behind each layer, at each position, carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from llmscope.kernel.requests import PAUSE
from llmscope.text import labels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from llmscope.kernel.requests import Part, Patching
    from llmscope.trace import Trace

OFFERED = 8  # of the likeliest tokens of each text
_LEAST = 0.01  # that two logit differences differ by, if their distance is to be shared out


def patching(
    trace: Trace, source: Trace, request: Patching, cancelled: Callable[[], bool]
) -> Iterator[Part]:
    """Yield effects (layers, positions), NaN where they aren't known yet; others go between them.

    An effect divided by what the logit differences of the two texts differ by, `here` less `there`,
    is 0 where the patched pass ends as the text does, and 1 where it ends as the source does.

    Raises
    ------
    ValueError, IndexError
        As `Trace.effects`, and for a source of another length.
    Cancelled
        When `cancelled` returned True.
    """
    from llmscope.analysis.effects import read_effects
    from llmscope.analysis.effects.read import check_source

    check_source(trace.recording, source.recording)
    place = request.position
    logits = [one.logits_at(place) for one in (trace, source)]
    first = [_likeliest(one) for one in logits]
    token = _other_than(request.foil, first[0]) if request.of is None else request.of
    foil = _other_than(token, first[1]) if request.foil is None else request.foil
    question = trace.question(token, foil, place, of="layers", method="patch")
    here, there = (float(one[token]) - float(one[foil]) for one in logits)
    offered = list(dict.fromkeys([token, foil, *first[0], *first[1]]))
    about = {
        "tokens": [one.label for one in source.tokens],
        "offered": offered,
        "labels": labels(trace.scope.tokenizer, offered),
        "here": here,
        "there": there,
        "differ": abs(here - there) > max(_LEAST, 1e-3 * max(abs(here), abs(there))),
    }
    parts = read_effects(
        trace.scope.editor, trace.recording, question, source.recording, cancelled=cancelled
    )
    for number, found in enumerate(parts):
        values = np.full_like(found.values, np.nan) if found.is_estimate else found.values
        if number:
            yield PAUSE
        yield {**about, "values": values, "whole": found.is_whole and not found.is_estimate}


def _likeliest(logits: NDArray[np.float32]) -> list[int]:
    count = min(OFFERED, len(logits))
    first = np.argpartition(-logits, count - 1)[:count]
    found: list[int] = first[np.lexsort((first, -logits[first]))].tolist()
    return found


def _other_than(token: int | None, likeliest: list[int]) -> int:
    return next(one for one in likeliest if one != token)
