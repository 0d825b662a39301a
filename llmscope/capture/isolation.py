"""Run a model undisturbed: alone, in evaluation mode, and left as it was."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from llmscope.capture.evaluation import evaluate, without_gradients
from llmscope.capture.modules import modules_of
from llmscope.capture.undo import Changes, restoring
from llmscope.capture.wrappers import uncompile

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")

_locks: WeakKeyDictionary[nn.Module, threading.RLock] = WeakKeyDictionary()
_locks_guard = threading.Lock()


def lock_of(model: nn.Module) -> threading.RLock:
    """Return the lock that is held by whoever runs `model`, through whichever scope."""
    with _locks_guard:
        return _locks.setdefault(model, threading.RLock())


def undisturbed(model: nn.Module, run: Callable[[], T]) -> T:
    """Call `run` while no other pass uses `model`, without gradients and dropout.

    What is changed for that is changed for this thread alone, and restored afterwards.
    """

    def prepared(changes: Changes) -> T:
        _prepare(model, changes)
        return run()

    with lock_of(model):
        return restoring(prepared)


def _prepare(model: nn.Module, changes: Changes) -> None:
    modules = modules_of(model)
    without_gradients(changes)
    _keep_function_modes(changes)
    evaluate(modules, changes)
    uncompile(modules, changes)


def _keep_function_modes(changes: Changes) -> None:
    """Restore PyTorch's stack of function modes, whatever is on it when `changes` are undone."""
    import torch

    overrides: Any = torch.overrides
    modes = overrides._get_current_function_mode_stack()

    def undo() -> None:
        if overrides._get_current_function_mode_stack() != modes:
            while overrides._get_current_function_mode_stack():
                overrides._pop_mode()
            for mode in modes:
                overrides._push_mode(mode)

    changes.undo_by(undo)
