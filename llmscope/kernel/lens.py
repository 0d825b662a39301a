"""The logit lens as a page requests it: some positions at a time, every layer of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.analysis.logit_lens import read_lens
from llmscope.kernel.requests import RequestError
from llmscope.shared import LENS_BLOCK, LENS_TOP
from llmscope.text import labels

if TYPE_CHECKING:
    from collections.abc import Callable

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
    first = request.block * LENS_BLOCK
    rows = np.arange(first, min(first + LENS_BLOCK, len(trace)))
    if not len(rows):
        raise RequestError(f"There is no position {first}: the text has {len(trace)} tokens.")
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
