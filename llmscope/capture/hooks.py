"""Listen to the modules of one model and to its attention functions, in one thread."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from llmscope.capture.cancel import Cancel, Cancelled
from llmscope.capture.modules import modules_of
from llmscope.capture.undo import Changes
from llmscope.capture.wrappers import with_own_weights

if TYPE_CHECKING:
    import torch
    from torch import nn

    from llmscope.capture.reweighing import Reweighing

INTERFACE = "ALL_ATTENTION_FUNCTIONS"


# ── hooks of modules ─────────────────────────────────────────────────────────────────────────────


def before_forward(
    module: nn.Module, changes: Changes, hook: Callable[..., Any], *, first: bool = False
) -> None:
    """Call `hook(module, args, kwargs)` before each forward of `module` in this thread.

    What it returns, unless `None`, takes the place of args and kwargs. `first` calls it before
    all other hooks.
    """
    marked = [module._forward_pre_hooks_with_kwargs]
    _register(module._forward_pre_hooks, marked, changes, hook, first)


def after_forward(
    module: nn.Module, changes: Changes, hook: Callable[..., Any], *, first: bool = False
) -> None:
    """Call `hook(module, args, kwargs, output)` after each forward of `module` in this thread.

    What it returns, unless `None`, takes the place of the output. `first` calls it before all
    other hooks.
    """
    marked = [module._forward_hooks_with_kwargs, module._forward_hooks_always_called]
    _register(module._forward_hooks, marked, changes, hook, first)


def _register(
    hooks: Any, marked: list[Any], changes: Changes, hook: Callable[..., Any], first: bool
) -> None:
    from torch.utils.hooks import RemovableHandle

    thread = threading.get_ident()

    def in_this_thread(*given: Any) -> Any:
        return hook(*given) if threading.get_ident() == thread else None

    # As `register_forward_hook` does, but its handle exists before the hook does.
    handle = RemovableHandle(hooks, extra_dict=marked)
    changes.undo_by(handle.remove)
    marked[0][handle.id] = True
    hooks[handle.id] = in_this_thread
    if first:
        hooks.move_to_end(handle.id, last=False)


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
    reweighing
        What is changed of its weights, where that is.
    """

    module: nn.Module
    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    mask: torch.Tensor | None
    kwargs: dict[str, Any]
    eager: Callable[..., Any]
    during: nn.Module
    reweighing: Reweighing | None = None

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


class AttentionEditor(Protocol):
    """Changes what attention functions return to some modules, in one thread."""

    modules: set[int]

    def begun(self, call: AttentionCall) -> AttentionCall:
        """Return a call that begins, with what will be changed of its weights."""

    def ended(self, call: AttentionCall, output: Any) -> Any:
        """Return what the attention function is to return instead of `output`."""


_thread = threading.local()  # .recorder, .editor: those that are at work in this thread
_guard = threading.Lock()
_users: dict[str, set[object]] = {}  # of the proxy in each modelling module


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
    _listen(model, changes, "recorder", recorder)
    return recorder.calls


def edit_attention(model: nn.Module, changes: Changes, editor: AttentionEditor | None) -> None:
    """Let `editor` change what attention functions return to `model` in this thread.

    Without one, nothing is changed meanwhile, whoever changes it outside.
    """
    _listen(model, changes, "editor", editor)


def _listen(model: nn.Module, changes: Changes, role: str, listener: object | None) -> None:
    """Give a listener its role in this thread, until `changes` are undone."""
    outer = getattr(_thread, role, None)
    names = _modelling_modules(model) if listener is not None else set()

    def undo() -> None:
        setattr(_thread, role, outer)
        for name in names:
            _remove_proxy(name, listener)

    changes.undo_by(undo)
    for name in names:
        _install_proxy(name, listener)
    setattr(_thread, role, listener)


def _recorded(function: Callable[..., Any], eager: Callable[..., Any]) -> Callable[..., Any]:
    """Return the attention function `function`, heard where this thread records or edits."""
    recorder: _Recorder | None = getattr(_thread, "recorder", None)
    editor: AttentionEditor | None = getattr(_thread, "editor", None)
    if recorder is None and editor is None:
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
        records = recorder is not None and id(module) in recorder.modules
        edits = editor is not None and id(module) in editor.modules
        if recorder is not None and records and recorder.cancelled():
            raise Cancelled
        if records or edits:
            kept = {name: item for name, item in kwargs.items() if "cache" not in name}
            kept.pop("past_key_values", None)
            given = (query, key, value, attention_mask, kept, eager)
            made = AttentionCall(module, *given, with_own_weights(module))
        if editor is not None and edits:
            made = editor.begun(made)
        if recorder is not None and records:
            before = recorder.calls[-1] if recorder.calls else None
            # DiffLlama mixes two sets of values by the same weights.
            if before is None or before.query is not query or before.key is not key:
                recorder.calls.append(made)
        output = function(module, query, key, value, attention_mask, *args, **kwargs)
        return editor.ended(made, output) if editor is not None and edits else output

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


def _install_proxy(name: str, user: object) -> None:
    module = sys.modules[name]
    with _guard:
        _users.setdefault(name, set()).add(user)
        interface = getattr(module, INTERFACE)
        if not hasattr(interface, "original"):
            setattr(module, INTERFACE, _proxy(interface))


def _remove_proxy(name: str, user: object) -> None:
    module = sys.modules[name]
    with _guard:
        users = _users.setdefault(name, set())
        users.discard(user)
        interface = getattr(module, INTERFACE)
        if not users and hasattr(interface, "original"):
            setattr(module, INTERFACE, interface.original)
