"""The grid of patching: what the stream behind each layer, at each position, carries."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from cachetools import LRUCache

from llmscope.kernel.edited_input import as_json
from llmscope.kernel.requests import PAUSE
from llmscope.text import labels
from llmscope.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from llmscope.kernel.requests import Part, Patching
    from llmscope.trace import Trace

OFFERED = 8  # of the likeliest tokens of each text
_KEPT = 16  # whole grids of each model
_LEAST = 0.01  # that two logit differences differ by, if their distance is to be shared out


_lock = threading.Lock()
_whole: WeakKeyDictionary[Any, LRUCache[Any, Part]] = WeakKeyDictionary()
_takes_known: ContextVar[bool] = ContextVar("takes_known", default=False)


@contextmanager
def only_known() -> Iterator[None]:
    """Answer with grids that are there already, and refuse others: each takes many passes."""
    token = _takes_known.set(True)
    try:
        yield
    finally:
        _takes_known.reset(token)


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
    asked = (request.on, request.foil, request.position)
    read = [(one.version, one.ids, one.recording.source_ids) for one in (trace, source)]
    key = (*map(repr, read), as_json(trace.edits), asked)
    with _lock:
        known = _whole.setdefault(trace.scope.model, LRUCache(_KEPT))
        found_before = known.get(key)
    if found_before is not None:
        yield found_before
        return
    if _takes_known.get():
        raise ValueError(say("This grid takes the model: it wasn't whole when the page was made."))
    place = request.position
    logits = [one.logits_at(place) for one in (trace, source)]
    first = [_likeliest(one) for one in logits]
    token = _other_than(request.foil, first[0]) if request.on is None else request.on
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
        part = {**about, "values": values, "whole": found.is_whole and not found.is_estimate}
        if part["whole"]:
            with _lock:
                known[key] = part
        yield part


def _likeliest(logits: NDArray[np.float32]) -> list[int]:
    count = min(OFFERED, len(logits))
    first = np.argpartition(-logits, count - 1)[:count]
    found: list[int] = first[np.lexsort((first, -logits[first]))].tolist()
    return found


def _other_than(token: int | None, likeliest: list[int]) -> int:
    return next(one for one in likeliest if one != token)
