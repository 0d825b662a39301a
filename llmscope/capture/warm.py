"""Prefixes that a model has read already, kept so that an edit costs what it changed."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """Count the ids that two texts begin with together."""
    shorter = min(len(one), len(other))
    if one[:shorter] == other[:shorter]:
        return shorter
    return next(i for i in range(shorter) if one[i] != other[i])


def _croppable(cache: Any) -> bool:
    from transformers import cache_utils as kinds

    if type(cache) is kinds.EncoderDecoderCache:
        return _croppable(cache.self_attention_cache)
    layers = (kinds.DynamicLayer, kinds.DynamicSlidingWindowLayer, kinds.DummyLayer)
    return type(cache) is kinds.DynamicCache and all(type(x) in layers for x in cache.layers)


def keep_all(cache: Any) -> None:
    """Let the sliding layers of an empty cache keep what slides out, for `cropped` to go back to.

    Attention sees the same as before. Other kinds of cache stay as they are.
    """
    if cache is not None and _croppable(cache):
        _decoder(cache).activate_past_recording()


def cropped(cache: Any, length: int) -> Any | None:
    """Give a cache of the first `length` tokens, which shares the memory of `cache`.

    `None` where that can't be right: recurrent states, quantised or static caches, and sliding
    layers that have let go of what is needed.
    """
    if cache is None or not _croppable(cache):
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
