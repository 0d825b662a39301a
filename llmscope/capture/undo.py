"""Changes that are undone, whatever ends the run that needs them.

An interrupt (Ctrl-C) can come between any two bytecodes, so every change follows three rules:

- its undo is registered before the change is made;
- an undo sets a known state, so that it may run before its change was made, or twice;
- undos run in a `finally` within a `finally`: one that is cut short runs again, whole;
- what could not be undone even so is undone when the thread's next run begins.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class _Thread(threading.local):
    def __init__(self) -> None:
        self.undoing: list[Changes] = []  # begun in this thread, and not ended


_thread = _Thread()


class Changes:
    """What a run has changed: a stack of the functions that undo it."""

    def __init__(self) -> None:
        self._undos: list[Callable[[], object]] = []

    def undo_by(self, undo: Callable[[], object]) -> None:
        """Register what undoes the change that is made next."""
        self._undos.append(undo)

    def undo(self) -> None:
        """Undo every change, the last one first; an interrupt is raised once that is done."""
        if self not in _thread.undoing:
            _thread.undoing.append(self)
        interrupt: KeyboardInterrupt | None = None
        while self._undos:
            try:
                self._undos[-1]()
                self._undos.pop()
            except KeyboardInterrupt as error:
                interrupt = error
        _thread.undoing.remove(self)
        if interrupt is not None:
            raise interrupt


def restoring(run: Callable[[Changes], T]) -> T:
    """Return what `run` returns, and undo the changes that it registered."""
    for left in [*_thread.undoing]:
        left.undo()
    changes = Changes()
    try:
        try:
            return run(changes)
        finally:
            changes.undo()
    finally:
        changes.undo()
