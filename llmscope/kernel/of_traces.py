"""What answers the requests that are about traces, wherever these were made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from llmscope.comparison import Comparison
from llmscope.kernel import requests as ask
from llmscope.kernel.attention import AttentionHandlers
from llmscope.kernel.difference import difference
from llmscope.kernel.effects import effects_on
from llmscope.kernel.lens import lens_block
from llmscope.kernel.patching import patching
from llmscope.kernel.protocol import format_key, shortened
from llmscope.kernel.requests import PAUSE, RequestError
from llmscope.kernel.rows import aligned_rows
from llmscope.kernel.structure import of_model
from llmscope.kernel.structure_requests import OfModel
from llmscope.text import labels, texts
from llmscope.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from llmscope.kernel.requests import Part, Request
    from llmscope.scope import Scope
    from llmscope.trace import Trace

LABELLED = 200  # of the likeliest tokens, whose labels come with logits


class OfTraces:
    """Answers requests about traces, whose names in the requests are known already."""

    def __init__(self) -> None:
        self._attention = AttentionHandlers()

    @property
    def cached_bytes(self) -> int:
        """Size of the cached tiles and rollouts."""
        return self._attention.cached_bytes

    def release(self) -> None:
        """Free all that can be computed again."""
        self._attention.release()

    def __call__(
        self, request: ask.OfTrace, traces: Sequence[Trace], cancelled: Callable[[], bool]
    ) -> Iterator[Part]:
        """Answer a request, in one part or more; `PAUSE` between them lets others go first.

        Parameters
        ----------
        request
            What is asked.
        traces
            The one that it is about; the two of a `Pair`; or that into which is patched, and the
            source.
        cancelled
            Whether nobody waits any more.
        """
        trace = traces[0]
        match request:
            case ask.OfTrace(ask.Pair(anchors=anchors)):
                compared = Comparison(traces[0], traces[1], anchors)
                if isinstance(request, ask.Rows):
                    yield from aligned_rows(compared)
                    return
                yield from difference(compared, request, self._attention, cancelled)
            case ask.Effects():
                yield from effects_on(trace, request, cancelled)
            case ask.Patching():
                yield from patching(trace, traces[1], request, cancelled)
            case ask.Chain():
                yield from (PAUSE for _ in trace.read_chain())
                yield {
                    "logprobs": trace.logprobs,
                    "ranks": trace.ranks.astype(np.int32),
                    "perplexity": trace.perplexity,
                }
            case _:
                yield self._one(request, trace, cancelled)

    def _one(self, request: ask.OfTrace, trace: Trace, cancelled: Callable[[], bool]) -> Part:
        match request:
            case ask.Logits():
                return likeliest(trace.logits_at(request.position), trace.scope)
            case ask.Follows():
                return {"probability": _follows(trace)}
            case ask.LensBlock():
                return lens_block(trace, request, cancelled)
            case OfModel():
                return of_model(trace, request, cancelled)
            case ask.Thumbnails():
                return self._attention.thumbnails(trace, request, cancelled)
            case ask.Steps():
                return self._attention.steps(trace, request, cancelled)
            case ask.OfMatrix():
                return self._attention.matrix((trace,), request, cancelled)
        raise unanswered(request)


def unanswered(request: Request) -> RequestError:
    """Return the error for a request that a view has no answer to."""
    return RequestError(
        say("This view has no answer to {shortened!r}.", shortened=shortened(format_key(request)))
    )


def likeliest(logits: NDArray[np.float32], scope: Scope | None) -> Part:
    """Return logits (vocabulary,) with labels of the likeliest tokens."""
    assert scope is not None
    count = min(LABELLED, len(logits))
    first = np.argpartition(-logits, count - 1)[:count]
    first = first[np.lexsort((first, -logits[first]))]
    return {
        "logits": logits,
        "ids": first.astype(np.int32),
        "texts": texts(scope.tokenizer, first.tolist()),
        "labels": labels(scope.tokenizer, first.tolist()),
    }


def _follows(trace: Trace) -> float | None:
    try:
        return trace.next_sentence
    except ValueError:  # There is no second sentence, or no head for it.
        return None
