"""The pairs of tokens that heads join most, in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmscope.corpus.measure import Edges

KEPT = 512  # pairs of each head
_WAITING = 2**19  # edges that are merged at once
_TOKEN = 2**21  # ids are below


class Heaviest(NamedTuple):
    """Pairs, by head and then by falling weight.

    Attributes
    ----------
    heads, queries, keys
        Which heads, and ids of both tokens (pairs,).
    counts
        How many edges (pairs,).
    weights
        Sums of their weights (pairs,).
    """

    heads: NDArray[np.int64]
    queries: NDArray[np.int64]
    keys: NDArray[np.int64]
    counts: NDArray[np.int64]
    weights: NDArray[np.float64]


class Pairs:
    """Sums of weights by head and pair of tokens: the heaviest of each head.

    A pair that falls out of the `KEPT` heaviest of a head is forgotten, and begins anew when it
    comes again. So a sum may be too small, by no more than `missed` of its head; none is too large.

    Parameters
    ----------
    heads
        Number of heads.

    Attributes
    ----------
    missed
        (heads,): the sum, over all times that pairs were forgotten, of the heaviest of these.
    """

    def __init__(self, heads: int) -> None:
        self.missed = np.zeros(heads)
        self._codes = np.zeros(0, dtype=np.int64)  # sorted
        self._weights: NDArray[np.float64] = np.zeros(0)
        self._counts = np.zeros(0, dtype=np.int64)
        self._waiting: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []
        self._edges = 0

    def add(self, ids: Sequence[int], edges: Edges) -> None:
        """Add the edges of a text, whose tokens have these ids."""
        tokens = np.array(ids, dtype=np.int64)
        code = (edges.heads * _TOKEN + tokens[edges.queries]) * _TOKEN + tokens[edges.keys]
        self._waiting.append((code, edges.weights))
        self._edges += len(code)
        if self._edges >= _WAITING:
            self._merge()

    def heaviest(self, most: int) -> Heaviest:
        """Return at most so many of the heaviest pairs of each head."""
        self._merge()
        order, rank = self._ranked()
        order = order[rank < most]
        codes = self._codes[order]
        keys, queries = codes % _TOKEN, codes // _TOKEN % _TOKEN
        heads = codes // _TOKEN**2
        return Heaviest(heads, queries, keys, self._counts[order], self._weights[order])

    def _merge(self) -> None:
        if not self._waiting:
            return
        codes = np.concatenate([self._codes, *(code for code, _ in self._waiting)])
        weights = np.concatenate([self._weights, *(weight for _, weight in self._waiting)])
        counts = np.concatenate([self._counts, np.ones(len(codes) - len(self._counts), np.int64)])
        self._waiting, self._edges = [], 0
        self._codes, place = np.unique(codes, return_inverse=True)
        self._weights = np.bincount(place, weights, minlength=len(self._codes)).astype(float)
        self._counts = np.bincount(place, counts, minlength=len(self._codes)).astype(np.int64)
        order, rank = self._ranked()
        first = order[rank == KEPT]  # the heaviest of those that fall out
        self.missed[self._codes[first] // _TOKEN**2] += self._weights[first]
        kept = np.sort(order[rank < KEPT])
        self._codes, self._weights, self._counts = (
            self._codes[kept],
            self._weights[kept],
            self._counts[kept],
        )

    def _ranked(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return an order by head and then by falling weight, and the rank of each in its head."""
        heads = self._codes // _TOKEN**2
        order = np.lexsort((-self._weights, heads))
        begins = np.searchsorted(heads[order], heads[order])
        return order, np.arange(len(order)) - begins
