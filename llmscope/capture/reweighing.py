"""Attention weights that are other than the model's own: some are 0, some heads' are equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Reweighing:
    """What is changed of the weights of one attention call.

    All positions are those in the text, whichever of them the call is about.

    Attributes
    ----------
    zero
        Places (head, query, key) whose weight is 0, while all others stay.
    masked
        Places (head, query, key) that the softmax leaves out: the others share their weight.
    uniform
        Heads whose weights are equal for all visible keys, each with the queries that this is for;
        `None` for all queries.
    first_query, first_key
        Positions of the first query and the first key of the call.
    """

    zero: tuple[tuple[int, int, int], ...] = ()
    masked: tuple[tuple[int, int, int], ...] = ()
    uniform: tuple[tuple[int, frozenset[int] | None], ...] = ()
    first_query: int = 0
    first_key: int = 0

    def rows_by_head(self, count: int) -> dict[int, list[int]]:
        """Return which of `count` rows of the call are changed, by head."""
        found: dict[int, set[int]] = {}
        for head, query, _ in (*self.zero, *self.masked):
            found.setdefault(head, set()).add(query - self.first_query)
        for head, queries in self.uniform:
            every = range(count) if queries is None else [q - self.first_query for q in queries]
            found.setdefault(head, set()).update(every)
        within = {
            head: sorted(row for row in rows if 0 <= row < count) for head, rows in found.items()
        }
        return {head: rows for head, rows in within.items() if rows}

    def mask(
        self,
        mask: torch.Tensor | None,
        heads: int,
        rows: NDArray[np.intp],
        keys: slice,
        query: torch.Tensor,
    ) -> torch.Tensor | None:
        """Return an additive mask (1, heads, rows, keys) that also hides what is `masked`.

        Parameters
        ----------
        mask
            The model's own (1, 1 or heads, rows, keys), additive, or `None`.
        heads
            Number of heads of the layer.
        rows, keys
            Which of the call's queries and keys the mask is for.
        query
            Gives precision and device.
        """
        import torch

        places = [place for place in self.masked if self._row(place[1], rows) is not None]
        if not places:
            return mask
        if mask is None:
            size = keys.stop - keys.start
            mask = torch.zeros((1, 1, len(rows), size), dtype=query.dtype, device=query.device)
        mask = mask.expand(-1, heads, -1, -1).clone()
        for head, at, key in places:
            column = key - self.first_key - keys.start
            if 0 <= column < mask.shape[-1]:
                mask[:, head, self._row(at, rows), column] = -torch.inf
        return mask

    def weights(
        self,
        weights: torch.Tensor,
        heads: range,
        rows: NDArray[np.intp],
        keys: slice,
        hidden: torch.Tensor | None,
    ) -> torch.Tensor:
        """Return weights (heads, rows, keys) with what is `zero` and `uniform`.

        Parameters
        ----------
        weights
            The model's own.
        heads, rows, keys
            Which heads, and which of the call's queries and keys they are of.
        hidden
            Which of all keys of the call are hidden (1, 1 or heads, rows, all keys), if any.
        """
        import torch

        changed = weights.clone()
        for head, queries in self.uniform:
            if head not in heads:
                continue
            chosen = [n for n, row in enumerate(rows.tolist())
                      if queries is None or row + self.first_query in queries]  # fmt: skip
            seen = torch.ones_like(changed[0, chosen])
            if hidden is not None:
                own = hidden[0, head if hidden.shape[1] > 1 else 0]
                seen = seen.masked_fill(own[chosen][:, keys], 0)
            for other, at, key in self.masked:
                row, column = self._row(at, rows), key - self.first_key - keys.start
                if other == head and row in chosen and 0 <= column < seen.shape[-1]:
                    seen[chosen.index(row), column] = 0
            changed[heads.index(head), chosen] = seen / seen.sum(-1, keepdim=True)
        for head, at, key in self.zero:
            row, column = self._row(at, rows), key - self.first_key - keys.start
            if head in heads and row is not None and 0 <= column < changed.shape[-1]:
                changed[heads.index(head), row, column] = 0
        return changed

    def _row(self, query: int, rows: Sequence[int] | NDArray[np.intp]) -> int | None:
        """Return where the row of a query is among `rows`, if it is there."""
        row = query - self.first_query
        found = [n for n, item in enumerate(rows) if item == row]
        return found[0] if found else None
