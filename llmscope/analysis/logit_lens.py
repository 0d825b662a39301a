"""The logit lens: what the model would say if it ended at a layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.capture import NEVER, Cancel, Cancelled, Recording, to_numpy
from llmscope.extras import data_frame
from llmscope.shared import Stream
from llmscope.text import labels

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from numpy.typing import NDArray
    from transformers import PreTrainedTokenizerBase

HELD = 2**23  # logits in memory at once
_NATS = float(np.log(2))  # in a bit


@dataclass(frozen=True)
class Lens:
    """What the model's head computes from the residual stream at each layer [1]_.

    Layer 0 is the embeddings, n the output of the n-th layer, and the last one the model's own
    answer. With a `stream` other than "block", n is the n-th layer with one of its sublayers.

    Attributes
    ----------
    layers, positions
        Numbers (layers,) and (positions,) of the residual streams.
    ids, probs
        The likeliest tokens and their probabilities (layers, positions, top), the likeliest first.
    entropy
        Of each distribution (layers, positions), in bits.
    true_ids
        The true token (positions,): the one that comes next in the text; for masked models the one
        at the position. -1 where none comes, or where it is masked.
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
        """Return a table with a row for each layer and position, and the likeliest token there.

        Returns
        -------
        DataFrame
            Columns layer, position, token, prob, entropy (bits), rank, true_prob and divergence
            (bits).

        Raises
        ------
        ModuleNotFoundError
            When pandas is not installed.
        """
        table = data_frame("to_pandas")
        layer, position = np.meshgrid(self.layers, self.positions, indexing="ij")
        return table(
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
    recording: Recording,
    tokenizer: PreTrainedTokenizerBase,
    top: int,
    rows: NDArray[np.intp],
    stream: Stream = "block",
    cancelled: Cancel = NEVER,
) -> Lens:
    """Apply the model's head to every layer's residual stream.

    Parameters
    ----------
    recording, tokenizer
        The pass, and the tokenizer of its model.
    top
        Number of likeliest tokens to return.
    rows
        Positions (rows,).
    stream
        What is read of each layer.
    cancelled
        Asked between layers.

    Raises
    ------
    ValueError
        When the model has no head, or one that can't be applied to other layers; or when its
        layers aren't the sum of two sublayers.
    Cancelled
        When `cancelled` returned True.
    """
    import torch

    vocabulary = recording.logits([len(recording.ids) - 1]).shape[-1]
    ends = recording.head_states(stream)  # for each layer (positions, hidden size)
    top = min(top, vocabulary)
    most = int(np.clip(HELD // vocabulary, 8, 256))  # rows of logits at once
    true = _true_ids(recording, tokenizer)[rows]
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
        _tokenizer=tokenizer,
    )

    def fill(layers: slice, part: slice, log_probs: torch.Tensor, last: torch.Tensor) -> None:
        """Store what is wanted of log-probabilities (layers, positions, vocabulary)."""
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

    # The last row of "block" is the model's answer itself, and not computed twice.
    others = len(ends) - (stream == "block")
    for start in range(0, len(rows), most):
        part = slice(start, min(start + most, len(rows)))
        index: Any = rows[part].tolist()
        last = log_probs(recording, recording.forward.hidden[index][None])
        if others < len(ends):
            fill(slice(others, None), part, last, last)
        step = max(1, most // len(index))
        for first in range(0, others, step):
            if cancelled():
                raise Cancelled
            layers = slice(first, min(first + step, others))
            states = torch.stack([state[index] for state in ends[layers]])
            fill(layers, part, log_probs(recording, states), last)
    return lens


def log_probs(recording: Recording, states: torch.Tensor) -> torch.Tensor:
    """Log-probabilities (layers, positions, vocabulary) of states, in nats."""
    layers, positions, _ = states.shape
    logits = recording.unembed(states.flatten(0, 1))
    return logits.float().log_softmax(dim=-1).view(layers, positions, -1)


def _expected(log_probs: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Mean of `values` (…, vocabulary) under a distribution, in bits; 0 · ∞ is 0."""
    terms = log_probs.exp() * values
    return terms.nan_to_num(nan=0.0).sum(dim=-1).clamp_min(0) / _NATS


def _true_ids(recording: Recording, tokenizer: PreTrainedTokenizerBase) -> NDArray[np.int64]:
    """Return the token (positions,) that the head predicts at each; -1 where none is known."""
    ids = np.array(recording.ids, dtype=np.int64)
    if recording.runner.family == "masked":
        ids[ids == tokenizer.mask_token_id] = -1
        return ids
    return np.append(ids[1:], -1)
