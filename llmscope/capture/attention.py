"""Attention weights, computed again from the queries and keys that a pass recorded.

In every layer, each head compares the query q of a token with the keys k of all tokens that it may
see, and turns the scores into weights that sum to 1::

    weights = softmax(scale · q·kᵀ + mask)                      (heads, queries, keys)

Fast attention functions never hold these weights in memory: a text of n tokens has n² of them per
head. So a pass records only what its attention functions were called with, n rows per head, and
this module computes the weights of those queries that somebody looks at.

The formula above is not written out here, because models differ: scores are capped, keys are shared
by groups of heads, a sink takes a part of the sum. transformers has an *eager* function for each
model that returns its weights, and this module calls that one, with fewer rows. Read on from
`Attention.weights`; shapes are (heads, queries, keys) throughout, and a batch of 1 before them
where functions of transformers want one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from llmscope.capture.evaluation import without_gradients
from llmscope.capture.hooks import AttentionCall
from llmscope.capture.undo import Changes, restoring

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import nn


class Attention:
    """The recorded attention of one layer.

    Attributes
    ----------
    call
        What the model called its attention function with.
    order
        Index of that call in the forward pass.
    heads, kv_heads
        Number of query heads, and of the key-value heads that they share in groups.
    queries, keys
        Number of positions that attend, and that are attended to.
    """

    def __init__(self, call: AttentionCall, order: int) -> None:
        self.call = call
        self.order = order
        self.heads, self.kv_heads, self.queries, self.keys = call.sizes

    # ── weights ──────────────────────────────────────────────────────────────────────────────

    def weights(self, rows: NDArray[np.intp], head: int | None = None) -> torch.Tensor:
        """Compute attention weights of some queries.

        Parameters
        ----------
        rows
            Positions of the queries (rows,); only these are computed.
        head
            One head; all of the layer by default.

        Returns
        -------
        Tensor
            (heads, rows, keys), or (1, rows, keys) for one head. The keys are those within
            `key_range(rows)`; all others have the weight 0.
        """
        if head is None or self.is_separable:
            return self._replay(rows, head)
        return self._replay(rows, None)[head : head + 1]  # (1, rows, keys)

    def _replay(self, rows: NDArray[np.intp], head: int | None) -> torch.Tensor:
        """Call the model's eager attention function for some rows of one head, or of all."""
        call = self.call
        index, keys = self._index(rows), self.key_range(rows)

        # Heads to compute, and the key-value heads that they share.
        heads = kv_heads = slice(None)
        if head is not None:
            kv_head = head // (self.heads // self.kv_heads)
            heads, kv_heads = slice(head, head + 1), slice(kv_head, kv_head + 1)

        # What the function compares. It would mix the values by the weights, which is not needed
        # here, so the values have width 0.
        query = call.query[:, heads, index]  # (1, heads, rows, head size)
        key = call.key[:, kv_heads, keys]  # (1, KV heads, keys, head size)
        value = call.value[:, kv_heads, keys, :0]  # (1, KV heads, keys, 0)

        def of_heads(item: Any) -> Any:
            """Select `heads` of an argument that has an entry for each head."""
            shape: tuple[int, ...] = tuple(getattr(item, "shape", ()))
            if len(shape) == 4 and shape[1] == self.heads:
                return item[:, heads]
            return item[heads] if shape == (self.heads,) else item

        # Scale, soft cap, position bias and the like, as in the pass; but no dropout.
        kwargs = {name: of_heads(self.of_rows(item, rows)) for name, item in call.kwargs.items()}
        kwargs["dropout"] = 0.0
        module: Any = call.during if head is None else _OneHead(call.during, of_heads)

        def replay(changes: Changes) -> Any:
            without_gradients(changes)
            mask = self.mask(rows, keys)
            if call.reweighing is not None:
                mask = call.reweighing.mask(mask, self.heads, rows, keys, query)
            mask = of_heads(mask)  # (1, 1 or heads, rows, keys)
            return call.eager(module, query, key, value, mask, **kwargs)[1]

        # A sink's share may be in a column after the keys.
        weights: torch.Tensor = restoring(replay)[0, ..., : key.shape[2]]  # (heads, rows, keys)
        if call.reweighing is None:
            return weights
        own = range(self.heads)[heads]
        return call.reweighing.weights(weights, own, rows, keys, self.is_hidden(rows))

    @cached_property
    def is_separable(self) -> bool:
        """Whether the eager function computes the same for a head alone as among all heads.

        Tried once for each kind of call.
        """
        import torch

        call = self.call
        if self.heads % self.kv_heads:
            return False
        given = {"mask": call.mask, **call.kwargs}
        shapes = {name: tuple(getattr(item, "shape", ()))[:2] for name, item in given.items()}
        kind = (type(call.module), self.heads, self.kv_heads, *sorted(shapes.items()))
        known = _separable.setdefault(call.eager, {})
        if kind not in known:
            last = np.array([self.queries - 1])
            try:
                together = self._replay(last, None)  # (heads, 1, keys)
                alone = [self._replay(last, head) for head in range(self.heads)]
                # Shapes decide the order of sums, on each processor in its own way.
                tolerance = max(1e-4, 4 * torch.finfo(together.dtype).eps)
                known[kind] = torch.allclose(torch.cat(alone), together, rtol=0, atol=tolerance)
            except Exception:  # the function takes no single head
                known[kind] = False
        return known[kind]

    # ── which keys a query may see ───────────────────────────────────────────────────────────

    def key_range(self, rows: NDArray[np.intp]) -> slice:
        """Return the range of keys that the queries `rows` can see between them."""
        if not self._is_causal_without_mask or self._has_bias or not len(rows):
            return slice(0, self.keys)
        offset = self.keys - self.queries  # of a query's own key
        first, last = int(rows.min()) + offset, int(rows.max()) + offset
        window = self.call.kwargs.get("sliding_window")
        return slice(0 if window is None else max(0, first - window + 1), last + 1)

    def mask(self, rows: NDArray[np.intp], keys: slice = slice(None)) -> torch.Tensor | None:
        """Return the mask that is added to the scores: 0 for a visible key, else very negative.

        Parameters
        ----------
        rows
            Positions of the queries (rows,).
        keys
            Range of keys.

        Returns
        -------
        Tensor or None
            (1, 1 or heads, rows, keys); `None` where every key is visible.
        """
        import torch

        call, device = self.call, self.call.query.device
        if self._is_causal_without_mask:
            own = self._own_keys(rows)[:, None]  # (rows, 1)
            positions = torch.arange(self.keys, device=device)[keys]  # (keys,)
            mask = positions <= own  # (rows, keys)
            window = call.kwargs.get("sliding_window")
            if window is not None:
                mask &= positions > own - window
            mask = mask[None, None]  # (1, 1, rows, keys)
        elif call.mask is None:
            return None
        elif hasattr(call.mask, "mask_mod"):  # flex attention: a function of positions
            own = torch.as_tensor(rows, device=device)[:, None]  # (rows, 1)
            zero = torch.zeros((), dtype=torch.long, device=device)  # batch and head
            every = torch.arange(self.keys, device=device)  # (keys,)
            mask = call.mask.mask_mod(zero, zero, own, every)[None, None, :, keys]
        else:
            mask = call.mask[..., keys]  # (1, 1 or heads, queries or 1, keys)
            if mask.shape[-2] == self.queries:
                mask = mask[..., self._index(rows), :]  # (1, 1 or heads, rows, keys)
        if mask.dtype != torch.bool:
            return mask
        zero = torch.zeros((), dtype=call.query.dtype, device=mask.device)
        return torch.where(mask, zero, torch.finfo(zero.dtype).min)

    def is_hidden(self, rows: NDArray[np.intp]) -> torch.Tensor | None:
        """Return which keys are hidden (1, 1 or heads, rows, keys); `None` without a mask."""
        import torch

        mask = self.mask(rows)
        return None if mask is None else mask <= torch.finfo(mask.dtype).min / 2

    def count_visible(self, rows: NDArray[np.intp]) -> torch.Tensor:
        """Return the number of keys that each query can see, (1 or heads, rows)."""
        import torch

        if self._is_causal_without_mask:
            window = self.call.kwargs.get("sliding_window") or self.keys
            return (self._own_keys(rows) + 1).clamp_max(window)[None]
        hidden = self.is_hidden(rows)
        if hidden is None:
            return torch.full((1, len(rows)), self.keys, device=self.call.query.device)
        return (~hidden).sum(-1)[0].expand(-1, len(rows))

    # ── parts of the call ────────────────────────────────────────────────────────────────────

    def tensors(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return query (heads, queries, size), key and value (KV heads, keys, size)."""
        return self.call.query[0], self.call.key[0], self.call.value[0]

    def of_rows(self, item: Any, rows: NDArray[np.intp]) -> Any:
        """Select `rows` of an argument of the attention function that has a row for each query."""
        shape: tuple[int, ...] = tuple(getattr(item, "shape", ()))
        by_query = len(shape) == 4 and shape[2] == self.queries and shape[3] in (self.keys, 1)
        return item[:, :, self._index(rows)] if by_query else item

    def _own_keys(self, rows: NDArray[np.intp]) -> torch.Tensor:
        """Return the position (rows,) of each query's own key: cached keys may come before it."""
        import torch

        return torch.as_tensor(rows + self.keys - self.queries, device=self.call.query.device)

    def _index(self, rows: NDArray[np.intp]) -> Any:
        """Return `rows` as an index of tensors: a slice where possible, which copies nothing."""
        import torch

        if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
            return slice(int(rows[0]), int(rows[-1]) + 1)
        return torch.as_tensor(rows, device=self.call.query.device)

    @cached_property
    def _is_causal_without_mask(self) -> bool:
        """Whether each query sees the keys up to its own, though no mask says so."""
        if self.call.mask is not None or self.queries == 1:
            return False
        causal = self.call.kwargs.get("is_causal")
        return bool(getattr(self.call.module, "is_causal", True) if causal is None else causal)

    @cached_property
    def _has_bias(self) -> bool:
        return any(getattr(item, "ndim", 0) == 4 for item in self.call.kwargs.values())


class _OneHead:
    """An attention module, as if one head with keys of its own were all that it has."""

    num_key_value_groups = 1

    def __init__(self, module: nn.Module, of_heads: Callable[[Any], Any]) -> None:
        self._module = module
        self._of_heads = of_heads

    def __getattr__(self, name: str) -> Any:
        return self._of_heads(getattr(self._module, name))


# By eager function: for which kinds of calls heads are separable.
_separable: WeakKeyDictionary[Callable[..., Any], dict[Any, bool]] = WeakKeyDictionary()


class PartialAttention(Attention):
    """Recorded attention to some of the keys; rows need not sum to 1."""

    def __init__(self, call: AttentionCall, order: int, part: slice) -> None:
        super().__init__(call, order)
        self._whole = Attention(call, order)
        self._part = part
        self.keys = part.stop - part.start

    def weights(self, rows: NDArray[np.intp], head: int | None = None) -> torch.Tensor:
        """Compute attention weights (heads, rows, keys) of all heads, or of one."""
        return self._whole.weights(rows, head)[..., self._part]

    @cached_property
    def is_separable(self) -> bool:
        """Whether the eager function computes the same for a head alone as among all heads."""
        return self._whole.is_separable

    def key_range(self, rows: NDArray[np.intp]) -> slice:
        """Return the range of keys that the queries `rows` can see between them: all."""
        return slice(0, self.keys)

    def count_visible(self, rows: NDArray[np.intp]) -> torch.Tensor:
        """Return the number of keys with a weight from each query, (heads, rows)."""
        return (self.weights(rows) > 0).sum(-1)

    def mask(self, rows: NDArray[np.intp], keys: slice = slice(None)) -> torch.Tensor | None:
        """Return the mask (1, 1 or heads, rows, keys) that is added to the scores, if any."""
        mask = self._whole.mask(rows)
        return None if mask is None else mask[..., self._part][..., keys]

    def tensors(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return query (heads, queries, size), key and value (KV heads, keys, size)."""
        query, key, value = self._whole.tensors()
        return query, key[:, self._part], value[:, self._part]


class OutputAttention:
    """Weights from `output_attentions`, with the interface of `Attention`.

    Attributes
    ----------
    heads, kv_heads, queries, keys
        As in `Attention`; keys and values are not known to be shared.
    """

    is_separable = True

    def __init__(self, weights: torch.Tensor) -> None:
        self._weights = weights
        self.heads, self.queries, self.keys = weights.shape
        self.kv_heads = self.heads

    def weights(self, rows: NDArray[np.intp], head: int | None = None) -> torch.Tensor:
        """Return attention weights (heads, rows, keys) of all heads, or of one."""
        heads = slice(None) if head is None else slice(head, head + 1)
        return self._weights[heads, rows]

    def key_range(self, rows: NDArray[np.intp]) -> slice:
        """Return the range of keys that the queries `rows` can see between them: all."""
        return slice(0, self.keys)

    def count_visible(self, rows: NDArray[np.intp]) -> torch.Tensor:
        """Return the number of keys with a weight from each query, (heads, rows)."""
        return (self._weights[:, rows] > 0).sum(-1)
