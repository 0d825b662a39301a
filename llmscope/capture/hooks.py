"""Listen to the modules of one model and to its attention functions, in one thread."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llmscope.capture.cancel import Cancel, Cancelled
from llmscope.capture.modules import modules_of
from llmscope.capture.undo import Changes
from llmscope.capture.wrappers import with_own_weights

if TYPE_CHECKING:
    import torch
    from torch import nn

INTERFACE = "ALL_ATTENTION_FUNCTIONS"


# ── hooks of modules ─────────────────────────────────────────────────────────────────────────────


def before_forward(module: nn.Module, changes: Changes, hook: Callable[..., None]) -> None:
    """Call `hook(module, args, kwargs)` before each forward of `module` in this thread."""
    marked = [module._forward_pre_hooks_with_kwargs]
    _register(module._forward_pre_hooks, marked, changes, hook)


def after_forward(module: nn.Module, changes: Changes, hook: Callable[..., None]) -> None:
    """Call `hook(module, args, kwargs, output)` after each forward of `module` in this thread."""
    marked = [module._forward_hooks_with_kwargs, module._forward_hooks_always_called]
    _register(module._forward_hooks, marked, changes, hook)


def _register(
    hooks: dict[int, Any], marked: list[Any], changes: Changes, hook: Callable[..., None]
) -> None:
    from torch.utils.hooks import RemovableHandle

    thread = threading.get_ident()

    def in_this_thread(*given: Any) -> None:
        if threading.get_ident() == thread:
            hook(*given)

    # As `register_forward_hook` does, but its handle exists before the hook does.
    handle = RemovableHandle(hooks, extra_dict=marked)
    changes.undo_by(handle.remove)
    marked[0][handle.id] = True
    hooks[handle.id] = in_this_thread


def drop_capturing_hooks(model: nn.Module, changes: Changes) -> None:
    """Remove, when `changes` are undone, the hooks that transformers installs until then.

    It installs them when it is asked for hidden states or attentions for the first time, and never
    removes them. Hooks of anybody else stay.
    """
    flag = "_output_capturing_hooks_installed"
    modules = modules_of(model)
    before = {module: set(module._forward_hooks) for module in modules}
    flagged = {module for module in modules if flag in module.__dict__}

    def undo() -> None:
        for module, known in before.items():
            for number, hook in list(module._forward_hooks.items()):
                if number not in known and is_capturing(hook):
                    module._forward_hooks.pop(number, None)
            if module not in flagged:
                module.__dict__.pop(flag, None)

    changes.undo_by(undo)


def is_capturing(hook: Callable[..., Any]) -> bool:
    """Return whether transformers installed a hook."""
    return getattr(hook, "__module__", "").startswith("transformers.")


# ── attention functions ──────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class AttentionCall:
    """One call of an attention function.

    Attributes
    ----------
    module
        The attention module that called.
    query, key, value
        (1, heads, queries, head size), (1, KV heads, keys, head size) and
        (1, KV heads, keys, value size).
    mask
        (1, 1 or heads, queries, keys), boolean (True: attend) or additive; `None` without one.
    kwargs
        What else the function was called with, but for caches.
    eager
        The eager attention function of the module's own modelling code.
    during
        The module with the weights that it had in the call.
    """

    module: nn.Module
    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    mask: torch.Tensor | None
    kwargs: dict[str, Any]
    eager: Callable[..., Any]
    during: nn.Module

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Query heads, key-value heads, queries, keys."""
        (_, heads, queries, _), (_, kv_heads, keys, _) = self.query.shape, self.key.shape
        return heads, kv_heads, queries, keys


@dataclass(eq=False)
class _Recorder:
    """Records the attention calls that one thread makes through some modules."""

    modules: set[int]
    calls: list[AttentionCall]
    cancelled: Cancel


_thread = threading.local()  # .recorder: the one that is at work in this thread
_guard = threading.Lock()
_users: dict[str, set[_Recorder]] = {}  # of the proxy in each modelling module


def record_attention(model: nn.Module, changes: Changes, cancelled: Cancel) -> list[AttentionCall]:
    """Record the attention calls that this thread makes through `model`.

    The model, its configuration and its choice of attention function stay as they are: only the
    name that modelling code looks the function up in is wrapped, until `changes` are undone.
    Other threads and other models pass through untouched.

    Parameters
    ----------
    model
        The model whose attention modules are recorded.
    changes
        Where the undo is registered.
    cancelled
        Asked before each attention; once it returns True, the pass ends with `Cancelled`.

    Returns
    -------
    list of AttentionCall
        Empty at first; calls are appended in the order in which they are made.
    """
    recorder = _Recorder({id(m) for m in modules_of(model)}, [], cancelled)
    outer: _Recorder | None = getattr(_thread, "recorder", None)

    def undo() -> None:
        _thread.recorder = outer
        for name in names:
            _remove_proxy(name, recorder)

    names = _modelling_modules(model)
    changes.undo_by(undo)
    for name in names:
        _install_proxy(name, recorder)
    _thread.recorder = recorder
    return recorder.calls


def _recorded(function: Callable[..., Any], eager: Callable[..., Any]) -> Callable[..., Any]:
    """Return the attention function `function`, recorded where this thread records."""
    recorder: _Recorder | None = getattr(_thread, "recorder", None)
    if recorder is None:
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
        if id(module) in recorder.modules:
            if recorder.cancelled():
                raise Cancelled
            kept = {name: item for name, item in kwargs.items() if "cache" not in name}
            kept.pop("past_key_values", None)
            before = recorder.calls[-1] if recorder.calls else None
            # DiffLlama mixes two sets of values by the same weights.
            if before is None or before.query is not query or before.key is not key:
                given = (query, key, value, attention_mask, kept, eager)
                recorder.calls.append(AttentionCall(module, *given, with_own_weights(module)))
        return function(module, query, key, value, attention_mask, *args, **kwargs)

    return call


def _proxy(interface: Any) -> Any:
    """Return all that `interface` is, but its `get_interface` returns functions that record."""

    class Recorded(type(interface)):  # type: ignore[misc]
        original = interface

        def get_interface(self, name: str, default: Callable[..., Any]) -> Callable[..., Any]:
            return _recorded(interface.get_interface(name, default), default)

    proxy = object.__new__(Recorded)
    proxy.__dict__ = interface.__dict__
    return proxy


def _modelling_modules(model: nn.Module) -> set[str]:
    """Return names of the Python modules in which `model` looks up attention functions."""
    kinds = {type(module) for module in modules_of(model)}
    names = {cls.__module__ for kind in kinds for cls in kind.__mro__}
    return {name for name in names if hasattr(sys.modules.get(name), INTERFACE)}


def _install_proxy(name: str, user: _Recorder) -> None:
    module = sys.modules[name]
    with _guard:
        _users.setdefault(name, set()).add(user)
        interface = getattr(module, INTERFACE)
        if not hasattr(interface, "original"):
            setattr(module, INTERFACE, _proxy(interface))


def _remove_proxy(name: str, user: _Recorder) -> None:
    module = sys.modules[name]
    with _guard:
        users = _users.setdefault(name, set())
        users.discard(user)
        interface = getattr(module, INTERFACE)
        if not users and hasattr(interface, "original"):
            setattr(module, INTERFACE, interface.original)
