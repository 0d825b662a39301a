"""A pass that is held in its middle, so that another thread can look at the model then."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

LONGEST = 20.0  # seconds that anything here may wait


class Gate:
    """Holds the n-th call of any of its modules; all others go through."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._open = threading.Event()
        self._left = 0
        self._lock = threading.Lock()

    def set(self, number: int) -> None:
        """Hold the call of this number, counted from 1."""
        self.reached.clear()
        self._open.clear()
        self._left = number

    def open(self) -> None:
        """Let go what is held."""
        self._left = 0
        self._open.set()

    def passed(self) -> None:
        with self._lock:
            self._left -= 1
            held = self._left == 0
        if held:
            self.reached.set()
            assert self._open.wait(LONGEST)


class Gated(nn.Module):
    """An activation of the user's own, in whose call a pass can be held."""

    def __init__(self, inside: nn.Module, gate: Gate) -> None:
        super().__init__()
        self.inside = inside
        self.gate = gate

    def forward(self, x: Any) -> Any:
        self.gate.passed()
        return self.inside(x)


def gated(model: Any) -> Gate:
    """Put a gate into the MLP of each layer."""
    gate = Gate()
    wrap_activations(model, lambda inside: Gated(inside, gate))
    return gate


def wrap_activations(model: Any, wrapped: Callable[[nn.Module], nn.Module]) -> None:
    """Put a module of the user's own around the activation in each layer."""
    layers = next(m for m in model.modules() if isinstance(m, nn.ModuleList))
    for layer in layers:
        name = "act_fn" if hasattr(layer.mlp, "act_fn") else "act"
        setattr(layer.mlp, name, wrapped(getattr(layer.mlp, name)))


class Held:
    """A call in another thread: whether it was held, and what it gave in the end."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.was_held = False
        self.ended = threading.Event()
        self._given: Any = None
        self._error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, args=(call,), daemon=True)
        self.thread.start()

    def _run(self, call: Callable[[], Any]) -> None:
        try:
            self._given = call()
        except BaseException as error:
            self._error = error
        self.ended.set()

    def result(self) -> Any:
        assert self.ended.wait(LONGEST), "it doesn't end"
        if self._error is not None:
            raise self._error
        return self._given


@contextmanager
def held(gate: Gate, number: int, call: Callable[[], Any]) -> Iterator[Held]:
    """Run the block while `call` is held at the gate, unless it ends before that."""
    gate.set(number)
    running = Held(call)
    while not gate.reached.wait(0.005) and not running.ended.is_set():
        pass
    running.was_held = gate.reached.is_set()
    try:
        yield running
    finally:
        gate.open()
        running.ended.wait(LONGEST)
