"""What is known of all heads over the texts that were read so far."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from llmscope.corpus.measure import BINS, COUNTS, HEADVIS, Measured
from llmscope.corpus.pairs import Heaviest, Pairs
from llmscope.shared import SURVEY_SCORES as SCORES


class Totals:
    """Means and sums over texts, of all heads; it grows by the scores of each text alone.

    Parameters
    ----------
    heads
        All heads, as (layer, head).

    Attributes
    ----------
    heads
        The same.
    texts
        Indices of the texts, as they were read.
    """

    def __init__(self, heads: list[tuple[int, int]]) -> None:
        self.heads = heads
        count = len(heads)
        self.texts: list[int] = []
        self._lock = threading.Lock()  # others read while it grows
        self._distances = np.zeros((count, len(BINS)))
        self._pairs = Pairs(count)
        self._each: list[NDArray[np.float32]] = []  # (scores, heads) of each text
        self._known = np.zeros((len(SCORES), count))  # texts with a score
        self._mean = np.zeros((len(SCORES), count))
        self._squares = np.zeros((len(SCORES), count))  # of differences from the mean
        self._headvis = np.zeros((len(HEADVIS), count))
        self._counts = np.zeros(len(COUNTS))

    def add(self, index: int, ids: list[int], measured: Measured) -> None:
        """Add a text, whose tokens have these ids."""
        # By Welford (1962): each text is looked at once, and nothing large cancels.
        some = ~np.isnan(measured.scores)
        with self._lock:
            off = np.where(some, measured.scores - self._mean, 0)
            self._known += some
            self._mean += off / np.maximum(self._known, 1)
            self._squares += off * np.where(some, measured.scores - self._mean, 0)
            self._headvis += measured.headvis
            self._counts += measured.counts
            self._distances += measured.distances
            self._pairs.add(ids, measured.edges)
            self._each.append(measured.scores)
            self.texts.append(index)  # last: who reads meanwhile counts by it

    @property
    def statistics(self) -> NDArray[np.float32]:
        """Mean, standard deviation and standard error over texts: (3, `SCORES`, heads)."""
        known = self._known
        with self._lock, np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(known > 0, self._mean, np.nan)
            std = np.where(known > 1, np.sqrt(self._squares / (known - 1)), np.nan)
            return np.stack([mean, std, std / np.sqrt(known)]).astype(np.float32)

    @property
    def known(self) -> NDArray[np.int32]:
        """In how many texts a score makes sense: (`SCORES`, heads)."""
        return self._known.astype(np.int32)

    @property
    def headvis(self) -> NDArray[np.float64]:
        """HeadVis's metrics (`HEADVIS`, heads), of all positions of all texts alike."""
        with self._lock, np.errstate(invalid="ignore", divide="ignore"):
            _, queries, before, repeats = self._counts
            over = {"previous": before, "induction": repeats, "induction_unthresholded": repeats}
            return np.stack(
                [
                    total / over.get(name, queries)
                    for name, total in zip(HEADVIS, self._headvis, strict=True)
                ]
            )

    @property
    def distances(self) -> NDArray[np.float64]:
        """Weight (heads, `BINS`) that went so far."""
        with self._lock:
            return self._distances.copy()

    def pairs(self, most: int) -> tuple[Heaviest, NDArray[np.float64]]:
        """Return the heaviest pairs of each head, and what their sums may lack (heads,)."""
        with self._lock:
            return self._pairs.heaviest(most), self._pairs.missed.copy()

    def of_each(self, score: str) -> NDArray[np.float32]:
        """Return a score of each text (texts, heads), in the order in which they were read."""
        row = SCORES.index(score)
        return np.stack([scores[row] for scores in self._each[: len(self.texts)]])
