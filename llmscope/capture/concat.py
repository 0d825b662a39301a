"""Concatenate two recordings: of a prefix, and of the tokens after it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from llmscope.capture.hooks import AttentionCall

if TYPE_CHECKING:
    import torch


class Rows:
    """A tensor (…, positions, size) in pieces, concatenated when it is read.

    Pieces share memory with the passes that they come from.
    """

    def __init__(self, *pieces: torch.Tensor) -> None:
        self.pieces = list(pieces)
        self.joins = 0  # how often they were concatenated

    def __len__(self) -> int:
        return sum(piece.shape[-2] for piece in self.pieces)

    def whole(self) -> torch.Tensor:
        """Return the tensor."""
        import torch

        if len(self.pieces) > 1:
            self.pieces = [torch.cat(self.pieces, dim=-2)]
            self.joins += 1
        return self.pieces[0]

    def row(self, number: int) -> torch.Tensor:
        """Return one position (…, 1, size)."""
        for piece in self.pieces:
            if number < piece.shape[-2]:
                return piece[..., number : number + 1, :]
            number -= piece.shape[-2]
        raise IndexError(number)

    def grown(self, keep: int, new: torch.Tensor | None) -> Rows:
        """Return the first `keep` positions, and `new` ones after them."""
        import torch

        pieces: list[torch.Tensor] = []
        for piece in self.pieces:
            if keep > 0:
                pieces.append(piece[..., :keep, :] if keep < piece.shape[-2] else piece)
            keep -= piece.shape[-2]
        if new is not None:
            pieces.append(new)
        # A text typed letter by letter has few pieces, and each is copied seldom.
        while len(pieces) > 2 and pieces[-2].shape[-2] <= 2 * pieces[-1].shape[-2]:
            pieces[-2:] = [torch.cat(pieces[-2:], dim=-2)]
        return Rows(*pieces)


class Mask:
    """A mask (1, 1 or heads, positions, positions) in pieces of rows.

    A piece is ``(rows, first key, mask)``. A mask of `None` is the implied one: all keys up to the
    query's own, within the sliding window if there is one.
    """

    def __init__(self, *pieces: tuple[int, int, torch.Tensor | None]) -> None:
        self.pieces = list(pieces)

    def grown(self, keep: int, *new: tuple[int, int, torch.Tensor | None]) -> Mask:
        """Return the first `keep` rows, and `new` ones after them."""
        pieces: list[tuple[int, int, torch.Tensor | None]] = []
        for rows, first, mask in self.pieces:
            if keep > 0:
                kept = min(rows, keep)
                pieces.append((kept, first, None if mask is None else mask[..., :kept, :]))
            keep -= rows
        for rows, first, mask in new:
            if pieces and mask is None and pieces[-1][2] is None:
                pieces[-1] = (pieces[-1][0] + rows, 0, None)
            else:
                pieces.append((rows, first, mask))
        return Mask(*pieces)

    @cached_property
    def explicit(self) -> list[torch.Tensor]:
        """The masks that are tensors."""
        return [mask for _, _, mask in self.pieces if mask is not None]

    def whole(self, window: int | None) -> torch.Tensor | None:
        """Return the mask; `None` where all of it is implied."""
        import torch

        if not self.explicit:
            return None
        dtypes = {mask.dtype for mask in self.explicit} - {torch.bool}
        dtype = dtypes.pop() if dtypes else torch.bool
        heads = max(mask.shape[1] for mask in self.explicit)
        count = sum(rows for rows, _, _ in self.pieces)
        device = self.explicit[0].device
        hidden: Any = False if dtype == torch.bool else torch.finfo(dtype).min
        shape = (1, heads, count, count)
        whole = torch.full(shape, hidden, dtype=dtype, device=device)
        start = 0
        for rows, first, mask in self.pieces:
            if mask is None:
                mask, first = implied(start, rows, start + rows, 0, window, device), 0
            if mask.dtype != dtype:
                mask = torch.zeros(mask.shape, dtype=dtype, device=device).masked_fill(
                    ~mask, hidden
                )
            keys = min(mask.shape[-1], count - first)
            whole[:, :, start : start + rows, first : first + keys] = mask[..., :keys]
            start += rows
        return whole


def implied(
    start: int, rows: int, keys: int, first: int, window: int | None, device: torch.device
) -> torch.Tensor:
    """Return the causal mask (1, 1, rows, keys): True where a query may attend.

    The first query is at position `start`, the first key at `first`.
    """
    import torch

    own = torch.arange(start, start + rows, device=device)[:, None]
    distance = own - torch.arange(first, first + keys, device=device)
    mask = distance >= 0
    if window is not None:
        mask &= distance < window
    return mask[None, None]


class ConcatenatedCall(AttentionCall):
    """A call over a whole text, concatenated from several when it is read."""

    def __init__(
        self, last: AttentionCall, query: Rows, key: Rows, value: Rows, mask: Mask
    ) -> None:
        for name in ("module", "kwargs", "eager", "during"):
            object.__setattr__(self, name, getattr(last, name))
        whole = last.reweighing and replace(last.reweighing, first_query=0, first_key=0)
        object.__setattr__(self, "reweighing", whole)
        self.__dict__["rows"] = (query, key, value, mask)

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Query heads, key-value heads, queries, keys."""
        query, key, *_ = self.rows
        return query.pieces[0].shape[1], key.pieces[0].shape[1], len(query), len(key)

    @cached_property
    def query(self) -> torch.Tensor:
        """Query (1, heads, queries, head size)."""
        return self.rows[0].whole()

    @cached_property
    def key(self) -> torch.Tensor:
        """Key (1, KV heads, keys, head size)."""
        return self.rows[1].whole()

    @cached_property
    def value(self) -> torch.Tensor:
        """Value (1, KV heads, keys, value size)."""
        return self.rows[2].whole()

    @cached_property
    def mask(self) -> torch.Tensor | None:
        """Mask (1, 1 or heads, queries, keys), or `None` where it is implied."""
        return self.rows[3].whole(self.kwargs.get("sliding_window"))

    rows: tuple[Rows, Rows, Rows, Mask]


def concatenated(
    before: Sequence[AttentionCall], keep: int, new: Sequence[AttentionCall]
) -> list[AttentionCall] | None:
    """Concatenate the first `keep` positions of the calls `before` and the `new` calls.

    Without new calls, the calls are cut. `None` where it is unknown how they fit together.
    """
    if not new:
        return [_cut(call, keep) for call in before]
    if [call.module for call in before] != [call.module for call in new]:
        return None
    masks: dict[tuple[int, int, int], Mask | None] = {}  # layers share theirs
    calls: list[AttentionCall] = []
    for old, last in zip(before, new, strict=True):
        query, key, value, mask = _rows(old)
        count = last.query.shape[2]
        first = keep + count - last.key.shape[2]
        name = (id(mask), id(last.mask), first)
        if name not in masks:
            masks[name] = _grown(mask, keep, last, first)
        grown = masks[name]
        if grown is None or not _equal_arguments(old, last):
            return None

        def extended(rows: Rows, item: torch.Tensor, first: int = first, m: int = count) -> Rows:
            return Rows(item) if first == 0 else rows.grown(keep, item[..., -m:, :])

        calls.append(
            ConcatenatedCall(
                last,
                query.grown(keep, last.query),
                extended(key, last.key),
                extended(value, last.value),
                grown,
            )
        )
    return calls


def tensors_of(calls: Sequence[AttentionCall]) -> list[torch.Tensor]:
    """Return the tensors that calls keep in memory."""
    found: list[torch.Tensor] = []
    for call in calls:
        query, key, value, mask = _rows(call)
        found += [*query.pieces, *key.pieces, *value.pieces, *mask.explicit]
        others = (*call.kwargs.values(), call.__dict__.get("mask"))
        found += [item for item in others if hasattr(item, "untyped_storage")]
    return found


def joins_of(calls: Sequence[AttentionCall]) -> int:
    """Return how many tensors of calls were concatenated so far."""
    return sum(len(call.__dict__) for call in calls if isinstance(call, ConcatenatedCall))


def _cut(call: AttentionCall, keep: int) -> AttentionCall:
    query, key, value, mask = _rows(call)
    return ConcatenatedCall(
        call, query.grown(keep, None), key.grown(keep, None), value.grown(keep, None),
        mask.grown(keep),
    )  # fmt: skip


def _rows(call: AttentionCall) -> tuple[Rows, Rows, Rows, Mask]:
    if isinstance(call, ConcatenatedCall):
        return call.rows
    mask = Mask((call.query.shape[2], 0, call.mask))
    return Rows(call.query), Rows(call.key), Rows(call.value), mask


def _grown(mask: Mask, keep: int, last: AttentionCall, first: int) -> Mask | None:
    import torch

    count, keys = last.query.shape[2], last.key.shape[2]
    window = last.kwargs.get("sliding_window")
    new = last.mask
    if first < 0 or last.kwargs.get("is_causal") is False:
        return None
    if new is None:
        if first > 0 and window is None:
            if count > 1:
                return None
            new = torch.ones((1, 1, 1, keys), dtype=torch.bool, device=last.query.device)
    elif not isinstance(new, torch.Tensor) or new.ndim != 4 or new.shape[-2] != count:
        return None
    elif new.dtype == torch.bool:
        expected = implied(keep, count, keys, first, window, new.device)
        if torch.equal(new, expected.expand(new.shape)):
            new = None
    return mask.grown(keep, (count, first, new))


def _equal_arguments(one: AttentionCall, other: AttentionCall) -> bool:
    """Return whether both calls pass equal keyword arguments, so that none depends on position."""
    import torch

    for name in _parameters(one.eager):
        a, b = one.kwargs.get(name), other.kwargs.get(name)
        if isinstance(a, torch.Tensor) or isinstance(b, torch.Tensor):
            if a is not b:
                return False
        elif a != b:
            return False
    return True


def _parameters(function: Callable[..., Any]) -> list[str]:
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.kind not in kinds]
