"""Prefixes that a model has read already, kept so that an edit costs what it changed."""

from __future__ import annotations

import copy
import inspect
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from llmscope.capture.wrappers import main_device

if TYPE_CHECKING:
    import torch
    from torch import nn

    from llmscope.capture.runner import Forward

LIMIT = 2**30  # bytes, to begin with
_SPARED = 8  # tokens that are rather read again than kept apart


@dataclass(frozen=True)
class _Kept:
    ids: list[int]
    cache: Any
    forward: Forward | None
    memory: dict[int, int]  # bytes by address


class Warm:
    """What a model has read lately: caches of keys and values, and what was recorded with them.

    All of it belongs to the thread that holds the model's lock.

    Attributes
    ----------
    limit
        How many bytes may be kept; what was not used for longest goes first.
    size
        How many are. Traces that are still held share most of them.
    holds
        Whether a pass that went on from a cache was found to equal a whole one; `None` until it
        was tried.
    """

    def __init__(self, model: nn.Module) -> None:
        self.holds: bool | None = None
        self.size = 0
        self._model: Any = model
        self._limit = LIMIT
        self._kept: list[_Kept] = []  # the one used last is the last
        self._memory: Counter[int] = Counter()  # how many hold on to an address
        self._fingerprint: int | None = None

    @property
    def limit(self) -> int:
        """How many bytes may be kept."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        self._limit = limit
        self._shrink()

    def ready(self, fingerprint: int | None) -> bool:
        """Forget what another model than that of `fingerprint` has read; False to keep nothing."""
        if fingerprint != self._fingerprint:
            self.clear()
            self._fingerprint = fingerprint
        return (
            fingerprint is not None
            and self.holds is not False
            and self._limit > 0
            and self._readable
        )

    def find(self, ids: list[int], recorded: bool = True) -> tuple[Any, Any, int] | None:
        """Find what begins like `ids`: what was recorded, a cache to go on with, and how far.

        Where all of `ids` was read, only what was recorded is of use.
        """
        shared = [
            (common(kept.ids, ids), place, kept)
            for place, kept in enumerate(self._kept)
            if kept.forward is not None or not recorded
        ]
        count, _, best = max(shared, default=(0, 0, None))
        if best is None or not count:
            return None
        self._kept.remove(best)
        self._kept.append(best)
        return best.forward, cropped(best.cache, count), count

    def keep(
        self, ids: list[int], tensors: Iterable[torch.Tensor], cache: Any, forward: Forward | None
    ) -> None:
        """Keep what `ids` left behind, in place of what is a part of it, but for a few tokens."""
        for kept in [k for k in self._kept if common(k.ids, ids) >= len(k.ids) - _SPARED]:
            if forward is not None or kept.forward is None:
                self._drop(kept)
        memory = {
            storage.data_ptr(): storage.nbytes()
            for tensor in (*tensors, *_tensors(cache))
            for storage in [tensor.untyped_storage()]
        }
        self._kept.append(_Kept(ids, cache, forward, memory))
        for address, size in memory.items():
            self.size += 0 if self._memory[address] else size
            self._memory[address] += 1
        self._shrink()

    def clear(self) -> None:
        """Keep nothing."""
        self._kept.clear()
        self._memory.clear()
        self.size = 0

    def empty(self) -> Any:
        """Make a cache for a text that nothing is known of."""
        from transformers import DynamicCache

        cache = DynamicCache(config=self._model.config.get_text_config(decoder=True))
        keep_all(cache)
        return cache

    def ids(self, ids: list[int]) -> torch.Tensor:
        """Give ids (1, positions) as the model takes them."""
        import torch

        return torch.tensor([ids], device=main_device(self._model))

    def inputs(self, ids: list[int], cache: Any, kept: int) -> dict[str, Any]:
        """Give what the model needs to read on behind `kept` ids, as `generate` gives it."""
        import torch

        tensor = self.ids(ids)
        more: dict[str, Any] = {"use_cache": True}
        if self._takes_positions:
            more["position_ids"] = torch.arange(len(ids), device=tensor.device)[None]
        inputs: dict[str, Any] = self._model.prepare_inputs_for_generation(
            tensor,
            next_sequence_length=len(ids) - kept,
            past_key_values=cache,
            attention_mask=None,
            **more,
        )
        return inputs

    @cached_property
    def _takes_positions(self) -> bool:
        return "position_ids" in inspect.signature(self._model.forward).parameters

    @cached_property
    def _readable(self) -> bool:
        """Whether the model reads from left to right, with a cache that can be cut anywhere."""
        model = self._model
        if getattr(model.config, "is_encoder_decoder", False):
            return False
        if not getattr(model, "can_generate", lambda: False)():
            return False
        accepts = inspect.signature(model.forward).parameters
        supports = getattr(model, "_supports_default_dynamic_cache", lambda: False)()
        if not supports or "past_key_values" not in accepts or _rope_moves(model.config):
            return False
        return croppable(self.empty())

    def _shrink(self) -> None:
        while self._kept and self.size > self._limit:
            self._drop(self._kept[0])

    def _drop(self, kept: _Kept) -> None:
        self._kept.remove(kept)
        for address, size in kept.memory.items():
            self._memory[address] -= 1
            if not self._memory[address]:
                del self._memory[address]
                self.size -= size


def _rope_moves(config: Any) -> bool:
    """Whether rotary frequencies change with the length of the text, so that old keys are wrong."""
    found = [getattr(config.get_text_config(), "rope_parameters", None)]
    while found:
        item = found.pop()
        if isinstance(item, dict):
            if item.get("rope_type") in ("dynamic", "longrope"):
                return True
            found += item.values()
    return False


def _tensors(cache: Any) -> list[torch.Tensor]:
    import torch

    return [
        item
        for layer in _decoder(cache).layers
        for item in (layer.keys, layer.values)
        if isinstance(item, torch.Tensor)
    ]


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """Count the ids that two texts begin with together."""
    shorter = min(len(one), len(other))
    if one[:shorter] == other[:shorter]:
        return shorter
    return next(i for i in range(shorter) if one[i] != other[i])


def croppable(cache: Any) -> bool:
    """Tell whether `cropped` can cut a cache anywhere."""
    from transformers import cache_utils as kinds

    if type(cache) is kinds.EncoderDecoderCache:
        return croppable(cache.self_attention_cache)
    layers = (kinds.DynamicLayer, kinds.DynamicSlidingWindowLayer, kinds.DummyLayer)
    if type(cache) is not kinds.DynamicCache or getattr(cache, "offloading", False):
        return False
    return all(type(layer) in layers for layer in cache.layers)


def keep_all(cache: Any) -> None:
    """Let the sliding layers of an empty cache keep what slides out, for `cropped` to go back to.

    Attention sees the same as before. Other kinds of cache stay as they are.
    """
    if croppable(cache):
        _decoder(cache).activate_past_recording()


def cropped(cache: Any, length: int) -> Any | None:
    """Give a cache of the first `length` tokens, which shares the memory of `cache`.

    `None` where that can't be right: recurrent states, quantised or static caches, and sliding
    layers that have let go of what is needed.
    """
    if not croppable(cache):
        return None
    short = copy.copy(_decoder(cache))
    short.layers = [_cropped_layer(layer, length) for layer in short.layers]
    if None in short.layers:
        return None
    if _decoder(cache) is cache:
        return short
    pair = copy.copy(cache)
    pair.self_attention_cache = short
    pair.is_updated = dict(cache.is_updated)
    return pair


def _decoder(cache: Any) -> Any:
    return getattr(cache, "self_attention_cache", cache)


def _cropped_layer(layer: Any, length: int) -> Any | None:
    short = copy.copy(layer)
    if not getattr(layer, "is_initialized", False):
        return short
    if getattr(layer, "is_sliding", False):
        if layer.keys.shape[-2] < layer.cumulative_length:
            return None
        short.cumulative_length = length
    short.keys = layer.keys[..., :length, :]
    short.values = layer.values[..., :length, :]
    return short
