"""The tap: what the attention modules of one model are called with, in one thread."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from llmscope.capture.modules import modules_of
from llmscope.capture.wrappers import with_own_weights

if TYPE_CHECKING:
    import torch
    from torch import nn

INTERFACE = "ALL_ATTENTION_FUNCTIONS"


class Cancelled(Exception):
    """The forward pass was abandoned because nobody waits for it any more."""


@dataclass(frozen=True)
class Call:
    """One call of an attention function."""

    module: nn.Module
    query: torch.Tensor  # (1, heads, queries, head size)
    key: torch.Tensor  # (1, KV heads, keys, head size)
    value: torch.Tensor  # (1, KV heads, keys, value size)
    mask: torch.Tensor | None  # boolean (True: attend) or additive, (1, 1 or heads, queries, keys)
    kwargs: dict[str, Any]
    eager: Callable[..., Any]  # the modelling module's own eager function
    during: nn.Module  # the module with the weights that it had in the call

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Query heads, key-value heads, queries, keys."""
        (_, heads, queries, _), (_, kv_heads, keys, _) = self.query.shape, self.key.shape
        return heads, kv_heads, queries, keys


@dataclass
class _Recording:
    modules: set[int]
    calls: list[Call]
    cancelled: Callable[[], bool]


_recording = threading.local()
_lock = threading.Lock()
_proxied: dict[str, tuple[Any, int]] = {}  # modelling module: its own interface, taps in place


def _recorded(function: Callable[..., Any], eager: Callable[..., Any]) -> Callable[..., Any]:
    recording: _Recording | None = getattr(_recording, "current", None)
    if recording is None:
        return function

    def call(
        module: nn.Module,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        if id(module) in recording.modules:
            if recording.cancelled():
                raise Cancelled
            kept = {name: item for name, item in kwargs.items() if "cache" not in name}
            kept.pop("past_key_values", None)
            before = recording.calls[-1] if recording.calls else None
            # DiffLlama mixes two sets of values by the same weights.
            if before is None or before.query is not query or before.key is not key:
                given = (query, key, value, attention_mask, kept, eager)
                recording.calls.append(Call(module, *given, with_own_weights(module)))
        return function(module, query, key, value, attention_mask, *args, **kwargs)

    return call


def _proxy(interface: Any) -> Any:
    """Everything that `interface` is, but `get_interface` hands out functions that record."""

    class Tapped(type(interface)):  # type: ignore[misc]
        def get_interface(self, name: str, default: Callable[..., Any]) -> Callable[..., Any]:
            return _recorded(interface.get_interface(name, default), default)

    proxy = object.__new__(Tapped)
    proxy.__dict__ = interface.__dict__
    return proxy


def _modelling_modules(model: nn.Module) -> set[str]:
    kinds = {type(module) for module in modules_of(model)}
    names = {cls.__module__ for kind in kinds for cls in kind.__mro__}
    return {name for name in names if hasattr(sys.modules.get(name), INTERFACE)}


def _install(name: str) -> None:
    module: ModuleType = sys.modules[name]
    with _lock:
        interface, taps = _proxied.get(name, (getattr(module, INTERFACE), 0))
        if taps == 0:
            setattr(module, INTERFACE, _proxy(interface))
        _proxied[name] = (interface, taps + 1)


def _remove(name: str) -> None:
    with _lock:
        interface, taps = _proxied.pop(name)
        if taps > 1:
            _proxied[name] = (interface, taps - 1)
        else:
            setattr(sys.modules[name], INTERFACE, interface)


@contextmanager
def tap(model: nn.Module, cancelled: Callable[[], bool] = lambda: False) -> Iterator[list[Call]]:
    """Record the attention calls that this thread makes through `model`.

    The model, its configuration and its choice of attention function stay as they are: only the
    name that modelling code looks the function up in is wrapped, for as long as the block runs.
    Other threads and other models pass through untouched.

    Parameters
    ----------
    model
        The model whose attention modules are listened to.
    cancelled
        Asked before each attention; once it says True, the pass ends with `Cancelled`.

    Yields
    ------
    The calls, in the order in which they were made.
    """
    calls: list[Call] = []
    outer = getattr(_recording, "current", None)
    installed: list[str] = []
    try:
        for name in _modelling_modules(model):
            _install(name)
            installed.append(name)
        _recording.current = _Recording({id(m) for m in modules_of(model)}, calls, cancelled)
        yield calls
    finally:
        _recording.current = outer
        for name in installed:
            _remove(name)
