"""The output projection W_O that follows an attention function, found by running up to it."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any

from llmscope.capture.attention import Attention
from llmscope.capture.cancel import Cancel, Cancelled
from llmscope.capture.hooks import (
    AttentionCall,
    after_forward,
    before_forward,
    record_attention,
)
from llmscope.capture.undo import Changes

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class Projection:
    """One run of a model, watched from the start of an attention module to its projection W_O.

    Attributes
    ----------
    module, name
        Names of the attention module, and of W_O seen from it; `None` where there is no W_O.
    linear
        W_O itself.
    received, returned
        Input (queries, width) and output (queries, hidden size) of W_O. Without one, `received` is
        `None`, and `returned` the module's output.
    functions
        Names of the Python functions that ran in the module before its attention function.
    call
        The call of its attention function.
    first
        Position of the query that the first row belongs to.
    """

    module: str
    name: str | None
    linear: nn.Module | None
    received: torch.Tensor | None
    returned: torch.Tensor
    functions: frozenset[str]
    call: AttentionCall
    first: int = 0

    def covers(self, query: int) -> bool:
        """Return whether one of the rows belongs to `query`."""
        return self.first <= query < self.first + len(self.returned)


class _Seen(Exception):
    """Everything that was wanted has been seen."""


def watch_projection(
    model: nn.Module,
    inputs: dict[str, torch.Tensor],
    attention: Attention,
    changes: Changes,
    cancelled: Cancel,
    first: int = 0,
) -> Projection:
    """Run `model` again, up to the projection that follows one call of its attention function.

    W_O is the first linear module that is called after the attention function with something other
    than the attention module's own input (which a gate reads), inside that module; or right after
    it, if it receives just what the module returned (as in BERT).

    Parameters
    ----------
    inputs
        They begin at the position `first`, after what a cache contains.
    attention
        The recorded attention: which module and call.
    changes
        Where the undo of hooks is registered.

    Raises
    ------
    Cancelled
        When `cancelled` returned True between two layers.
    """
    names = {id(module): name for name, module in model.named_modules()}
    module = attention.call.module
    calls: list[AttentionCall] = record_attention(
        model, changes, lambda: cancelled() or len(calls) > attention.order
    )
    watcher = _ProjectionWatcher(module, attention.order, calls)
    watcher.hook(model, changes)
    with suppress(_Seen, Cancelled):
        model(**inputs)
    if cancelled():
        raise Cancelled
    found = watcher.output if watcher.returned is None else watcher.returned
    assert found is not None
    linear, own = watcher.linear, names[id(module)]
    inside = linear is not None and names[id(linear)].startswith(own + ".")
    above = own if inside else own.rpartition(".")[0]
    return Projection(
        module=own,
        name=names[id(linear)].removeprefix(above + ".") if linear is not None else None,
        linear=linear,
        received=None if watcher.received is None else watcher.received.flatten(0, -2),
        returned=found.flatten(0, -2),
        functions=frozenset(watcher.functions),
        call=calls[attention.order],
        first=first,
    )


class _ProjectionWatcher:
    """Sees one call of an attention module begin and end, and the linear modules after it."""

    def __init__(self, module: nn.Module, order: int, calls: list[AttentionCall]) -> None:
        self.output: torch.Tensor | None = None  # of the attention module, once it has ended
        self.linear: nn.Module | None = None
        self.received: torch.Tensor | None = None
        self.returned: torch.Tensor | None = None
        self.functions: set[str] = set()
        self._module = module
        self._order = order
        self._calls = calls
        self._inputs: set[int] = set()  # addresses of the tensors that the module received

    def hook(self, model: nn.Module, changes: Changes) -> None:
        profile = sys.getprofile()
        changes.undo_by(lambda: sys.setprofile(profile))
        before_forward(self._module, changes, self._begin)
        after_forward(self._module, changes, self._end)
        for module in model.modules():
            if is_linear(module):
                after_forward(module, changes, self._linear)

    def _begin(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if len(self._calls) == self._order:
            received = [*args, *kwargs.values()]
            self._inputs = {item.data_ptr() for item in received if hasattr(item, "data_ptr")}
            sys.setprofile(self._note_function)

    def _note_function(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and len(self._calls) == self._order:
            self.functions.add(frame.f_code.co_name)

    def _end(self, _: nn.Module, __: tuple[Any, ...], ___: Any, output: Any) -> None:
        if len(self._calls) == self._order + 1:
            self.output = output if hasattr(output, "shape") else output[0]

    def _linear(self, linear: nn.Module, args: tuple[Any, ...], _: Any, output: Any) -> None:
        import torch

        if len(self._calls) != self._order + 1 or not args:
            return
        (received, *_) = args
        if self.output is None:
            if received.data_ptr() in self._inputs:
                return
        elif received.shape != self.output.shape or not torch.equal(received, self.output):
            raise _Seen
        self.linear, self.received, self.returned = linear, received, output
        raise _Seen


def is_linear(module: nn.Module) -> bool:
    """Return whether a module is linear: quantised ones and GPT-2's `Conv1D` are."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    return isinstance(module, (nn.Linear, Conv1D)) or hasattr(module, "in_features")
