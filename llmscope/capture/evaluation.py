"""Evaluation mode for one thread: its passes find `training` False, all other threads as it is.

`module.training` is an entry of the module's `__dict__`, shared by all threads, so it is not
written. For as long as a thread evaluates modules in training mode, a data descriptor of
`nn.Module`, which Python asks before the `__dict__`, answers for them instead.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from llmscope.capture.undo import Changes

if TYPE_CHECKING:
    from torch import nn

_FLAG = "training"
_thread = threading.local()  # .evaluated: ids of the modules that this thread evaluates
_guard = threading.Lock()
_users: set[object] = set()  # of the descriptor


class _TrainingFlag:
    """`nn.Module.training` as each thread sees it."""

    def __get__(self, module: Any, _: type | None = None) -> bool:
        if module is None or _FLAG not in module.__dict__:
            raise AttributeError(_FLAG)
        flag: bool = module.__dict__[_FLAG]
        return flag and id(module) not in getattr(_thread, "evaluated", ())

    def __set__(self, module: Any, flag: bool) -> None:
        module.__dict__[_FLAG] = flag

    def __delete__(self, module: Any) -> None:
        del module.__dict__[_FLAG]


def evaluate(modules: Iterable[nn.Module], changes: Changes) -> None:
    """Let this thread find `modules` in evaluation mode, until `changes` are undone."""
    ids = frozenset(map(id, modules))  # all: another thread may switch them meanwhile
    outer: frozenset[int] = getattr(_thread, "evaluated", frozenset())
    if ids <= outer:
        return
    user = object()
    changes.undo_by(lambda: _leave(user, outer))
    _enter(user, outer | ids)


def _enter(user: object, evaluated: frozenset[int]) -> None:
    from torch import nn

    with _guard:
        _users.add(user)
        setattr(nn.Module, _FLAG, _TrainingFlag())
        _thread.evaluated = evaluated


def _leave(user: object, outer: frozenset[int]) -> None:
    from torch import nn

    with _guard:
        _thread.evaluated = outer
        _users.discard(user)
        if not _users and _FLAG in nn.Module.__dict__:
            delattr(nn.Module, _FLAG)


def without_gradients(changes: Changes) -> None:
    """Record no gradients in this thread, until `changes` are undone.

    `torch.no_grad` sets its mode before a block begins, where an interrupt would leave it.
    """
    import torch

    gradients = torch.is_grad_enabled()
    changes.undo_by(lambda: torch.set_grad_enabled(gradients))
    torch.set_grad_enabled(False)
