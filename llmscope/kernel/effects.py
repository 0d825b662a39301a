"""Effects of all heads on a token, streamed as they are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmscope.kernel.requests import PAUSE
from llmscope.text import labels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmscope.kernel.requests import Effects, Part
    from llmscope.trace import Trace


def head_effects(trace: Trace, request: Effects, cancelled: Callable[[], bool]) -> Iterator[Part]:
    """Yield effects (layers, heads), NaN where they aren't known yet; others go between them.

    Raises
    ------
    ValueError, IndexError
        As `Trace.effects`.
    Cancelled
        When `cancelled` returned True.
    """
    from llmscope.analysis.effects import read_effects

    question = trace.question(
        request.token, request.foil, request.position, method=request.way, kind=request.kind
    )
    parts = read_effects(trace.scope.editor, trace.recording, question, cancelled=cancelled)
    ids = [one for one in (request.token, request.foil) if one is not None]
    names = labels(trace.scope.tokenizer, ids)
    for number, found in enumerate(parts):
        if number:
            yield PAUSE
        yield {
            "labels": names,
            "values": found.values,
            "measured": found.measured,
            "estimated": found.is_estimate,
            "whole": found.is_whole,
        }
