"""Effects of heads, MLPs and tokens on a token, streamed as they are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmscope.kernel.requests import PAUSE
from llmscope.text import labels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmscope.kernel.requests import Effects, Part
    from llmscope.trace import Trace


def effects_on(trace: Trace, request: Effects, cancelled: Callable[[], bool]) -> Iterator[Part]:
    """Yield effects, NaN where they aren't known yet; others go between them.

    Raises
    ------
    ValueError, IndexError
        As `Trace.effects`.
    Cancelled
        When `cancelled` returned True.
    """
    question = trace.question(
        request.token,
        request.foil,
        request.position,
        of=request.of,
        method=request.way,
        kind=request.kind,
    )
    ids = [one for one in (request.token, request.foil) if one is not None]
    names = labels(trace.scope.tokenizer, ids)
    for number, found in enumerate(trace.read_effects(question, cancelled=cancelled)):
        if number:
            yield PAUSE
        yield {
            "labels": names,
            "values": found.values,
            "measured": found.measured,
            "estimated": found.is_estimate,
            "whole": found.is_whole,
        }
