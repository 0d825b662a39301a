"""Prefix cache: keys and values of recent texts, so that an edit costs what it changed."""

from __future__ import annotations

import copy
import inspect
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from llmscope.capture.cache_argument import cache_argument
from llmscope.capture.wrappers import main_device

if TYPE_CHECKING:
    import torch
    from torch import nn

    from llmscope.capture.forward_pass import ForwardPass

LIMIT = 2**30  # bytes, at first
_SPARED = 8  # tokens: a shorter end is computed again rather than cached separately
_log = logging.getLogger(__name__)
_person: ContextVar[str] = ContextVar("_person", default="")


Storage = tuple[int, int]  # address, bytes


@contextmanager
def kept_for(person: str) -> Iterator[None]:
    """Count what is cached in this block as a person's, where several share a model."""
    before = _person.set(person)
    try:
        yield
    finally:
        _person.reset(before)


class _Entry:
    def __init__(self, ids: list[int], cache: Any, forward: ForwardPass | None) -> None:
        self.person = _person.get()
        self.ids = ids
        self.cache = cache
        self.forward = forward
        self._counted_at = -1  # joins of the pass when its memory was counted
        self._memory: frozenset[Storage] = frozenset()

    @property
    def memory(self) -> frozenset[Storage]:
        """What it holds now: reading a trace joins what was recorded in pieces."""
        joins = 0 if self.forward is None else self.forward.joins
        if joins != self._counted_at:
            recorded = [] if self.forward is None else self.forward.tensors()
            storages = [item.untyped_storage() for item in (*recorded, *_tensors(self.cache))]
            self._memory = frozenset((item.data_ptr(), item.nbytes()) for item in storages)
            self._counted_at = joins
        return self._memory


class Found(NamedTuple):
    """What is cached of the beginning of a text.

    Attributes
    ----------
    ids, forward
        A text with the same beginning, and what was recorded of it.
    cache
        Keys and values of the shared tokens; `None` where they can't be cropped.
    shared
        Number of shared tokens.
    """

    ids: list[int]
    forward: ForwardPass | None
    cache: Any
    shared: int


class PrefixCache:
    """Recent texts of one model: caches of keys and values, and what was recorded with them.

    For the thread that holds the model's lock.

    Attributes
    ----------
    limit
        Most bytes to keep; of whoever holds most, the entry that was not used for longest goes
        first.
    size
        Bytes kept. Traces that still exist share most of them.
    works
        Whether a pass that continued from a cache was found to equal a whole one; `None` until it
        was tried.
    """

    def __init__(self, model: nn.Module) -> None:
        self.works: bool | None = None
        self._model: Any = model
        self._limit = LIMIT
        self._entries: list[_Entry] = []  # the one used last is the last
        self._key: int | None = None

    @property
    def size(self) -> int:
        """Bytes kept, counted anew."""
        return _bytes(frozenset().union(*[entry.memory for entry in [*self._entries]]))

    @property
    def limit(self) -> int:
        """Most bytes to keep."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        self._limit = limit
        self._shrink()

    def ready(self, key: int | None) -> bool:
        """Clear what is cached of another state of the model than `key`.

        Returns
        -------
        bool
            False where nothing may be cached: `ModelState.key` tells why.
        """
        if key != self._key:
            self.clear()
            self._key = key
        return key is not None and self.works is not False and self._limit > 0 and self.is_possible

    def find(self, ids: list[int], recorded: bool = True) -> Found | None:
        """Find the entry that shares the longest prefix with `ids`."""
        shared = [
            (common(entry.ids, ids), place, entry)
            for place, entry in enumerate(self._entries)
            if entry.forward is not None or not recorded
        ]
        count, _, best = max(shared, default=(0, 0, None))
        if best is None or not count:
            return None
        self._entries.remove(best)
        self._entries.append(best)
        return Found(best.ids, best.forward, cropped(best.cache, count), count)

    def keep(
        self,
        ids: list[int],
        cache: Any,
        forward: ForwardPass | None = None,
    ) -> None:
        """Keep what was recorded of `ids`, in place of entries that are nearly parts of it."""
        for entry in [e for e in self._entries if common(e.ids, ids) >= len(e.ids) - _SPARED]:
            if forward is not None or entry.forward is None:
                self._entries.remove(entry)
        self._entries.append(_Entry(ids, cache, forward))
        self._shrink()

    def clear(self) -> None:
        """Keep nothing, and try again what was found not to work."""
        self._entries.clear()
        self.works = self.works or None

    def refuse(self, why: str) -> None:
        """Keep nothing from now on, until `clear` lets it be tried again."""
        self.clear()
        self.works = False
        _log.warning(
            "llmscope computes each text of %s whole from now on: %s. scope.forget() lets it try "
            "again to continue from what is cached.",
            type(self._model).__name__,
            why,
        )

    def empty(self) -> Any:
        """Return an empty cache for a new text."""
        from transformers import DynamicCache

        cache = DynamicCache(config=self._model.config.get_text_config(decoder=True))
        keep_all(cache)
        return cache

    def ids(self, ids: list[int]) -> torch.Tensor:
        """Return ids (1, positions) as the model takes them."""
        import torch

        return torch.tensor([ids], device=main_device(self._model))

    def inputs(self, ids: list[int], cache: Any, kept: int) -> dict[str, Any]:
        """Return the model's inputs to continue after `kept` of `ids`, as `generate` makes them."""
        import torch

        tensor = self.ids(ids)
        more: dict[str, Any] = {"use_cache": True}
        if self._takes_positions:
            more["position_ids"] = torch.arange(len(ids), device=tensor.device)[None]
        inputs: dict[str, Any] = self._model.prepare_inputs_for_generation(
            tensor,
            next_sequence_length=len(ids) - kept,
            attention_mask=None,
            **{cache_argument(): cache},
            **more,
        )
        return inputs

    @cached_property
    def _takes_positions(self) -> bool:
        return "position_ids" in inspect.signature(self._model.forward).parameters

    @cached_property
    def is_possible(self) -> bool:
        """Whether the model is causal, with a cache that can be cropped anywhere."""
        model = self._model
        if getattr(model.config, "is_encoder_decoder", False):
            return False
        if not getattr(model, "can_generate", lambda: False)():
            return False
        accepts = inspect.signature(model.forward).parameters
        supports = getattr(model, "_supports_default_dynamic_cache", lambda: False)()
        if not supports or cache_argument() not in accepts or _rope_moves(model.config):
            return False
        if getattr(model.config, "attention_type", None) == "block_sparse":
            return False  # BigBird changes to another attention, for good, once it gets a cache
        try:
            return croppable(self.empty())
        except AttributeError:  # a configuration without layers, such as BLT's
            return False

    def _shrink(self) -> None:
        """Drop entries until the limit is kept: of whoever holds most, what was used first."""
        if sum(_bytes(entry.memory) for entry in self._entries) <= self._limit:
            return  # even if none shared memory
        uses = Counter(item for entry in self._entries for item in entry.memory)
        own = Counter((entry.person, item) for entry in self._entries for item in entry.memory)
        size = _bytes(uses)
        held: Counter[str] = Counter()
        for person, item in own:
            held[person] += item[1]
        while size > self._limit and self._entries:
            most = max(held, key=held.__getitem__)
            entry = next(entry for entry in self._entries if entry.person == most)
            self._entries.remove(entry)
            for item in entry.memory:
                uses[item] -= 1
                own[most, item] -= 1
                size -= 0 if uses[item] else item[1]
                held[most] -= 0 if own[most, item] else item[1]


def _rope_moves(config: Any) -> bool:
    """Return whether rotary frequencies depend on the length, so that cached keys get wrong."""
    found = [getattr(config.get_text_config(), "rope_parameters", None)]
    while found:
        item = found.pop()
        if isinstance(item, dict):
            if item.get("rope_type") in ("dynamic", "longrope"):
                return True
            found += item.values()
    return False


def _bytes(memory: Iterable[Storage]) -> int:
    return sum(size for _, size in memory)


def _tensors(cache: Any) -> list[torch.Tensor]:
    import torch

    return [
        item
        for layer in _decoder(cache).layers
        for item in vars(layer).values()
        if isinstance(item, torch.Tensor)
    ]


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """Return the length of the longest common prefix."""
    shorter = min(len(one), len(other))
    if one[:shorter] == other[:shorter]:
        return shorter
    return next(i for i in range(shorter) if one[i] != other[i])


def croppable(cache: Any) -> bool:
    """Return whether `cropped` can crop a cache anywhere."""
    from transformers import cache_utils as kinds

    if type(cache) is kinds.EncoderDecoderCache:
        return croppable(cache.self_attention_cache)
    layers: list[type] = [kinds.DynamicLayer, kinds.DynamicSlidingWindowLayer]
    if hasattr(kinds, "DummyLayer"):  # since transformers 5.23: of a layer without attention
        layers.append(kinds.DummyLayer)
    if type(cache) is not kinds.DynamicCache or getattr(cache, "offloading", False):
        return False
    return all(type(layer) in layers for layer in cache.layers)


def keep_all(cache: Any) -> None:
    """Keep entries evicted from the sliding window, so that the cache can be cropped later.

    For an empty cache. Attention sees the same as before. Other kinds of cache are not changed.
    """
    if croppable(cache):
        _decoder(cache).activate_past_recording()


def cropped(cache: Any, length: int) -> Any | None:
    """Return a cache of the first `length` tokens, which shares the memory of `cache`.

    `None` where that would be wrong: recurrent states, quantised or static caches, and sliding
    layers that have evicted what is needed.
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
