"""Notice when a model was changed, so that nothing is read of two models at once.

What counts is everything that a pass depends on and that can be looked up quickly: parameters and
buffers (by PyTorch's own count of writes), which modules there are, their numbers (epsilons,
scalings) and functions, hooks, a `forward` that was replaced on a module or its class, and the
state of adapters. A write that PyTorch doesn't count, through `.data` or numpy, is looked for in a
sample of the weights before each pass.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain
from operator import attrgetter, is_, itemgetter, methodcaller
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from llmscope.capture.modules import modules_of
from llmscope.capture.sample import GROUPS, WeightSample
from llmscope.capture.wrappers import adapters
from llmscope.words import later, say

if TYPE_CHECKING:
    import torch
    from torch import nn

_PLAIN = (int, float, bool, str, complex, type(None))
_FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodType, partial)
_CONTAINERS = (dict, list, set, tuple)
_IGNORED = {"training", "gradient_checkpointing"}  # a pass runs in evaluation mode
_HELD = ("_parameters", "_buffers", "_modules", "_forward_hooks", "_forward_pre_hooks")
_DEPTH = 3  # of containers in containers
_FEW = 8  # tokens, before a pass over which a smaller sample is looked at,
_SECONDS = 1.0  # unless the last whole look is as long ago
_LEARNT = 4  # passes after which it is known what passes write
_OWN = ("transformers.", "llmscope.capture.")  # modules of hooks that are not the user's
_place = methodcaller("data_ptr")
_count = attrgetter("_version")
_values = methodcaller("values")  # of a dictionary, or of what stands for one

Name = tuple[int, str]  # serial number of a module, name of its attribute
Values = tuple[tuple[Name, Any], ...]
Versions = tuple[tuple[int, ...], tuple[int, ...]]  # places in memory, counts of writes


def stale(
    change: str = later("The model was changed"), remedy: str = later("Trace the text again.")
) -> RuntimeError:
    """Return the error of what would have to be read of a model that is no longer there."""
    return RuntimeError(
        say(
            "{change} after this text was traced, so what would be read now isn't what the model "
            "did then. {remedy}",
            change=say(change),
            remedy=say(remedy),
        )
    )


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
    weights
        Versions of the parameters.
    changing
        Attributes that may change in place, and buffers.
    layout
        The modules, and their other attributes.
    """

    number: int
    hooks: int
    key: int | None
    weights: Versions
    changing: Values
    layout: _Layout


class ModelVersion:
    """Numbers the states of a model."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._layout: _Layout | None = None
        self._serials: WeakKeyDictionary[nn.Module, int] = WeakKeyDictionary()
        self._count = itertools.count()
        self._written: set[Name] = set()  # attributes that passes write themselves
        self._sample = WeightSample()
        self._looked = 0.0  # when all parameters were looked at
        self._configured: tuple[list[Any], int] = [], 0  # values of the configuration, and a hash
        self._uncounted = 0  # changes that PyTorch doesn't count
        self._guard = threading.Lock()

    def number(self) -> int:
        """Return the number of the model's state now."""
        return self.state().number

    def state(self) -> ModelState:
        """Return the model's state now."""
        layout = self._current_layout()
        weights = versions_of(layout.parameters())
        changing = self._changing(layout)
        hooks = layout.hooks()
        forwards = tuple([kind.forward for kind in layout.kinds])
        known = (adapters(self._model), layout.hash, forwards, weights, changing)
        number = hash((*known, self._uncounted))
        key = None if hooks else hash((number, self._settings()))
        return ModelState(number, hash(hooks), key, weights, changing, layout)

    def look(self, state: ModelState, tokens: int) -> ModelState:
        """Return the state once a sample of the weights was looked at, too.

        For the thread that holds the model's lock, without gradients.

        Parameters
        ----------
        state
            The state now.
        tokens
            Number of tokens of the pass that comes next: looking costs a small part of it.
        """
        now = time.monotonic()
        is_whole = tokens >= _FEW or now - self._looked > _SECONDS
        if is_whole:
            self._looked = now
        groups = GROUPS if is_whole else 1
        if not self._sample.differs(state.layout.parameters(), state.weights, groups):
            return state
        self.count_change()
        return self.state()

    def count_change(self) -> None:
        """Count a change that was found in what the model computes."""
        self._uncounted += 1

    def after_pass(self, before: ModelState) -> ModelState | None:
        """Return the state after a pass, or `None` where weights or modules were changed meanwhile.

        Attributes that the pass itself wrote, such as the longest text so far, don't count from
        then on. They are learnt from the first passes. After later ones only what the pass would
        have to run again for is looked at; whatever else was changed meanwhile, by another thread,
        is found when the state is asked for next, and the pass is one of a former state then.
        """
        layout = before.layout
        if layout.steady_passes >= _LEARNT and self._is_as_before(before):
            return before
        after = self.state()
        if after.number == before.number:
            layout.steady_passes += 1
            return after
        if after.weights != before.weights or not layout.has_same_modules():
            return None
        values = [{*state.layout.fixed, *state.changing} for state in (before, after)]
        self._written |= {name for name, _ in values[0] ^ values[1]}
        self._layout = None
        return self.state()

    def _is_as_before(self, state: ModelState) -> bool:
        """Return whether modules, weights, buffers and containers are as they were."""
        layout = state.layout
        return (
            layout.has_same_modules()
            and versions_of(layout.parameters()) == state.weights
            and self._changing(layout) == state.changing
        )

    def _settings(self) -> int:
        """Return a hash of the configuration's settings, its attention function among them."""
        config = self._model.config
        values = [*vars(config).values(), getattr(config, "_attn_implementation", None)]
        if not _are(values, self._configured[0]):
            plain = [
                (name, item)
                for name, item in vars(config).items()
                if isinstance(item, _PLAIN) and not name.startswith("_")
            ]
            self._configured = values, hash((values[-1], *plain))
        return self._configured[1]

    def _changing(self, layout: _Layout) -> Values:
        changing = layout.changing()
        if self._written:
            changing = tuple(pair for pair in changing if pair[0] not in self._written)
        return changing

    def _current_layout(self) -> _Layout:
        """Return the layout that was made last, if it is still that of the model."""
        with self._guard:
            layout = self._layout
            if layout is None or not layout.is_current():
                modules = modules_of(self._model)
                for module in modules:
                    if module not in self._serials:
                        self._serials[module] = next(self._count)
                serials = [self._serials[module] for module in modules]
                layout = self._layout = _Layout(modules, serials, self._written)
        return layout


class _Layout:
    """Which modules a model consists of, and which attributes of theirs a pass depends on.

    It holds the objects that it was made from, so that no other one can be at their address.
    """

    def __init__(self, modules: list[nn.Module], serials: list[int], written: set[Name]) -> None:
        self.steady_passes = 0  # that were found to change nothing
        self._modules = modules
        self._types = list(map(type, modules))
        self._attributes = [module.__dict__ for module in modules]
        self._count = sum(map(len, self._attributes))
        self._mutable: list[tuple[Name, dict[str, Any]]] = []
        self._buffers: list[tuple[int, dict[str, Any]]] = []
        held = itemgetter("_parameters", "_buffers", "_modules")
        dicts = list(chain.from_iterable(map(held, self._attributes)))
        self._empty = [one for one in dicts if not one]
        self._children = [module._modules for module in modules if module._modules]
        self._inside = _items(self._children)
        self._parameters = [module._parameters for module in modules if module._parameters]
        hooks = itemgetter("_forward_hooks", "_forward_pre_hooks")
        self._hooks = list(chain.from_iterable(map(hooks, self._attributes)))
        names: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
        self.kinds: list[Any] = list(dict.fromkeys(self._types))
        fixed: list[tuple[Name, Any]] = []
        for module, serial in zip(modules, serials, strict=True):
            attributes = module.__dict__
            if module._buffers:
                self._buffers.append((serial, module._buffers))
            public = [n for n in attributes if not n.startswith("_") and n not in _IGNORED]
            names[*_HELD, *public].append(attributes)
            for name in public:
                item = attributes[name]
                if (serial, name) in written:
                    continue
                if isinstance(item, _PLAIN):
                    fixed.append(((serial, name), item))
                elif isinstance(item, _FUNCTIONS):
                    function = _function(item)
                    if function is not None and not _only_generates(name):
                        fixed.append(((serial, name), function))
                elif isinstance(item, _CONTAINERS) or hasattr(item, "data_ptr"):
                    self._mutable.append(((serial, name), attributes))
        self._reads = [(itemgetter(*group), dicts) for group, dicts in names.items()]
        self._objects = list(self._read())
        self.fixed: Values = tuple(fixed)
        self.hash = hash((self.fixed, *serials))

    def is_current(self) -> bool:
        """Return whether no module or attribute is another object than when it was made."""
        if not self.has_same_modules():
            return False
        if any(self._empty) or not all(map(is_, map(type, self._modules), self._types)):
            return False
        if sum(map(len, self._attributes)) != self._count:
            return False
        try:
            return all(map(is_, self._read(), self._objects))
        except KeyError:
            return False

    def has_same_modules(self) -> bool:
        """Return whether each module has the same ones inside."""
        return _are(_items(self._children), self._inside)

    def _read(self) -> Iterable[Any]:
        return chain.from_iterable(
            [chain.from_iterable(map(read, dicts)) for read, dicts in self._reads]
        )

    def parameters(self) -> list[Any]:
        """Return all parameters."""
        return [item for item in _items(self._parameters) if item is not None]

    def changing(self) -> Values:
        """Return what may change in place: containers and buffers."""
        held = [(name, _frozen(attributes[name[1]])) for name, attributes in self._mutable]
        for serial, buffers in self._buffers:
            held += [((serial, name), version_of(item)) for name, item in buffers.items()]
        return tuple(held)

    def hooks(self) -> tuple[Callable[..., Any], ...]:
        """Return the hooks that are neither transformers' nor our own."""
        return tuple(
            [
                hook
                for hooks in self._hooks
                if hooks
                for hook in list(hooks.values())
                if not getattr(hook, "__module__", "").startswith(_OWN)
            ]
        )


def _items(held: list[Any]) -> list[Any]:
    return list(chain.from_iterable(map(_values, held)))


def _are(found: list[Any], known: list[Any]) -> bool:
    return len(found) == len(known) and all(map(is_, found, known))


def version_of(tensor: torch.Tensor | None) -> tuple[int, int]:
    """Return where a tensor is stored, and PyTorch's count of the writes to it."""
    if tensor is None or tensor.is_meta:  # on a disk, and loaded when it is needed
        return 0, 0
    try:
        writes = tensor._version
    except RuntimeError:  # made in inference mode, which counts nothing
        writes = 0
    # What represents a quantiser's packed numbers has no address of its own.
    return tensor.data_ptr() or id(tensor), writes


def versions_of(tensors: list[torch.Tensor]) -> Versions:
    """Return where tensors are stored, and PyTorch's counts of the writes to them."""
    places = tuple(map(_place, tensors))
    if not all(places):  # what is on a disk, or packed
        places = tuple([version_of(item)[0] for item in tensors])
    return places, writes_to(tensors)


def writes_to(tensors: list[torch.Tensor]) -> tuple[int, ...]:
    """Return PyTorch's counts of the writes to tensors."""
    try:
        return tuple(map(_count, tensors))
    except RuntimeError:  # one was made in inference mode
        return tuple([version_of(item)[1] for item in tensors])


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
