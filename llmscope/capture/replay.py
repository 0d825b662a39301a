"""From recorded queries and keys back to attention weights, by the model's own eager function."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from llmscope.capture.tap import Call

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import nn

Kind = Literal["self", "encoder", "cross"]
_CROSS = re.compile(r"cross|encoder_attn|EncDec|encoder_decoder", re.IGNORECASE)


class Attention:
    """The recorded attention of one layer.

    Attributes
    ----------
    heads, kv_heads
        Number of query heads, and of the key-value heads that they share in groups.
    queries, keys
        Number of positions on either side.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self.heads: int = call.query.shape[1]
        self.kv_heads: int = call.key.shape[1]
        self.queries: int = call.query.shape[2]
        self.keys: int = call.key.shape[2]

    def weights(self, rows: slice | Sequence[int] | None = None) -> NDArray[np.float32]:
        """Attention weights (heads, rows, keys); only `rows` of the queries are computed."""
        import torch

        call = self._call
        index: Any = slice(None) if rows is None else rows
        if not isinstance(index, slice):
            index = torch.as_tensor(list(index), dtype=torch.long, device=call.query.device)

        def cut(item: Any) -> Any:
            by_query = isinstance(item, torch.Tensor) and item.ndim == 4
            by_query = by_query and item.shape[-2:] == (self.queries, self.keys)
            return item[:, :, index] if by_query else item

        kwargs = {name: cut(item) for name, item in call.kwargs.items()} | {"dropout": 0.0}
        with torch.no_grad():
            query = call.query[:, :, index]
            mask = cut(self._additive_mask())
            # The weights alone are wanted, so the values that they would mix can have width 0.
            value = call.value[..., :0]
            weights = call.eager(call.module, query, call.key, value, mask, **kwargs)[1]
            # Behind the keys a sink may have its share.
            return to_numpy(weights[0, ..., : self.keys], copy=False)

    def tensors(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Query (heads, queries, size), key and value (KV heads, keys, size)."""
        return self._call.query[0], self._call.key[0], self._call.value[0]

    def _additive_mask(self) -> torch.Tensor | None:
        """Give the mask in the form that eager functions add; absent, the causal one is implied."""
        import torch

        call = self._call
        lowest = torch.finfo(call.query.dtype).min
        mask = call.mask
        if mask is None:
            causal = call.kwargs.get("is_causal")
            if causal is None:
                causal = getattr(call.module, "is_causal", True)
            if not causal or self.queries == 1:
                return None
            position = torch.arange(self.keys, device=call.query.device)
            behind = position[self.keys - self.queries :, None] - position  # (queries, keys)
            mask = behind >= 0
            window = call.kwargs.get("sliding_window")
            if window is not None:
                mask &= behind < window
            mask = mask[None, None]
        if mask.dtype != torch.bool:
            return mask
        zero = torch.zeros((), dtype=call.query.dtype, device=mask.device)
        return torch.where(mask, zero, lowest)


def by_layer(model: nn.Module, calls: Sequence[Call]) -> dict[Kind, dict[int, Attention]]:
    """Sort recorded calls into layers: kind, then layer number, both as the model counts them.

    A layer without attention (recurrent, linear) has no entry. A module that runs more than once
    (ALBERT shares one among all layers) is counted by the order of its calls.
    """
    names = {id(module): name for name, module in model.named_modules()}
    encoder_of = getattr(model, "get_encoder", None)
    is_pair = bool(getattr(model.config, "is_encoder_decoder", False))
    encoder = encoder_of() if is_pair and encoder_of is not None else None
    inside_encoder = {id(m) for m in encoder.modules()} if encoder is not None else set()

    found: dict[Kind, list[tuple[str, Call]]] = {}
    for call in calls:
        name = names[id(call.module)]
        kind: Kind = "self"
        if id(call.module) in inside_encoder:
            kind = "encoder"
        elif is_pair and (
            _CROSS.search(name.rpartition(".")[2])
            or getattr(call.module, "is_cross_attention", False)
        ):
            kind = "cross"
        found.setdefault(kind, []).append((name, call))

    layers: dict[Kind, dict[int, Attention]] = {}
    for kind, named in found.items():
        numbers = [_layer_number(name) for name, _ in named]
        repeated = max(Counter(numbers).values()) > 1
        if repeated or None in numbers:
            numbers = list(range(len(named)))
        layers[kind] = {
            number: Attention(call)
            for number, (_, call) in zip(numbers, named, strict=True)
            if number is not None
        }
    return layers


def to_numpy(tensor: torch.Tensor, *, copy: bool = True) -> NDArray[np.float32]:
    """Bring a tensor of any precision, from any device, to float32 numpy.

    Without `copy` the array may share the tensor's memory: for tensors made to be handed out.
    """
    array: NDArray[np.float32] = tensor.detach().float().cpu().numpy()
    return array.copy() if copy else array


def _layer_number(name: str) -> int | None:
    match = re.search(r"(?:^|\.)(\d+)(?:\.|$)", name)
    return int(match[1]) if match else None
