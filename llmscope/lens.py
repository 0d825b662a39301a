"""The logit lens: what the model would say if it ended at a layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.capture import to_numpy
from llmscope.capture.forward import undisturbed
from llmscope.tokens import labels

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from numpy.typing import NDArray

    from llmscope.trace import Trace

_ROWS = 128  # positions whose logits are held at once
_NATS = float(np.log(2))  # in a bit


@dataclass(frozen=True)
class Lens:
    """What the model's head makes of the residual stream at each layer [1]_.

    Layer 0 is the embeddings, n what layer n made, and the last one is the model's own answer.

    Attributes
    ----------
    layers, positions
        Numbers (layers,) and (positions,) of what was read.
    ids, probs
        The likeliest tokens and their probabilities (layers, positions, top), the likeliest first.
    entropy
        Of each distribution (layers, positions), in bits.
    ranks
        Rank (layers, positions) of the token that comes next in the text, 0 for the likeliest; of
        the token that stands there, for masked models. -1 where none comes.
    divergence
        Kullback-Leibler divergence (layers, positions) of the last layer's distribution from this
        layer's, in bits: what is lost by believing this layer.

    References
    ----------
    .. [1] nostalgebraist, "interpreting GPT: the logit lens", LessWrong 2020.
    """

    layers: NDArray[np.int64]
    positions: NDArray[np.int64]
    ids: NDArray[np.int64]
    probs: NDArray[np.float32]
    entropy: NDArray[np.float32]
    ranks: NDArray[np.int64]
    divergence: NDArray[np.float32]
    _tokenizer: Any

    def to_pandas(self) -> pd.DataFrame:
        """Give a table with a row for each layer and position, and the likeliest token there."""
        try:
            import pandas as pd
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError("to_pandas needs pandas: pip install pandas") from error
        layer, position = np.meshgrid(self.layers, self.positions, indexing="ij")
        return pd.DataFrame(
            {
                "layer": layer.ravel(),
                "position": position.ravel(),
                "token": labels(self._tokenizer, self.ids[..., 0].ravel().tolist()),
                "prob": self.probs[..., 0].ravel(),
                "entropy": self.entropy.ravel(),
                "rank": self.ranks.ravel(),
                "divergence": self.divergence.ravel(),
            }
        )


def read_lens(
    trace: Trace, top: int, rows: NDArray[np.intp], layers: Sequence[int] | None = None
) -> Lens:
    """Read positions `rows` of `layers`, all by default, through the model's head."""
    import torch

    top = min(top, len(trace.logits_at(0)))
    states = _states(trace)
    every = list(range(len(states))) if layers is None else list(layers)
    true = _true_ids(trace)[rows]
    shape = (len(every), len(rows))
    ids = np.empty((*shape, top), dtype=np.int64)
    probs = np.empty((*shape, top), dtype=np.float32)
    entropy, divergence = np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.float32)
    ranks = np.full(shape, -1, dtype=np.int64)
    for start in range(0, len(rows), _ROWS):
        part = slice(start, start + _ROWS)
        last = _log_probs(trace, states[-1], rows[part])
        known = np.flatnonzero(true[part] >= 0)
        wanted = torch.as_tensor(true[part][known], device=last.device)[:, None]
        for index, number in enumerate(every):
            own = number % len(states) == len(states) - 1
            log_probs = last if own else _log_probs(trace, states[number], rows[part])
            best = log_probs.topk(top)
            ids[index, part] = best.indices.cpu().numpy()
            probs[index, part] = to_numpy(best.values.exp())
            entropy[index, part] = to_numpy(_expected(log_probs, -log_probs))
            divergence[index, part] = to_numpy(_expected(last, last - log_probs))
            row = log_probs[known]
            found = (row > row.gather(1, wanted)).sum(1)
            ranks[index, start + known] = found.cpu().numpy()
    numbers = np.array([number % len(states) for number in every])
    return Lens(numbers, rows, ids, probs, entropy, ranks, divergence, trace.scope.tokenizer)


def _states(trace: Trace) -> list[torch.Tensor]:
    """Give the residual stream as the head takes it: each (positions, size), final norm applied."""
    stack = trace._stack
    name = trace.scope.name
    if trace._forward.full_logits is not None or not stack.states:
        raise ValueError(f"There is no lens: the head of {name} can't be run on its own.")
    if stack.behind is None:
        raise ValueError(
            f"There is no lens: {name} does more behind its last layer than can be done to others."
        )
    ends = []
    with undisturbed(trace.scope.model):
        for state in stack.states[:-1]:
            item = state[None]
            for module in stack.behind:
                item = module(item)
            ends.append(item[0])
    ends.append(trace._forward.hidden)
    if any(end.shape != ends[-1].shape for end in ends):
        raise ValueError(f"There is no lens: layers of {name} differ in their shape.")
    return ends


def _log_probs(trace: Trace, states: torch.Tensor, rows: NDArray[np.intp]) -> torch.Tensor:
    """Log-probabilities (rows, vocabulary), in nats."""
    index: Any = rows.tolist()
    logits = trace.scope._capture.unembed(states[index])
    return logits.float().log_softmax(dim=-1)


def _expected(log_probs: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Mean of `values` (rows, vocabulary) under a distribution, in bits; 0 · ∞ is 0."""
    terms = log_probs.exp() * values
    return terms.nan_to_num(nan=0.0).sum(dim=-1).clamp_min(0) / _NATS


def _true_ids(trace: Trace) -> NDArray[np.int64]:
    ids = np.array(trace.ids, dtype=np.int64)
    if trace.scope.facts.family == "masked":
        return ids
    return np.append(ids[1:], -1)
