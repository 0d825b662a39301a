"""From recorded queries and keys back to attention weights, by the model's own eager function."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

import numpy as np

from llmscope.capture.hooks import Call

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import nn

Kind = Literal["self", "encoder", "cross"]

# Eager functions, and for what kinds of calls they give each head by itself what they give it
# among all.
_separable: WeakKeyDictionary[Callable[..., Any], dict[Any, bool]] = WeakKeyDictionary()


class _OneHead:
    """An attention module of a head that shares its keys with no other."""

    num_key_value_groups = 1

    def __init__(self, module: nn.Module, part: Callable[[Any], Any]) -> None:
        self._module = module
        self._part = part

    def __getattr__(self, name: str) -> Any:
        return self._part(getattr(self._module, name))


class Attention:
    """The recorded attention of one layer.

    Attributes
    ----------
    heads, kv_heads
        Number of query heads, and of the key-value heads that they share in groups.
    queries, keys
        Number of positions on either side.
    call, order
        What the model called its attention function with, and the how manieth call that was.
    """

    def __init__(self, call: Call, order: int) -> None:
        self.call = call
        self.order = order
        self.heads, self.kv_heads, self.queries, self.keys = call.sizes

    def weights(self, rows: NDArray[np.intp], head: int | None = None) -> torch.Tensor:
        """Attention weights (heads, rows, keys) of the keys within `reach`; the others have none.

        Only `rows` of the queries are computed; with `head`, that head only: (1, rows, keys).
        """
        if head is None or self.separable:
            return self._replay(rows, head)
        return self._replay(rows, None)[head : head + 1]

    def _replay(self, rows: NDArray[np.intp], head: int | None) -> torch.Tensor:
        """Give the weights of a head by itself, or of all."""
        import torch

        call, index, reach = self.call, self._index(rows), self.reach(rows)
        heads = shared = slice(None)
        if head is not None:
            kv_head = head // (self.heads // self.kv_heads)
            heads, shared = slice(head, head + 1), slice(kv_head, kv_head + 1)

        def part(item: Any) -> Any:
            """Cut what has an entry for each head."""
            shape: tuple[int, ...] = tuple(getattr(item, "shape", ()))
            if len(shape) == 4 and shape[1] == self.heads:
                return item[:, heads]
            return item[heads] if shape == (self.heads,) else item

        kwargs = {name: part(self.of_rows(item, rows)) for name, item in call.kwargs.items()}
        kwargs["dropout"] = 0.0
        query = call.query[:, heads, index]
        # The weights alone are wanted, so the values that they would mix can have width 0.
        key, value = call.key[:, shared, reach], call.value[:, shared, reach, :0]
        with torch.no_grad():
            mask = part(self.mask(rows, reach))
            module: Any = call.during if head is None else _OneHead(call.during, part)
            weights: torch.Tensor = call.eager(module, query, key, value, mask, **kwargs)[1]
        # Behind the keys a sink may have its share.
        return weights[0, ..., : key.shape[2]]

    def reach(self, rows: NDArray[np.intp]) -> slice:
        """Tell which keys the queries `rows` can see between them, where the mask is implied."""
        if not self._mask_implied or self._biased or not len(rows):
            return slice(0, self.keys)
        last = int(rows.max()) + self.keys - self.queries
        first = int(rows.min()) + self.keys - self.queries
        window = self.call.kwargs.get("sliding_window")
        return slice(0 if window is None else max(0, first - window + 1), last + 1)

    def visible(self, rows: NDArray[np.intp]) -> torch.Tensor:
        """Count the keys that the mask leaves to each query, (1 or heads, rows)."""
        import torch

        device = self.call.query.device
        if self._mask_implied:
            window = self.call.kwargs.get("sliding_window") or self.keys
            own = torch.as_tensor(rows + self.keys - self.queries, device=device)
            return (own + 1).clamp_max(window)[None]
        hidden = self.hidden(rows)
        if hidden is None:
            return torch.full((1, len(rows)), self.keys, device=device)
        return (~hidden).sum(-1)[0].expand(-1, len(rows))

    def hidden(self, rows: NDArray[np.intp]) -> torch.Tensor | None:
        """Tell which keys the mask hides (1, 1 or heads, rows, keys); `None` hides nothing."""
        import torch

        mask = self.mask(rows)
        return None if mask is None else mask <= torch.finfo(mask.dtype).min / 2

    def mask(self, rows: NDArray[np.intp], keys: slice = slice(None)) -> torch.Tensor | None:
        """Give the mask (1, 1 or heads, rows, keys) as eager functions add it, if there is one."""
        import torch

        call = self.call
        if self._mask_implied:
            device = call.query.device
            own = torch.as_tensor(rows + self.keys - self.queries, device=device)[:, None]
            places = torch.arange(self.keys, device=device)[keys]
            mask = places <= own  # (rows, keys)
            window = call.kwargs.get("sliding_window")
            if window is not None:
                mask &= places > own - window
            mask = mask[None, None]
        elif call.mask is None:
            return None
        elif hasattr(call.mask, "mask_mod"):  # flex attention's: a function of positions
            own = torch.as_tensor(rows, device=call.query.device)[:, None]
            zero = torch.zeros((), dtype=torch.long, device=own.device)
            mask = call.mask.mask_mod(zero, zero, own, torch.arange(self.keys, device=own.device))
            mask = mask[None, None, :, keys]
        else:
            mask = call.mask[..., keys]
            if mask.shape[-2] == self.queries:
                mask = mask[..., self._index(rows), :]
        if mask.dtype != torch.bool:
            return mask
        zero = torch.zeros((), dtype=call.query.dtype, device=mask.device)
        return torch.where(mask, zero, torch.finfo(zero.dtype).min)

    def of_rows(self, item: Any, rows: NDArray[np.intp]) -> Any:
        """Cut an argument of the attention function, if it has a row for each query."""
        shape: tuple[int, ...] = tuple(getattr(item, "shape", ()))
        by_query = len(shape) == 4 and shape[2] == self.queries and shape[3] in (self.keys, 1)
        return item[:, :, self._index(rows)] if by_query else item

    def tensors(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Query (heads, queries, size), key and value (KV heads, keys, size)."""
        return self.call.query[0], self.call.key[0], self.call.value[0]

    @cached_property
    def _mask_implied(self) -> bool:
        """Whether each query sees the keys up to its own, without a mask that says so."""
        if self.call.mask is not None or self.queries == 1:
            return False
        causal = self.call.kwargs.get("is_causal")
        return bool(getattr(self.call.module, "is_causal", True) if causal is None else causal)

    @cached_property
    def separable(self) -> bool:
        """Whether each head gives by itself what it gives among all; tried once a kind of call."""
        import torch

        call = self.call
        if self.heads % self.kv_heads:
            return False
        given = {"mask": call.mask, **call.kwargs}
        shapes = {name: tuple(getattr(item, "shape", ()))[:2] for name, item in given.items()}
        kind = (type(call.module), self.heads, self.kv_heads, *sorted(shapes.items()))
        known = _separable.setdefault(call.eager, {})
        if kind not in known:
            rows = np.array([self.queries - 1])
            try:
                whole = self._replay(rows, None)
                alone = [self._replay(rows, head) for head in range(self.heads)]
                known[kind] = torch.allclose(torch.cat(alone), whole, atol=1e-6)
            except Exception:  # nothing that a head alone can be given to
                known[kind] = False
        return known[kind]

    @cached_property
    def _biased(self) -> bool:
        return any(getattr(item, "ndim", 0) == 4 for item in self.call.kwargs.values())

    def _index(self, rows: NDArray[np.intp]) -> Any:
        import torch

        if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
            return slice(int(rows[0]), int(rows[-1]) + 1)
        return torch.as_tensor(rows, device=self.call.query.device)


class SomeKeys(Attention):
    """The part of recorded attention that goes to some of the keys; rows needn't sum to 1."""

    def __init__(self, call: Call, order: int, keys: slice) -> None:
        super().__init__(call, order)
        self._whole = Attention(call, order)
        self._some = keys
        self.keys = keys.stop - keys.start

    def weights(self, rows: NDArray[np.intp], head: int | None = None) -> torch.Tensor:
        """Attention weights (heads, rows, keys), of all heads or of one."""
        return self._whole.weights(rows, head)[..., self._some]

    @cached_property
    def separable(self) -> bool:
        """Whether each head gives by itself what it gives among all."""
        return self._whole.separable

    def reach(self, rows: NDArray[np.intp]) -> slice:
        """Tell which keys the queries `rows` can see between them: any."""
        return slice(0, self.keys)

    def visible(self, rows: NDArray[np.intp]) -> torch.Tensor:
        """Count the keys that got a weight from each query, (heads, rows)."""
        return (self.weights(rows) > 0).sum(-1)

    def mask(self, rows: NDArray[np.intp], keys: slice = slice(None)) -> torch.Tensor | None:
        """Give the mask (1, 1 or heads, rows, keys) as eager functions add it, if there is one."""
        mask = self._whole.mask(rows)
        return None if mask is None else mask[..., self._some][..., keys]

    def tensors(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Query (heads, queries, size), key and value (KV heads, keys, size)."""
        query, key, value = self._whole.tensors()
        return query, key[:, self._some], value[:, self._some]


class OwnWeights:
    """Attention that the model returned itself, with the face of a recorded one."""

    separable = True

    def __init__(self, weights: torch.Tensor) -> None:
        self._weights = weights
        self.heads, self.queries, self.keys = weights.shape
        self.kv_heads = self.heads

    def weights(self, rows: NDArray[np.intp], head: int | None = None) -> torch.Tensor:
        """Attention weights (heads, rows, keys), of all heads or of one."""
        heads = slice(None) if head is None else slice(head, head + 1)
        return self._weights[heads, rows]

    def reach(self, rows: NDArray[np.intp]) -> slice:
        """Tell which keys the queries `rows` can see between them: any."""
        return slice(0, self.keys)

    def visible(self, rows: NDArray[np.intp]) -> torch.Tensor:
        """Count the keys that got a weight from each query, (heads, rows)."""
        return (self._weights[:, rows] > 0).sum(-1)


def to_numpy(tensor: torch.Tensor, *, copy: bool = True) -> NDArray[np.float32]:
    """Bring a tensor of any precision, from any device, to float32 numpy.

    Without `copy` the array may share the tensor's memory: for tensors made to be handed out.
    """
    array: NDArray[np.float32] = tensor.detach().float().cpu().numpy()
    return array.copy() if copy else array
