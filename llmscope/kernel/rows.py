"""How two traces are aligned, as a page requests it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from llmscope.kernel.requests import PAUSE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmscope.comparison import Comparison
    from llmscope.kernel.requests import Part

_NATS = np.float32(np.log(2))  # in a bit


def aligned_rows(compared: Comparison) -> Iterator[Part]:
    """Return which tokens of two traces are side by side, and how surprising each is.

    Parameters
    ----------
    compared
        The traces.

    Yields
    ------
    dict
        ``rows`` (rows, 5): the first token of A and the one after its last, the same of B, and
        whether both are the same; ``pairs`` and ``source_pairs`` (pairs, 2), as `Comparison` has
        them; ``surprisals_a`` and ``surprisals_b`` of the tokens of each, in bits, where both
        models read from left to right; ``one_vocabulary``, whether both have logits for the same
        tokens.
    """
    traces = (compared.a, compared.b)
    rows = [(r.a.start, r.a.stop, r.b.start, r.b.stop, r.same) for r in compared.tokens]
    part: Part = {
        "rows": np.array(rows, dtype=np.int32).reshape(-1, 5),
        "pairs": compared.pairs.astype(np.int32),
        "source_pairs": compared.source_pairs.astype(np.int32),
        "one_vocabulary": compared.same_logits,
    }
    families = {trace.scope.facts.family for trace in traces}
    if families <= {"causal", "encoder-decoder"}:
        for trace in traces:
            yield from (PAUSE for _ in trace.read_chain())
        for name, trace in zip(("surprisals_a", "surprisals_b"), traces, strict=True):
            part[name] = trace.logprobs / -_NATS
    yield part
