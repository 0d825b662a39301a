"""What two traces are apart in, by the request that asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from llmscope.analysis.comparison import NextTextDifference, read_distances
from llmscope.kernel import requests as ask
from llmscope.kernel.lens import lens_difference
from llmscope.kernel.protocol import format_key, shortened
from llmscope.kernel.requests import PAUSE, RequestError
from llmscope.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmscope.comparison import Comparison
    from llmscope.kernel.attention import AttentionHandlers
    from llmscope.kernel.requests import OfTrace, Part


def _next_texts(compared: Comparison, row: int) -> Part:
    """Return how likely both find the same texts, where each has read up to a row."""
    found = compared.next_token_at(row)
    assert isinstance(found, NextTextDifference)
    return {
        "labels": list(found.labels),
        "probs": [found.probs_a.tolist(), found.probs_b.tolist()],
        "rest": [float(found.shares_a[-1]), float(found.shares_b[-1])],
        "kl": [found.kl_ab, found.kl_ba],
        "moved": [found.total_variation, found.total_variation_most],
    }


def difference(
    compared: Comparison,
    request: OfTrace,
    attention: AttentionHandlers,
    cancelled: Callable[[], bool],
) -> Iterator[Part]:
    """Answer a request about the first of two traces less the second.

    Raises
    ------
    RequestError
        For a request that two traces have no difference of.
    """
    a, b = compared.a, compared.b
    match request:
        case ask.OfMatrix():
            yield attention.matrix((a, b), request, cancelled, compared.pairing(request.kind))
        case ask.Chain():
            for trace in (a, b):
                yield from (PAUSE for _ in trace.read_chain())
            yield {
                "logprobs": compared.logprobs,
                "both": np.stack(compared.both_logprobs),
                "perplexities": [a.perplexity, b.perplexity],
            }
        case ask.Logits(position=row) if not compared.same_logits:
            yield _next_texts(compared, row)
        case ask.LensBlock():
            yield lens_difference(compared, request, cancelled)
        case ask.Distances():
            pairing = compared.pairing(request.kind)
            found = read_distances(a.recording, b.recording, request.kind, cancelled, pairing)
            yield {"distances": found}
        case _:
            raise RequestError(
                say(
                    "Two traces are compared in their attention, chain and lens, head "
                    "by head, and in the texts that come next, where vocabularies "
                    "differ; not in what {shortened!r} asks for.",
                    shortened=shortened(format_key(request)),
                )
            )
