"""Beside a training: run its model, and leave everything as the next step would have found it."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable
from functools import partial
from types import CodeType, FrameType, MethodType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from llmscope.capture.undo import Changes, restoring
from llmscope.capture.wrappers import main_device

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")


def aside(model: nn.Module, run: Callable[[], T]) -> T:
    """Call `run`, which runs a model, as a checkpoint of it would run: in its own precision.

    Random states stay as they are, for dropout and shuffling go on from them.
    """

    def prepared(changes: Changes) -> T:
        _keep_random_state(model, changes)
        _leave_autocast(model, changes)
        _take_own_forward(model, changes)
        return run()

    return restoring(prepared)


def _keep_random_state(model: nn.Module, changes: Changes) -> None:
    import torch

    own, numpys, torchs = random.getstate(), np.random.get_state(), torch.get_rng_state()
    changes.undo_by(lambda: random.setstate(own))
    changes.undo_by(lambda: np.random.set_state(numpys))
    changes.undo_by(lambda: torch.set_rng_state(torchs))
    device = main_device(model)
    if device.type == "cuda":
        cudas = torch.cuda.get_rng_state(device)
        changes.undo_by(lambda: torch.cuda.set_rng_state(cudas, device))


def _leave_autocast(model: nn.Module, changes: Changes) -> None:
    """Compute as the weights are, though the training around it may not."""
    import torch

    for kind in {"cpu", main_device(model).type}:
        if torch.is_autocast_enabled(kind):
            changes.undo_by(partial(torch.set_autocast_enabled, kind, True))
            torch.set_autocast_enabled(kind, False)


def _take_own_forward(model: nn.Module, changes: Changes) -> None:
    """Run the model's own forward where accelerate put one in its place, for autocast."""
    given: Any = model.__dict__.get("forward")
    if "_original_forward" not in model.__dict__ or not isinstance(given, MethodType):
        return
    inner: Any = given.__func__
    while inner is not type(model).forward:
        if not hasattr(inner, "__wrapped__"):
            return
        inner = inner.__wrapped__
    changes.undo_by(lambda: model.__dict__.__setitem__("forward", given))
    del model.__dict__["forward"]


class Caller:
    """The function that trains: whether it still runs, for nothing tells when it is interrupted.

    Made by a callback, in the thread of the training.
    """

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and _is_of_callbacks(frame):
            frame = frame.f_back
        # The frame itself would hold a batch, and all else that the function has.
        self._frame: tuple[int, CodeType | None] = (id(frame), frame and frame.f_code)

    @property
    def is_running(self) -> bool:
        """Whether the function is still on its thread's stack."""
        frame = sys._current_frames().get(self._thread)
        while frame is not None:
            if (id(frame), frame.f_code) == self._frame:
                return True
            frame = frame.f_back
        return False


def _is_of_callbacks(frame: FrameType) -> bool:
    name = str(frame.f_globals.get("__name__", ""))
    return name.startswith("llmscope.training.") or name == "transformers.trainer_callback"
