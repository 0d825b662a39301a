"""What a model does with the outputs of its heads: the projection behind an attention function."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any

from llmscope.capture.attention import Attention
from llmscope.capture.hooks import Call, Cancelled, tap

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class Projection:
    """One run of a model, watched from the start of an attention module to its projection W_O.

    Attributes
    ----------
    module, name
        Names of the attention module, and of W_O seen from it; no name where none was found.
    linear
        W_O itself.
    received, given
        What W_O received (queries, width) and gave (queries, hidden size). Without one, `given` is
        the module's output, and nothing was received.
    functions
        Names of the Python functions that ran in the module before its attention function.
    call
        That of its attention function.
    first
        The query that the first of the rows belongs to.
    """

    module: str
    name: str | None
    linear: nn.Module | None
    received: torch.Tensor | None
    given: torch.Tensor
    functions: frozenset[str]
    call: Call
    first: int = 0

    def covers(self, query: int) -> bool:
        """Whether one of the rows belongs to `query`."""
        return self.first <= query < self.first + len(self.given)


class _Seen(Exception):
    """All that was wanted has been seen."""


def watch_projection(
    model: nn.Module,
    inputs: dict[str, torch.Tensor],
    attention: Attention,
    cancelled: Callable[[], bool],
    first: int = 0,
) -> Projection:
    """Run `model` again, up to the projection behind one call of its attention function.

    The `inputs` begin at the position `first`, behind what lies in a cache.

    W_O is the first linear module that is called after the attention function with something else
    than the attention module's own input (which a gate reads), inside that module; or right behind
    it, if it receives just what the module gave (as in BERT).

    Raises
    ------
    Cancelled
        When `cancelled` said so between two layers.
    """
    names = {id(module): name for name, module in model.named_modules()}
    module = attention.call.module
    watcher = _Watcher(module, names, attention.order)
    with ExitStack() as stack:
        calls = stack.enter_context(tap(model, lambda: cancelled() or len(calls) > attention.order))
        watcher.calls = calls
        stack.enter_context(watcher.hooks(model))
        stack.enter_context(_profile_restored())
        with suppress(_Seen, Cancelled):
            model(**inputs)
    if cancelled():
        raise Cancelled
    found = watcher.output if watcher.given is None else watcher.given
    assert found is not None
    linear, own = watcher.linear, names[id(module)]
    inside = linear is not None and names[id(linear)].startswith(own + ".")
    above = own if inside else own.rpartition(".")[0]
    return Projection(
        module=own,
        name=names[id(linear)].removeprefix(above + ".") if linear is not None else None,
        linear=linear,
        received=None if watcher.received is None else watcher.received.flatten(0, -2),
        given=found.flatten(0, -2),
        functions=frozenset(watcher.functions),
        call=calls[attention.order],
        first=first,
    )


class _Watcher:
    """Hooks that see the attention module begin and end, and the linear modules behind it."""

    def __init__(self, module: nn.Module, names: dict[int, str], order: int) -> None:
        self.calls: list[Any] = []
        self.output: torch.Tensor | None = None  # of the attention module, once it has ended
        self.linear: nn.Module | None = None
        self.received: torch.Tensor | None = None
        self.given: torch.Tensor | None = None
        self.functions: set[str] = set()
        self._module = module
        self._names = names
        self._order = order
        self._inputs: set[int] = set()  # where the tensors lie that the module was given
        self._thread = threading.get_ident()

    @contextmanager
    def hooks(self, model: nn.Module) -> Iterator[None]:
        handles = [
            self._module.register_forward_pre_hook(self._begin, with_kwargs=True),
            self._module.register_forward_hook(self._end),
        ]
        handles += [
            linear.register_forward_hook(self._behind)
            for linear in model.modules()
            if _is_linear(linear)
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _is_now(self, calls: int) -> bool:
        return len(self.calls) == calls and threading.get_ident() == self._thread

    def _begin(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._is_now(self._order):
            given = [*args, *kwargs.values()]
            self._inputs = {item.data_ptr() for item in given if hasattr(item, "data_ptr")}
            sys.setprofile(self._note_function)

    def _note_function(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and len(self.calls) == self._order:
            self.functions.add(frame.f_code.co_name)

    def _end(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if self._is_now(self._order + 1):
            self.output = output if hasattr(output, "shape") else output[0]

    def _behind(self, linear: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        import torch

        if not self._is_now(self._order + 1) or not args:
            return
        (received, *_) = args
        if self.output is None:
            if received.data_ptr() in self._inputs:
                return
        elif received.shape != self.output.shape or not torch.equal(received, self.output):
            raise _Seen
        self.linear, self.received, self.given = linear, received, output
        raise _Seen


@contextmanager
def _profile_restored() -> Iterator[None]:
    before = sys.getprofile()
    try:
        yield
    finally:
        sys.setprofile(before)


def _is_linear(module: nn.Module) -> bool:
    """Tell linear modules, quantised ones and GPT-2's `Conv1D` among them."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    return isinstance(module, (nn.Linear, Conv1D)) or hasattr(module, "in_features")
