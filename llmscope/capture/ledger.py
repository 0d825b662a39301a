"""What became of each tensor in one pass: which module made it, of what, and what was added up.

No table of architectures names the parts of a model. The calls of its modules are noted, and the
functions between them by which tensors are added, multiplied, bent or only laid out otherwise.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from llmscope.capture.hooks import after_forward, before_forward

if TYPE_CHECKING:
    from llmscope.capture.undo import Changes

Key = tuple[int, int, int]  # where a tensor begins, how many numbers it has, how often written to
Did = Literal["add", "times", "product", "bent", "same"]

_ADDS = frozenset({"add", "__add__", "__radd__", "add_", "__iadd__"})
_PRODUCTS = frozenset({"mul", "__mul__", "__rmul__", "mul_", "__imul__", "multiply"})
_QUOTIENTS = frozenset({"div", "__truediv__", "true_divide", "div_", "__itruediv__"})
_BENDS = {
    *re.findall(
        r"\w+",
        "relu relu_ gelu silu tanh sigmoid softplus elu leaky_relu mish hardswish square pow "
        "log_softmax softmax hardtanh relu6",
    )
}
_LAYOUTS = {
    *re.findall(
        r"\w+",
        "to float half bfloat16 double type type_as contiguous clone detach view reshape transpose "
        "permute squeeze unsqueeze flatten unflatten __getitem__ view_as reshape_as t dropout "
        "expand swapaxes movedim narrow select alias requires_grad_ cpu cuda",
    )
}
_IN_PLACE = frozenset({"add_", "__iadd__", "mul_", "__imul__", "div_", "__itruediv__", "relu_"})


@dataclass(eq=False)
class Call:
    """One call of a module.

    Attributes
    ----------
    path, turn
        Which module, and how many calls it had had before in this pass.
    module
        The module itself.
    began, ended
        When, by the ledger's clock; `ended` is 0 until then.
    received, made
        The first numbers that it was given, and that it returned, by their key.
    ids
        The first tensor of whole numbers that it was given.
    above
        The call that it was made in.
    """

    path: str
    turn: int
    module: nn.Module
    began: int
    received: Key | None
    ids: torch.Tensor | None
    above: Call | None
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    made: Key | None = None
    ended: int = 0

    def outer(self) -> Iterator[Call]:
        """Go through the calls that it was made in, the innermost first."""
        one = self.above
        while one is not None:
            yield one
            one = one.above

    def holds(self, other: Call) -> bool:
        """Return whether another call was made in this one, or is this one."""
        return self.began <= other.began and (not self.ended or other.ended <= self.ended)


@dataclass(eq=False)
class Step:
    """What one function made of one tensor, or two.

    Attributes
    ----------
    did
        "add" two tensors, "times" a number or a vector, "product" of two tensors of one shape,
        "bent" by a function of each number, "same" numbers laid out otherwise.
    of
        Their keys.
    detail
        The factor, or the function's name.
    """

    did: Did
    of: tuple[Key, ...]
    detail: Any = None


@dataclass(eq=False)
class Made:
    """How a tensor came about: the calls that returned it, the innermost first; and a function."""

    calls: list[Call] = field(default_factory=list)
    step: Step | None = None


def _key_of(tensor: torch.Tensor) -> Key:
    return tensor.data_ptr(), tensor.numel(), tensor._version


class Ledger(TorchFunctionMode):
    """Notes all that happens in one pass of this thread, until it is told to forget.

    Attributes
    ----------
    calls
        Those of modules, in the order in which they began.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self._made: dict[Key, Made] = {}
        self._values: dict[Key, torch.Tensor] = {}  # held, so that addresses stay unique
        self._turns: Counter[str] = Counter()
        self._open: list[Call] = []
        self._clock = 0

    # ── reading ──────────────────────────────────────────────────────────────────────────────

    def made(self, key: Key) -> Made:
        """Return how numbers came about."""
        return self._made.get(key, Made())

    def value(self, key: Key) -> torch.Tensor:
        """Return numbers, as they were when they were noted."""
        return self._values[key]

    def forget(self) -> None:
        """Forget all that has ended."""
        self.calls = [*self._open]
        self._made = {}
        self._values = {}

    # ── noting ───────────────────────────────────────────────────────────────────────────────

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

    def hook(self, path: str, module: nn.Module, changes: Changes) -> None:
        """Note the calls of a module."""

        def begin(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            self._clock += 1
            self._turns[path] += 1
            given = [*args, *kwargs.values()]
            numbers, whole = first_of(given, True), first_of(given, False)
            above = self._open[-1] if self._open else None
            turn = self._turns[path] - 1
            received = None if numbers is None else self.key(numbers)
            call = Call(path, turn, module, self._clock, received, whole, above, args, kwargs)
            self.calls.append(call)
            self._open.append(call)
            self.began(call)

        def end(_: nn.Module, __: Any, ___: Any, output: Any) -> None:
            while self._open and self._open[-1].path != path:
                self._open.pop()  # it ended by an error that the model caught
            if not self._open:
                return
            call = self._open.pop()
            self._clock += 1
            call.ended = self._clock
            made = first_of([output], True)
            if made is not None:
                call.made = self.key(made)
                self._made.setdefault(call.made, Made()).calls.append(call)
            self.ended(call)

        before_forward(module, changes, begin)
        after_forward(module, changes, end)

    def began(self, call: Call) -> None:
        """Look at a call that begins."""

    def ended(self, call: Call) -> None:
        """Look at a call that has ended."""

    def key(self, tensor: torch.Tensor) -> Key:
        """Return what tells a tensor's numbers from all others; they are held from now on."""
        key = _key_of(tensor)
        self._values.setdefault(key, tensor)
        return key

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        tensors = [one for one in args if isinstance(one, torch.Tensor)]
        did = _did(name, args, tensors, kwargs)
        if did is None or not tensors[0].is_floating_point():
            return func(*args, **kwargs)
        if did == "times" and len(tensors) == 2 and tensors[1].numel() > tensors[0].numel():
            tensors.reverse()
        keys = tuple(self.key(one) for one in tensors)
        if name in _IN_PLACE and keys[0] in self._values:
            self._values[keys[0]] = tensors[0].clone()
        output = func(*args, **kwargs)
        if isinstance(output, torch.Tensor) and output.is_floating_point():
            self._note(output, did, keys, _detail(name, args, tensors))
        return output

    def _note(self, output: torch.Tensor, did: Did, of: tuple[Key, ...], detail: Any) -> None:
        if did == "same" and (_key_of(output) == of[0] or output.numel() != of[0][1]):
            return
        self._made[self.key(output)] = Made(step=Step(did, of, detail))


def _did(name: str, args: tuple[Any, ...], tensors: list[Any], kwargs: Any) -> Did | None:
    """Return what a function does to tensors, by its name; `None` for what isn't noted."""
    if not tensors:
        return None
    if name in _ADDS and len(tensors) == 2 and not kwargs:
        return "add" if tensors[0].ndim >= 2 or tensors[1].ndim >= 2 else None
    if name in _PRODUCTS or name in _QUOTIENTS:
        if len(tensors) == 2 and tensors[0].shape == tensors[1].shape:
            return "product" if name in _PRODUCTS else None
        return "times"
    if name in _BENDS:
        return "bent"
    return "same" if name in _LAYOUTS and args and args[0] is tensors[0] else None


def _detail(name: str, args: tuple[Any, ...], tensors: list[Any]) -> Any:
    if name in _PRODUCTS or name in _QUOTIENTS:
        others = [one for one in args if not any(one is t for t in tensors[:1])]
        factor = others[0] if others else None
        if isinstance(factor, torch.Tensor) and factor.numel() == 1:
            factor = float(factor)
        is_number = isinstance(factor, (int, float))
        return 1 / factor if is_number and name in _QUOTIENTS and factor else factor
    if name == "pow" and len(args) > 1:
        return f"pow{args[1]}"
    return name


def first_of(items: Any, floating: bool) -> torch.Tensor | None:
    """Return the first tensor of numbers, or of whole numbers, in what a module was given."""
    for item in items:
        inside = item if isinstance(item, (tuple, list)) else (item,)
        if hasattr(item, "to_tuple"):
            inside = item.to_tuple()
        for one in inside:
            if isinstance(one, torch.Tensor) and one.is_floating_point() == floating and one.ndim:
                return one
    return None
