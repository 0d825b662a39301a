"""What two passes would say if they ended at each layer, and how far that is apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.analysis.comparison.divergence import jensen_shannon
from llmscope.analysis.logit_lens import HELD, log_probs
from llmscope.capture import NEVER, Cancel, Cancelled, Recording, to_numpy
from llmscope.extras import data_frame
from llmscope.shared import Stream
from llmscope.text import labels
from llmscope.words import say

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from numpy.typing import NDArray
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class LensDifference:
    """The logit lens of two passes, A and B, at tokens that are aligned.

    Attributes
    ----------
    layers, positions
        Numbers (layers,) and (positions,) of the residual streams, as in `Lens`; positions of A.
    positions_b
        Those of B (positions,): the same where the texts are.
    divergence
        Jensen-Shannon divergence (layers, positions) of the two distributions, in bits: 0 where
        both say the same, 1 where no token is possible in both.
    ids_a, ids_b
        The likeliest token (layers, positions) of each.
    probs_a, probs_b
        How likely that is there (layers, positions).
    """

    layers: NDArray[np.int64]
    positions: NDArray[np.int64]
    positions_b: NDArray[np.int64]
    divergence: NDArray[np.float32]
    ids_a: NDArray[np.int64]
    ids_b: NDArray[np.int64]
    probs_a: NDArray[np.float32]
    probs_b: NDArray[np.float32]
    _tokenizer: Any

    @property
    def parting(self) -> NDArray[np.int64]:
        """The first layer (positions,) where the likeliest tokens of A and B differ; else -1."""
        other = self.ids_a != self.ids_b
        found: NDArray[np.int64] = np.where(other.any(0), self.layers[other.argmax(0)], -1)
        return found

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with a row for each layer and position.

        Returns
        -------
        DataFrame
            Columns layer, position, position_b, token_a, prob_a, token_b, prob_b and divergence
            (bits).

        Raises
        ------
        ModuleNotFoundError
            When pandas is not installed.
        """
        table = data_frame("to_pandas")
        layer, position = np.meshgrid(self.layers, self.positions, indexing="ij")
        _, position_b = np.meshgrid(self.layers, self.positions_b, indexing="ij")
        return table(
            {
                "layer": layer.ravel(),
                "position": position.ravel(),
                "position_b": position_b.ravel(),
                "token_a": labels(self._tokenizer, self.ids_a.ravel().tolist()),
                "prob_a": self.probs_a.ravel(),
                "token_b": labels(self._tokenizer, self.ids_b.ravel().tolist()),
                "prob_b": self.probs_b.ravel(),
                "divergence": self.divergence.ravel(),
            }
        )


def read_lens_difference(
    one: Recording,
    other: Recording,
    tokenizer: PreTrainedTokenizerBase,
    rows: NDArray[np.intp],
    stream: Stream = "block",
    cancelled: Cancel = NEVER,
) -> LensDifference:
    """Apply each model's head to every layer of its residual stream.

    Parameters
    ----------
    one, other
        The passes.
    tokenizer
        The tokenizer of both.
    rows
        Positions (rows, 2) in each pass.
    stream
        What is read of each layer.
    cancelled
        Asked between layers.

    Raises
    ------
    ValueError
        When there is no lens of one of them, or their layers aren't as many.
    Cancelled
        When `cancelled` returned True.
    """
    import torch

    vocabulary = one.logits([len(one.ids) - 1]).shape[-1]
    ends = [each.head_states(stream) for each in (one, other)]
    counts = [len(each) for each in ends]
    if counts[0] != counts[1]:
        raise ValueError(
            say(
                "The two models have {counts} and {counts_2} layers: the lens "
                "compares layer by layer, so they have to have as many. "
                "trace.lens() reads each by itself.",
                counts=counts[0] - 1,
                counts_2=counts[1] - 1,
            )
        )
    shape = (counts[0], len(rows))
    divergence = np.empty(shape, dtype=np.float32)
    ids = np.empty((2, *shape), dtype=np.int64)
    probs = np.empty((2, *shape), dtype=np.float32)
    most = int(np.clip(HELD // (4 * vocabulary), 8, 64))  # rows of logits at once
    for start in range(0, len(rows), most):
        part = slice(start, min(start + most, len(rows)))
        step = max(1, most // (part.stop - part.start))
        for first in range(0, counts[0], step):
            if cancelled():
                raise Cancelled
            layers = slice(first, min(first + step, counts[0]))
            both: list[torch.Tensor] = []
            for side, (recording, states) in enumerate(zip((one, other), ends, strict=True)):
                index: Any = rows[part, side].tolist()
                chosen = torch.stack([state[index] for state in states[layers]])
                found = log_probs(recording, chosen).exp()
                best = found.max(-1)
                ids[side, layers, part] = best.indices.cpu().numpy()
                probs[side, layers, part] = to_numpy(best.values)
                both.append(found.cpu())
            divergence[layers, part] = to_numpy(jensen_shannon(*both))
    return LensDifference(
        layers=np.arange(counts[0]),
        positions=rows[:, 0],
        positions_b=rows[:, 1],
        divergence=divergence,
        ids_a=ids[0],
        ids_b=ids[1],
        probs_a=probs[0],
        probs_b=probs[1],
        _tokenizer=tokenizer,
    )
