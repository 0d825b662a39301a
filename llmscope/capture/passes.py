"""Where in a text a pass is that runs, and whose functions are called in it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from llmscope.capture.cache_argument import cache_argument
from llmscope.capture.hooks import after_forward, before_forward, edit_attention
from llmscope.words import say

if TYPE_CHECKING:
    from torch import nn

    from llmscope.capture.undo import Changes

Side = Literal["decoder", "encoder"]

_thread = threading.local()  # .pass_: that whose functions are called in this thread


class Turn(NamedTuple):
    """A call of a module: its path, and how many of its calls in the same pass came before."""

    path: str
    number: int


def are_edited() -> bool:
    """Return whether functions are called at points of this thread's passes."""
    return getattr(_thread, "pass_", None) is not None


def is_installed(functions: object) -> bool:
    """Return whether it is these functions that are called at points of this thread's passes."""
    pass_: Pass | None = getattr(_thread, "pass_", None)
    return pass_ is not None and pass_.functions is functions


def edit_nothing(model: nn.Module, changes: Changes) -> None:
    """Call no functions at points of this thread's passes, until `changes` are undone."""
    _set_pass(None, changes)
    edit_attention(model, changes, None)


def _set_pass(pass_: Pass | None, changes: Changes) -> None:
    outer = getattr(_thread, "pass_", None)
    changes.undo_by(lambda: setattr(_thread, "pass_", outer))
    _thread.pass_ = pass_


class Pass:
    """Where in a text the pass is that this thread runs, and what ran so far of it.

    Parameters
    ----------
    functions
        What is called at points of the pass: of this and no other, until `changes` are undone.
    """

    def __init__(self, model: nn.Module, functions: object, changes: Changes) -> None:
        self.functions = functions
        self.first: dict[Side, int] = {"decoder": 0, "encoder": 0}
        self.turns: Counter[str] = Counter()
        self._ran: Counter[str] = Counter()  # blocks
        self._awaited: dict[Turn, Turn | None] = {}
        self._roots: dict[Side, nn.Module] = {"decoder": model}
        if getattr(model.config, "is_encoder_decoder", False):
            any_model: Any = model
            self._roots = {"decoder": any_model.get_decoder(), "encoder": any_model.get_encoder()}
        self._inside = {
            name
            for name, _ in model.named_modules()
            if "encoder" in self._roots and name.startswith(_path_of(model, self._roots["encoder"]))
        }
        for side, root in self._roots.items():
            before_forward(root, changes, self._begin(side), first=True)
            after_forward(root, changes, self._end(side))
        _set_pass(self, changes)

    def _begin(self, side: Side) -> Callable[..., None]:
        def begin(_: nn.Module, __: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if not self.is_on():
                return
            for path in [*self.turns]:
                if self.side(path) == side:
                    del self.turns[path]
            for path in [*self._ran]:
                if self.side(path) == side:
                    del self._ran[path]
            cache = kwargs.get(cache_argument()) if side == "decoder" else None
            length = getattr(cache, "get_seq_length", None)
            self.first[side] = 0 if length is None else int(length())

        return begin

    def await_turn(
        self, turn: Turn, block: Turn | None, model: nn.Module, changes: Changes
    ) -> None:
        """Let no pass end in which a module was not called, while its block was."""

        def ran(*_: Any) -> None:
            if block is not None and self.is_on():
                self._ran[block.path] += 1

        if block is not None and block.path not in {b.path for b in self._awaited.values() if b}:
            before_forward(model.get_submodule(block.path), changes, ran)
        self._awaited[turn] = block

    def _end(self, side: Side) -> Callable[..., None]:
        def end(*_: Any) -> None:
            if not self.is_on():
                return
            for turn, block in self._awaited.items():
                was_run = self._ran[block.path] > block.number if block else bool(self.turns)
                if (
                    self.side(turn.path) == side
                    and was_run
                    and self.turns[turn.path] <= turn.number
                ):
                    raise ValueError(
                        say(
                            "This text goes another way through the model than a short one: "
                            "{path} is not called, so its heads can't be edited.",
                            path=turn.path,
                        )
                    )

        return end

    def is_on(self) -> bool:
        """Return whether its functions are those that count in this thread."""
        return getattr(_thread, "pass_", None) is self

    def side(self, path: str) -> Side:
        """Return in which stack a module is."""
        return "encoder" if path in self._inside else "decoder"

    def first_at(self, path: str) -> int:
        """Return the position of the first row that a module is given."""
        return self.first[self.side(path)]

    def turn(self, path: str) -> Turn:
        """Count a call of a module."""
        self.turns[path] += 1
        return Turn(path, self.turns[path] - 1)


def _path_of(model: nn.Module, wanted: nn.Module) -> str:
    return next(f"{name}." for name, module in model.named_modules() if module is wanted)
