"""The logit lens as a page requests it: some positions at a time, every layer of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.analysis.comparison import read_lens_difference
from llmscope.analysis.logit_lens import read_lens
from llmscope.kernel.requests import RequestError
from llmscope.shared import LENS_BLOCK, LENS_TOP
from llmscope.text import labels
from llmscope.words import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from llmscope.comparison import Comparison
    from llmscope.kernel.requests import LensBlock
    from llmscope.trace import Trace


def lens_block(trace: Trace, request: LensBlock, cancelled: Callable[[], bool]) -> dict[str, Any]:
    """Return the lens of one block of positions, with labels of all tokens in it.

    Parameters
    ----------
    trace
        The trace.
    request
        The stream and the block.
    cancelled
        Whether the answer isn't needed any more.

    Returns
    -------
    dict
        ``top`` (layers, positions, tokens) are indices into ``labels``, with ``probs`` of the same
        shape; ``facts`` (layers, positions, 4) are entropy, divergence, rank and probability of
        the true token.

    Raises
    ------
    RequestError
        When the text has no such block.
    """
    rows = _positions(request, len(trace))
    trace.check_current()
    lens = read_lens(
        trace.recording, trace.scope.tokenizer, LENS_TOP, rows, request.stream, cancelled
    )
    ids, top = np.unique(lens.ids, return_inverse=True)
    facts = (lens.entropy, lens.divergence, lens.ranks, lens.true_probs)
    return {
        "top": top.reshape(lens.ids.shape).astype(np.int32),
        "labels": labels(trace.scope.tokenizer, ids.tolist()),
        "probs": lens.probs,
        "facts": np.stack(facts, axis=-1).astype(np.float32),
    }


def lens_difference(
    compared: Comparison, request: LensBlock, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """Return how far two traces part in one block of positions.

    Parameters
    ----------
    compared
        The traces.
    request, cancelled
        As for `lens_block`.

    Returns
    -------
    dict
        ``top`` (layers, positions, 2) are the likeliest token of each as indices into ``labels``,
        with ``probs`` of the same shape; ``divergence`` (layers, positions) in bits; ``parting``
        (positions,) the first layer where the likeliest tokens differ, -1 without one.

    Raises
    ------
    RequestError
        When the text has no such block.
    """
    a, b = compared.a, compared.b
    rows = compared.pairs[_positions(request, len(compared.pairs))]
    compared.check_lens()
    tokenizer = a.scope.tokenizer
    found = read_lens_difference(
        a.recording, b.recording, tokenizer, rows, request.stream, cancelled
    )
    both = np.stack([found.ids_a, found.ids_b], axis=-1)
    ids, top = np.unique(both, return_inverse=True)
    return {
        "top": top.reshape(both.shape).astype(np.int32),
        "labels": labels(tokenizer, ids.tolist()),
        "probs": np.stack([found.probs_a, found.probs_b], axis=-1),
        "divergence": found.divergence,
        "parting": found.parting.astype(np.int32),
    }


def _positions(request: LensBlock, count: int) -> NDArray[np.intp]:
    first = request.block * LENS_BLOCK
    rows = np.arange(first, min(first + LENS_BLOCK, count))
    if not len(rows):
        raise RequestError(
            say(
                "There is no position {first}: the text has {count} tokens.",
                first=first,
                count=count,
            )
        )
    return rows
