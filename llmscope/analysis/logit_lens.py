"""The logit lens: what the model would say if it ended at a layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from llmscope.capture import Cancelled, to_numpy
from llmscope.capture.runner import undisturbed
from llmscope.text import labels

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from numpy.typing import NDArray

    from llmscope.trace import Trace

Stream = Literal["block", "attention", "mlp"]
STREAMS: tuple[Stream, ...] = get_args(Stream)
_HELD = 2**23  # logits that are held at once
_NATS = float(np.log(2))  # in a bit


@dataclass(frozen=True)
class Lens:
    """What the model's head makes of the residual stream at each layer [1]_.

    Layer 0 is the embeddings, n what n layers made, and the last one is the model's own answer.
    With a `stream` other than "block", n is what the n-th layer makes with one half of it.

    Attributes
    ----------
    layers, positions
        Numbers (layers,) and (positions,) of what was read.
    ids, probs
        The likeliest tokens and their probabilities (layers, positions, top), the likeliest first.
    entropy
        Of each distribution (layers, positions), in bits.
    true_ids
        The true token (positions,): the one that comes next in the text; for masked models the one
        that stands there. -1 where none comes, or a mask hides it.
    ranks, true_probs
        Rank (layers, positions) of the true token, 0 for the likeliest, and its probability; -1
        and NaN where it isn't known.
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
    true_ids: NDArray[np.int64]
    ranks: NDArray[np.int64]
    true_probs: NDArray[np.float32]
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
                "true_prob": self.true_probs.ravel(),
                "divergence": self.divergence.ravel(),
            }
        )


def read_lens(
    trace: Trace,
    top: int,
    rows: NDArray[np.intp],
    stream: Stream = "block",
    cancelled: Callable[[], bool] = lambda: False,
) -> Lens:
    """Read positions `rows` of every layer through the model's head."""
    import torch

    vocabulary = len(trace.logits_at(-1))
    ends = _ends(trace, stream)
    top = min(top, vocabulary)
    most = int(np.clip(_HELD // vocabulary, 8, 256))
    true = _true_ids(trace)[rows]
    shape = (len(ends), len(rows))
    lens = Lens(
        layers=np.arange(len(ends)),
        positions=rows,
        ids=np.empty((*shape, top), dtype=np.int64),
        probs=np.empty((*shape, top), dtype=np.float32),
        entropy=np.empty(shape, dtype=np.float32),
        ranks=np.full(shape, -1, dtype=np.int64),
        true_ids=true,
        true_probs=np.full(shape, np.nan, dtype=np.float32),
        divergence=np.empty(shape, dtype=np.float32),
        _tokenizer=trace.scope.tokenizer,
    )

    def fill(layers: slice, part: slice, log_probs: torch.Tensor, last: torch.Tensor) -> None:
        """Write down what is wanted of log-probabilities (layers, positions, vocabulary)."""
        where = (layers, part)
        best = log_probs.topk(top)
        lens.ids[where] = best.indices.cpu().numpy()
        lens.probs[where] = to_numpy(best.values.exp())
        lens.entropy[where] = to_numpy(_expected(log_probs, -log_probs))
        lens.divergence[where] = to_numpy(_expected(last, last - log_probs))
        known = np.flatnonzero(true[part] >= 0)
        wanted = torch.as_tensor(true[part][known], device=last.device)[None, :, None]
        read = log_probs[:, known]
        own = read.gather(2, wanted.expand(len(read), -1, 1))
        lens.ranks[layers, part.start + known] = (read > own).sum(2).cpu().numpy()
        lens.true_probs[layers, part.start + known] = to_numpy(own[..., 0].exp())

    # The last row of the whole stream is the model's answer itself, and not computed twice.
    others = len(ends) - (stream == "block")
    for start in range(0, len(rows), most):
        part = slice(start, min(start + most, len(rows)))
        index: Any = rows[part].tolist()
        last = _log_probs(trace, trace._forward.hidden[index][None])
        if others < len(ends):
            fill(slice(others, None), part, last, last)
        step = max(1, most // len(index))
        for first in range(0, others, step):
            if cancelled():
                raise Cancelled
            layers = slice(first, min(first + step, others))
            states = torch.stack([state[index] for state in ends[layers]])
            fill(layers, part, _log_probs(trace, states), last)
    return lens


def _ends(trace: Trace, stream: Stream) -> list[torch.Tensor]:
    """Give the residual stream as the head takes it: each (positions, size), final norm applied."""
    kept = trace._lens_states
    if stream in kept:
        return kept[stream]
    stack = trace._stack
    name = trace.scope.name
    if trace._forward.full_logits is not None or not stack.states:
        raise ValueError(f"There is no lens: the head of {name} can't be run on its own.")
    if stack.behind is None:
        raise ValueError(
            f"There is no lens: {name} does more behind its last layer than can be done to others."
        )
    states = stack.states[:-1]
    if stream != "block":
        halves = trace.scope._capture.halves(trace._inputs, stack.states, stream)
        states = (stack.states[0], *halves)
    ends = []
    with undisturbed(trace.scope.model):
        for state in states:
            item = state[None]
            for module in stack.behind:
                item = module(item)
            ends.append(item[0])
    if stream == "block":
        ends.append(trace._forward.hidden)
    if any(end.shape != trace._forward.hidden.shape for end in ends):
        raise ValueError(f"There is no lens: layers of {name} differ in their shape.")
    kept[stream] = ends
    return ends


def _log_probs(trace: Trace, states: torch.Tensor) -> torch.Tensor:
    """Log-probabilities (layers, positions, vocabulary) of states, in nats."""
    layers, positions, _ = states.shape
    logits = trace.scope._capture.unembed(states.flatten(0, 1))
    return logits.float().log_softmax(dim=-1).view(layers, positions, -1)


def _expected(log_probs: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Mean of `values` (…, vocabulary) under a distribution, in bits; 0 · ∞ is 0."""
    terms = log_probs.exp() * values
    return terms.nan_to_num(nan=0.0).sum(dim=-1).clamp_min(0) / _NATS


def _true_ids(trace: Trace) -> NDArray[np.int64]:
    """Give the token (positions,) that the head speaks of at each; -1 where none is known."""
    ids = np.array(trace.ids, dtype=np.int64)
    if trace.scope.facts.family == "masked":
        ids[list(trace.gaps)] = -1
        return ids
    return np.append(ids[1:], -1)
