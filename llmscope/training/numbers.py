"""What of the kept steps is read over all of them: small numbers, held in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from cachetools import LRUCache

from llmscope.export.encoding import spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llmscope.export.encoding import NextTokens
    from llmscope.shared import Kind
    from llmscope.training.history import History
    from llmscope.training.step_record import StepRecord

_BYTES = 64 * 2**20


@dataclass(frozen=True)
class OfProbe:
    """Numbers of one probe at one step.

    Attributes
    ----------
    ids, probs
        (positions, likeliest), the likeliest tokens first; `None` where nothing is predicted.
    entropy
        In bits (positions,).
    lens
        Ids and log-probabilities (positions, layers + 1); `None` without a lens.
    scores
        By kind of attention (scores, layers, heads).
    """

    ids: NDArray[np.int32] | None
    probs: NDArray[np.float32] | None
    entropy: NDArray[np.float32]
    lens: tuple[NDArray[np.int32], NDArray[np.float32]] | None
    scores: dict[Kind, NDArray[np.float32]]

    @property
    def nbytes(self) -> int:
        """Size of all numbers."""
        arrays: list[NDArray[Any] | None]
        arrays = [self.ids, self.probs, *(self.lens or ()), *self.scores.values()]
        return 1000 + sum(one.nbytes for one in arrays if one is not None)


class Numbers:
    """The numbers of kept steps, read once where there is room for them."""

    def __init__(self) -> None:
        self._known: LRUCache[tuple[int, int], tuple[OfProbe, ...]] = LRUCache(
            _BYTES, lambda found: sum(one.nbytes for one in found)
        )

    def at(self, history: History, run: int, step: int) -> tuple[OfProbe, ...]:
        """Return the numbers of all probes at a step of a run, which is `history`.

        Raises
        ------
        IndexError
            When the step isn't kept.
        """
        found = self._known.get((run, step))
        if found is None:
            record = history.at(step)
            found = tuple(
                _read(record, number, tuple(probe.kinds))
                for number, probe in enumerate(history.probes)
            )
            if sum(one.nbytes for one in found) <= _BYTES:
                self._known[run, step] = found
        return found


def _read(record: StepRecord, probe: int, kinds: tuple[Kind, ...]) -> OfProbe:
    told = record.next_token(probe)
    probs, entropy = (None, np.zeros(0, np.float32)) if told is None else distributions(told)
    return OfProbe(
        None if told is None else told.ids,
        probs,
        entropy,
        record.lens(probe),
        {kind: record.scores(probe, kind) for kind in kinds},
    )


def distributions(told: NextTokens) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return probabilities of the likeliest (positions, likeliest), and entropies in bits.

    The others are taken as their histogram has them.
    """
    probs = np.zeros(told.logits.shape, np.float32)
    entropy = np.zeros(len(probs), np.float32)
    for row, likeliest in enumerate(told.logits):
        rest = spread(told.highest[row], told.lowest[row], told.counts[row])
        every = np.concatenate([likeliest, rest]).astype(np.float64)
        weights = np.exp(every - every[0])
        weights /= weights.sum()
        seen = weights[weights > 0]
        probs[row] = weights[: len(likeliest)]
        entropy[row] = -(seen * np.log2(seen)).sum()
    return probs, entropy


def evenly(steps: Sequence[int], most: int) -> list[int]:
    """Return at most so many of the steps, spread evenly, the first and the last among them."""
    if len(steps) <= most:
        return [*steps]
    places = np.linspace(0, len(steps) - 1, most).round().astype(np.intp)
    return [steps[place] for place in places]
