"""Two distributions of the next token over one vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from llmscope.extras import data_frame

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


class Change(NamedTuple):
    """A token, and how likely it is on both sides.

    Attributes
    ----------
    id, label
        The token.
    prob_a, prob_b
        Its probabilities.
    change
        The first less the second.
    """

    id: int
    label: str
    prob_a: float
    prob_b: float
    change: float


@dataclass(frozen=True)
class NextTokenDifference:
    """What two passes say about one position, A and B.

    Probabilities are the models' own, before any sampling setting, in double precision.

    Attributes
    ----------
    logits_a, logits_b
        (vocabulary,), as each trace has them.
    """

    logits_a: NDArray[np.float32]
    logits_b: NDArray[np.float32]
    _labels: Callable[[Sequence[int]], list[str]]

    @cached_property
    def probs_a(self) -> NDArray[np.float64]:
        """Probabilities (vocabulary,) of A."""
        return np.exp(self._logprobs[0])

    @cached_property
    def probs_b(self) -> NDArray[np.float64]:
        """Probabilities (vocabulary,) of B."""
        return np.exp(self._logprobs[1])

    @cached_property
    def _logprobs(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return log_softmax(self.logits_a), log_softmax(self.logits_b)

    @cached_property
    def change(self) -> NDArray[np.float64]:
        """Probabilities (vocabulary,) of A less those of B."""
        return self.probs_a - self.probs_b

    @property
    def kl_ab(self) -> float:
        """Kullback-Leibler divergence Σ a log₂(a/b) in bits: what B loses where A is true."""
        return _kl(self.probs_a, *self._logprobs)

    @property
    def kl_ba(self) -> float:
        """Kullback-Leibler divergence Σ b log₂(b/a) in bits: what A loses where B is true."""
        return _kl(self.probs_b, *self._logprobs[::-1])

    @property
    def total_variation(self) -> float:
        """``½ Σ |a − b|``: the probability that would have to move, from 0 to 1."""
        return float(np.abs(self.change).sum() / 2)

    def gained(self, count: int = 10) -> list[Change]:
        """Return the tokens that are more likely in A, those that gain most first.

        Parameters
        ----------
        count
            How many at most.

        Returns
        -------
        list of Change
            Without tokens that gain nothing.
        """
        return self._changed(_highest(self.change, count), 1)

    def lost(self, count: int = 10) -> list[Change]:
        """Return the tokens that are less likely in A, those that lose most first.

        Parameters
        ----------
        count
            How many at most.

        Returns
        -------
        list of Change
            Without tokens that lose nothing.
        """
        return self._changed(_highest(-self.change, count), -1)

    def to_pandas(self) -> pd.DataFrame:
        """Return a table of the whole vocabulary, the tokens that change most first.

        Returns
        -------
        DataFrame
            Columns id, token, prob_a, prob_b, change, logit_a and logit_b.

        Raises
        ------
        ModuleNotFoundError
            When pandas is not installed.
        """
        table = data_frame("to_pandas")
        order = np.argsort(-np.abs(self.change), kind="stable")
        return table(
            {
                "id": order,
                "token": self._labels(order.tolist()),
                "prob_a": self.probs_a[order],
                "prob_b": self.probs_b[order],
                "change": self.change[order],
                "logit_a": self.logits_a[order],
                "logit_b": self.logits_b[order],
            }
        )

    def _changed(self, ids: NDArray[np.intp], sign: int) -> list[Change]:
        kept = [int(one) for one in ids if sign * self.change[one] > 0]
        return [
            Change(
                one,
                label,
                float(self.probs_a[one]),
                float(self.probs_b[one]),
                float(self.change[one]),
            )
            for one, label in zip(kept, self._labels(kept), strict=True)
        ]


def _highest(values: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Return where the highest values are, in order; of equal ones, the first."""
    count = max(0, min(count, len(values)))
    if count == 0:
        return np.array([], dtype=np.intp)
    least = np.partition(values, len(values) - count)[len(values) - count]
    found = np.flatnonzero(values >= least)
    return found[np.argsort(-values[found], kind="stable")[:count]]


def log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return log-probabilities (vocabulary,) in nats."""
    shifted = logits.astype(np.float64) - logits.max()
    found: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum())
    return found


def _kl(likely: NDArray[np.float64], one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    apart = np.subtract(one, other, where=likely > 0, out=np.zeros_like(one))
    return max(0.0, float((likely * apart).sum() / np.log(2)))
