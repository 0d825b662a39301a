"""Notice when a model was changed, so that nothing is read of two models at once.

What counts is everything that a pass depends on and that can be looked up quickly: parameters and
buffers (by PyTorch's own count of writes), which modules there are, their numbers (epsilons,
scalings) and functions, hooks, a `forward` that was replaced on a module or its class, and the
state of adapters. Not counted is a write that PyTorch doesn't count either: through `.data`, or
through numpy.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable, Iterable
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, NamedTuple

from llmscope.capture.modules import modules_of
from llmscope.capture.wrappers import adapters

if TYPE_CHECKING:
    import torch
    from torch import nn

_PLAIN = (int, float, bool, str, complex, type(None))
_FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodType, partial)
_CONTAINERS = (dict, list, set, tuple)
_IGNORED = {"training", "gradient_checkpointing"}  # a pass runs in evaluation mode
_DEPTH = 3  # of containers in containers

Part = tuple[Any, ...]


class ModelState(NamedTuple):
    """What a model was at one moment.

    Attributes
    ----------
    number
        Equal for equal states, another for others; hooks are not part of it.
    hooks
        The same for the user's hooks: what was recorded stays true without them, but running the
        model again would not repeat it.
    key
        For what may be kept of a pass: depends on the configuration too, and is `None` where
        hooks of the user's are called, which may do another thing each time.
    parts
        For each module: its serial number, tensors and attributes.
    """

    number: int
    hooks: int
    key: int | None
    parts: tuple[Part, ...]


class ModelVersion:
    """Numbers the states of a model."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._known: dict[int, _Known] = {}  # by id of the module
        self._serials = itertools.count()
        self._written: set[tuple[int, str]] = set()  # attributes that passes write themselves
        self._guard = threading.Lock()

    def number(self) -> int:
        """Return the number of the model's state now."""
        return self.state().number

    def state(self) -> ModelState:
        """Return the model's state now."""
        modules = modules_of(self._model)
        with self._guard:
            parts = tuple(map(self._part, modules))
            hooks = tuple(hook for module in modules for hook in _foreign(module))
            if len(self._known) > len(modules):
                self._forget_values({id(module) for module in modules})
        kinds: dict[Any, None] = dict.fromkeys(map(type, modules))
        forwards = tuple(kind.forward for kind in kinds)
        number = hash((adapters(self._model), forwards, parts))
        key = None if hooks else hash((number, *_settings(self._model.config)))
        return ModelState(number, hash(hooks), key, parts)

    def after_pass(self, before: ModelState) -> ModelState | None:
        """Return the state after a pass, or `None` where the pass changed weights.

        Attributes that the pass itself wrote, such as the longest text so far, don't count from
        then on.
        """
        after = self.state()
        if after.number == before.number or len(after.parts) != len(before.parts):
            return after
        for (serial, *old), (_, *new) in zip(before.parts, after.parts, strict=True):
            if old[0] != new[0]:
                return None
            self._written |= {(serial, name) for name, _ in set(old[1]) ^ set(new[1])}
        return self.state()

    def _part(self, module: nn.Module) -> Part:
        known = self._known.get(id(module))
        if known is None or known.ref() is not module:
            known = self._known[id(module)] = _Known(module, next(self._serials))
        serial = known.serial
        values = known.values(module)
        buffers = module._buffers
        if buffers:
            values += tuple(
                (name, version_of(item)) for name, item in buffers.items() if item is not None
            )
        if self._written:
            values = tuple(pair for pair in values if (serial, pair[0]) not in self._written)
        tensors = tuple(
            version_of(item) for item in module._parameters.values() if item is not None
        )
        return serial, tensors, values

    def _forget_values(self, present: set[int]) -> None:
        """Keep of modules that left the model their serial numbers alone."""
        for place, known in list(self._known.items()):
            if place not in present:
                known.forget()
                if known.ref() is None:
                    del self._known[place]


class _Known:
    """What is known of one module: a number of its own, and its attributes when last seen.

    Attributes are looked through only when one of them is another object than before. The old
    ones are held until then, so that no new object can be at their address.
    """

    def __init__(self, module: nn.Module, serial: int) -> None:
        self.ref = weakref.ref(module)
        self.serial = serial
        self.forget()

    def forget(self) -> None:
        self._ids: tuple[int, ...] = ()
        self._fixed: Part = ()
        self._mutable: list[str] = []

    def values(self, module: nn.Module) -> Part:
        """Return pairs (name, value) of the module's own attributes."""
        attributes = module.__dict__
        ids = tuple(map(id, attributes.values()))
        if ids != self._ids:
            self._look(attributes)
            self._ids = ids
        if not self._mutable:
            return self._fixed
        return self._fixed + tuple((name, _frozen(attributes[name])) for name in self._mutable)

    def _look(self, attributes: dict[str, Any]) -> None:
        fixed: list[tuple[str, Any]] = []
        self._mutable = []
        for name, item in attributes.items():
            if name.startswith("_") or name in _IGNORED:
                continue
            if isinstance(item, _PLAIN):
                fixed.append((name, item))
            elif isinstance(item, _FUNCTIONS):
                function = _function(item)
                if function is not None and not _only_generates(name):
                    fixed.append((name, function))
            elif isinstance(item, _CONTAINERS) or hasattr(item, "data_ptr"):
                self._mutable.append(name)
        self._fixed = tuple(fixed)


def version_of(tensor: torch.Tensor) -> tuple[int, int]:
    """Return where a tensor is stored, and PyTorch's count of the writes to it."""
    if tensor.device.type == "meta":  # on a disk, and loaded when it is needed
        return 0, 0
    # What represents a quantiser's packed numbers has no address of its own.
    place = tensor.data_ptr() or id(tensor)
    return place, 0 if tensor.is_inference() else tensor._version


_OWN = ("transformers.", "llmscope.capture.")


def _foreign(module: nn.Module) -> Iterable[Callable[..., Any]]:
    """Return the hooks of a module that are neither transformers' nor our own."""
    if not module._forward_hooks and not module._forward_pre_hooks:
        return ()
    hooks = [*module._forward_hooks.values(), *module._forward_pre_hooks.values()]
    return [hook for hook in hooks if not getattr(hook, "__module__", "").startswith(_OWN)]


def _settings(config: Any) -> Iterable[Any]:
    """Return the settings of a configuration, its attention function among them."""
    yield getattr(config, "_attn_implementation", None)
    for name, item in vars(config).items():
        if isinstance(item, _PLAIN) and not name.startswith("_"):
            yield name, item


def _function(item: Any) -> Any:
    """Return what identifies a function; `None` for accelerate's, which only moves tensors."""
    if isinstance(item, MethodType):
        return item.__func__, id(item.__self__)
    if isinstance(item, partial):
        moves = getattr(item.func, "__module__", "").startswith("accelerate.")
        return None if moves else (item.func, id(item))
    return item


def _only_generates(name: str) -> bool:
    from transformers import GenerationMixin

    return hasattr(GenerationMixin, name)


def _frozen(item: Any, depth: int = _DEPTH) -> Any:
    """Return what can be compared of an attribute: its numbers, strings and tensors."""
    if isinstance(item, _PLAIN):
        return item
    if hasattr(item, "data_ptr"):
        return version_of(item)
    if not depth:
        return None
    if isinstance(item, dict):
        return tuple((str(name), _frozen(one, depth - 1)) for name, one in item.items())
    if isinstance(item, (set, frozenset)):
        return frozenset(one for one in item if isinstance(one, _PLAIN))
    if isinstance(item, (list, tuple)):
        return tuple(_frozen(one, depth - 1) for one in item)
    return None
