"""Changes that are undone, whatever ends the run that needs them.

An interrupt (Ctrl-C) can come between any two bytecodes, so every change follows three rules:

- its undo is registered before the change is made;
- an undo sets a known state, so that it may run before its change was made, or twice;
- undos run in a `finally` within a `finally`: one that is cut short runs again, whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Changes:
    """What a run has changed: a stack of the functions that undo it."""

    def __init__(self) -> None:
        self._undos: list[Callable[[], object]] = []

    def undo_by(self, undo: Callable[[], object]) -> None:
        """Register what undoes the change that is made next."""
        self._undos.append(undo)

    def undo(self) -> None:
        """Undo every change, the last one first."""
        while self._undos:
            self._undos[-1]()
            self._undos.pop()


def restoring(run: Callable[[Changes], T]) -> T:
    """Return what `run` returns, and undo the changes that it registered."""
    changes = Changes()
    try:
        try:
            return run(changes)
        finally:
            changes.undo()
    finally:
        changes.undo()
