"""The logit lens as a page asks for it: some positions at a time, every layer of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.analysis.logit_lens import STREAMS, read_lens
from llmscope.text import labels

if TYPE_CHECKING:
    from llmscope.trace import Trace

BLOCK = 8  # positions
TOP = 5


def block(trace: Trace, stream: str, number: int, cancelled: Callable[[], bool]) -> dict[str, Any]:
    """Read the positions of one block, reduced to what a cell shows, with labels of all tokens."""
    rows = np.arange(number * BLOCK, min((number + 1) * BLOCK, len(trace)))
    chosen = next((one for one in STREAMS if one == stream), None)
    if chosen is None or number < 0 or not len(rows):
        raise KeyError(f"lens/{stream}/{number}")
    trace.check_current()
    lens = read_lens(trace.recording, trace.scope.tokenizer, TOP, rows, chosen, cancelled)
    ids, top = np.unique(lens.ids, return_inverse=True)
    facts = (lens.entropy, lens.divergence, lens.ranks, lens.true_probs)
    return {
        "top": top.reshape(lens.ids.shape).astype(np.int32),
        "labels": labels(trace.scope.tokenizer, ids.tolist()),
        "probs": lens.probs,
        "facts": np.stack(facts, axis=-1).astype(np.float32),
    }
