"""Follow the residual stream through a block: the sums by which its input becomes its output.

No table of architectures names the parts of a block. Its sums are watched as they are computed: of
each it is known which tensor was the stream, what was added to it, and what ran before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from llmscope.capture.hooks import after_forward, before_forward
from llmscope.capture.tensors import key_of
from llmscope.capture.undo import Changes

if TYPE_CHECKING:
    from llmscope.capture.tensors import Key

_ADDS = frozenset({"add", "__add__", "__radd__", "add_", "__iadd__"})
_IN_PLACE = frozenset({"add_", "__iadd__"})


class Addition(NamedTuple):
    """One sum that the stream went through.

    Attributes
    ----------
    before, branch, after
        The stream, what was added to it, and both.
    is_normed
        Whether the stream went through a norm since the sum before.
    attends, computes
        Whether attention, and anything with weights, ran since then.
    """

    before: torch.Tensor
    branch: torch.Tensor
    after: torch.Tensor
    is_normed: bool
    attends: bool
    computes: bool


class StreamFollower(TorchFunctionMode):
    """Follows the residual stream through the sums of one block after another, in one thread."""

    def __init__(self) -> None:
        super().__init__()
        self._stream: dict[Key, bool] = {}  # where it is, and whether that is after a norm
        self._held: list[Any] = []  # references, so that `data_ptr()` stays unique
        self.leave()

    def enter(self, received: torch.Tensor | None) -> None:
        """Begin with what a block received."""
        self.leave()
        if received is not None:
            self._held.append(received)
            self._stream[key_of(received)] = False

    def leave(self) -> None:
        """Follow nothing until the next block begins."""
        self._stream = {}
        self._held = []
        self.attends = self.computes = False

    def hook_parts(self, block: nn.Module, changes: Changes) -> None:
        """Listen to what runs inside a block."""
        for module in block.modules():
            if module is not block:
                name = type(module).__name__.lower()
                if "norm" in name:
                    after_forward(module, changes, self._norm)
                elif any(True for _ in module.parameters()):
                    begin = self._attends if "attention" in name else self._part
                    before_forward(module, changes, begin)

    def follow(self, changes: Changes) -> None:
        """Enter this mode, until `changes` are undone."""
        overrides: Any = torch.overrides
        outer = overrides._get_current_function_mode_stack()

        def undo() -> None:
            while overrides._get_current_function_mode_stack():
                overrides._pop_mode()
            for mode in outer:
                overrides._push_mode(mode)

        changes.undo_by(undo)
        overrides._push_mode(self)

    def is_stream(self, tensor: torch.Tensor) -> bool | None:
        """Return whether a tensor is the stream after a norm; `None` where it isn't the stream."""
        return self._stream.get(key_of(tensor))

    def added(self, addition: Addition) -> None:
        """Take note of a sum that the stream went through."""

    def branch(self, branch: torch.Tensor) -> torch.Tensor:
        """Return what is to be added to the stream instead of `branch`."""
        return branch

    def beside(self, one: torch.Tensor, other: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what is to be added up instead of two tensors of which none is the stream."""
        return one, other

    def beside_is(self, total: torch.Tensor) -> None:
        """Take note of the sum of two tensors of which none was the stream."""

    def _attends(self, *_: Any) -> None:
        self.attends = True

    def _part(self, *_: Any) -> None:
        self.computes = True

    def _norm(self, _: nn.Module, args: tuple[Any, ...], __: Any, output: Any) -> None:
        if args and isinstance(output, torch.Tensor) and key_of(args[0]) in self._stream:
            self._held.append(output)
            self._stream[key_of(output)] = True

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name not in _ADDS or not self._stream or kwargs or not _summable(args):
            return func(*args, **kwargs)
        stream = next((n for n, item in enumerate(args) if key_of(item) in self._stream), None)
        if stream is None:
            total = func(*_in_place_of(args, self.beside(*args), name))
            self.beside_is(total)
            return total
        normed = self._stream[key_of(args[stream])]
        both = list(args)
        both[1 - stream] = self.branch(args[1 - stream])
        args = _in_place_of(args, both, name)
        kept = [item.clone() if name in _IN_PLACE else item for item in args]
        after = func(*args)
        self._held.append(after)
        self._stream = {key_of(after): False}
        self.added(
            Addition(kept[stream], kept[1 - stream], after, normed, self.attends, self.computes)
        )
        self.attends = self.computes = False
        return after


def first_tensor(args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor | None:
    """Return the first tensor of numbers that a module was called with, or returned."""
    items = [*args, *kwargs.values()]
    flat = [one for item in items for one in (item if isinstance(item, tuple) else (item,))]
    found = (one for one in flat if isinstance(one, torch.Tensor) and one.is_floating_point())
    return next(found, None)


def outermost(model: nn.Module) -> dict[str, nn.Module]:
    """Return by path the modules in lists of modules, but not those in lists within these."""
    lists = [n for n, m in model.named_modules() if isinstance(m, nn.ModuleList)]
    outer = [n for n in lists if not any(n.startswith(f"{o}.") for o in lists)]
    return {
        f"{n}.{m}": layer for n in outer for m, layer in model.get_submodule(n).named_children()
    }


def _in_place_of(given: tuple[Any, ...], wanted: Any, name: str) -> tuple[Any, ...]:
    """Return the summands, the one that is written to in place at its own address."""
    if name in _IN_PLACE and wanted[0] is not given[0]:
        return (given[0].copy_(wanted[0]), wanted[1])
    return tuple(wanted)


def _summable(args: tuple[Any, ...]) -> bool:
    """Return whether these are two tensors of one shape."""
    tensors = len(args) == 2 and all(isinstance(item, torch.Tensor) for item in args)
    return tensors and args[0].shape == args[1].shape and args[0].ndim >= 2
