"""Memory of process trees, watched and capped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

import psutil

T = TypeVar("T")
_EVERY_SECONDS = 0.2


class Watch:
    """Samples what trees of processes hold, and kills all of them once that is over a cap.

    Parameters
    ----------
    cap
        Bytes that all trees together may hold.
    roots
        By name: the process at the root of each tree.
    """

    def __init__(self, cap: int, roots: Mapping[str, int]) -> None:
        self.exceeded = False
        self._cap = cap
        self._roots = {name: psutil.Process(pid) for name, pid in roots.items()}
        self._begin: dict[str, int] = {}
        self._peak: dict[str, int] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self.begin()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def begin(self) -> None:
        """Count from what is held now."""
        self._begin = self._held()
        self._peak = dict(self._begin)

    def grown(self) -> dict[str, int]:
        """Give how far each tree has grown at most, in bytes, since `begin`."""
        self._sample()
        return {name: self._peak[name] - self._begin[name] for name in self._begin}

    def kill(self) -> None:
        """End all processes of all trees."""
        for name in self._roots:
            for process in self._tree(name):
                _quietly(process.kill)

    def _run(self) -> None:
        while not self._done.wait(_EVERY_SECONDS):
            if sum(self._sample().values()) > self._cap:
                self.exceeded = True
                self.kill()
                return

    def _sample(self) -> dict[str, int]:
        held = self._held()
        self._peak = {name: max(size, self._peak[name]) for name, size in held.items()}
        return held

    def _held(self) -> dict[str, int]:
        return {
            name: sum(_quietly(lambda p=process: _own(p)) or 0 for process in self._tree(name))
            for name in self._roots
        }

    def _tree(self, name: str) -> list[psutil.Process]:
        root = self._roots[name]
        return [root, *(_quietly(lambda: root.children(recursive=True)) or [])]


def _own(process: psutil.Process) -> int:
    memory = process.memory_info()
    return int(memory.rss - getattr(memory, "shared", 0))


def _quietly(ask: Callable[[], T]) -> T | None:
    """Ask a process that may have ended."""
    try:
        return ask()
    except psutil.Error:
        return None
