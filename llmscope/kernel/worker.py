"""Requests of a view: taken at once, answered one by one off the kernel's main thread."""

from __future__ import annotations

import itertools
import logging
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.capture import Cancelled
from llmscope.kernel.cpu_threads import leave_cpus

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llmscope.kernel.handlers import Part

    Answer = Callable[[str, Callable[[], bool]], Iterator[Part]]
    Send = Callable[[dict[str, Any], list[bytes]], None]

_IDLE_SECONDS = 5.0  # after which the worker thread ends; the next request starts another
_SQUARE = 64  # cells a side, from which it pays to leave half of a matrix out
_log = logging.getLogger(__name__)


@dataclass(order=True)
class _Request:
    urgency: int
    order: int
    number: int = field(compare=False)
    key: str = field(compare=False)
    # Where it came from: ipykernel sends an answer, and the next message of the page, by this to
    # the same subshell, so that neither waits for a running cell.
    context: Context = field(compare=False, default_factory=copy_context)
    cancelled: threading.Event = field(compare=False, default_factory=threading.Event)
    parts: Iterator[Part] | None = field(compare=False, default=None)
    # The part that came last: whether another follows isn't known yet.
    held: Part = field(compare=False, default_factory=dict)


class Desk:
    """Takes messages, answers them in order of urgency, and drops what was cancelled.

    What comes in is ``{request, key}``, ``{cancel}``, or ``{}``, which only acknowledges. What goes
    out is ``{request, part, done}`` with arrays as binary buffers, or ``{request, error, kind}``.

    Parameters
    ----------
    answer
        Gives the parts of the answer to a key, and may ask whether it was cancelled. An empty
        part is a pause: others that wait are answered first.
    send
        Sends one message with its buffers; called from the worker thread.
    """

    def __init__(self, answer: Answer, send: Send) -> None:
        self._answer = answer
        self._send = send
        self._lock = threading.Lock()
        self._waiting: queue.PriorityQueue[_Request] = queue.PriorityQueue()
        self._open: dict[int, _Request] = {}
        self._order = itertools.count()
        self._worker: threading.Thread | None = None
        self._closed = False

    def receive(self, content: dict[str, Any]) -> None:
        """Take one message; never blocks."""
        if "cancel" in content:
            with self._lock:
                request = self._open.get(content["cancel"])
            if request is not None:
                request.cancelled.set()
        elif "request" in content:
            key = str(content["key"])
            request = _Request(_urgency(key), next(self._order), int(content["request"]), key)
            if "torch" in sys.modules:
                leave_cpus()
            with self._lock:
                if self._closed:
                    return
                self._open[request.number] = request
                self._waiting.put(request)
                if self._worker is None:
                    self._worker = threading.Thread(
                        target=self._work, name="llmscope-desk", daemon=True
                    )
                    self._worker.start()

    def close(self) -> None:
        """Drop everything and take nothing more; the worker ends as soon as it can."""
        with self._lock:
            self._closed = True
            for request in self._open.values():
                request.cancelled.set()
        self._waiting.put(_Request(-1, -1, -1, ""))

    def _work(self) -> None:
        while True:
            if self._waiting.empty() and "torch" in sys.modules:
                leave_cpus()
            try:
                request = self._waiting.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                with self._lock:
                    if self._waiting.empty():
                        self._worker = None
                        return
                continue
            if request.number < 0:
                with self._lock:
                    self._worker = None
                return
            is_over = True
            try:
                is_over = request.context.run(self._go_on, request)
            except BaseException:  # such as a comm that is gone: the next request may work
                _log.exception("llmscope could not send the answer to %r", request.key)
            if not is_over:
                request.order = next(self._order)
                self._waiting.put(request)
                continue
            with self._lock:
                self._open.pop(request.number, None)

    def _go_on(self, request: _Request) -> bool:
        """Work out an answer up to its next pause; say whether it is over."""
        if request.cancelled.is_set():
            return True
        try:
            if request.parts is None:
                request.parts = self._answer(request.key, request.cancelled.is_set)
            for part in request.parts:
                if request.cancelled.is_set():
                    return True
                if request.held:
                    self._reply(request, request.held, done=False)
                request.held = part
                if not part:
                    return False
            self._reply(request, request.held, done=True)
            return True
        except Cancelled:
            return True
        except Exception as error:
            if request.cancelled.is_set():
                return True
            if _is_a_bug(error):
                _log.exception("llmscope could not answer %r", request.key)
            kind = getattr(error, "kind", type(error).__name__)
            self._send({"request": request.number, "error": _words(error), "kind": kind}, [])
            return True

    def _reply(self, request: _Request, part: Part, *, done: bool) -> None:
        buffers: list[bytes] = []
        content = {name: _packed(item, buffers) for name, item in part.items()}
        self._send({"request": request.number, "part": content, "done": done}, buffers)


def _urgency(key: str) -> int:
    """Tell what is looked at first: the text, then what is under the hand, then the rest."""
    if key.partition("/")[0] in ("text", "read", "ids", "model"):
        return 0
    if key == "release":
        return 3
    return 2 if "/thumbnails/" in key or key.endswith("/chain") else 1


def _packed(item: Any, buffers: list[bytes]) -> Any:
    """Put an array among the buffers, a reference in its place; NaN isn't JSON, so null.

    Of a square matrix in which nothing stands above the diagonal, the rest goes, row by row.
    """
    if isinstance(item, np.ndarray):
        array = np.ascontiguousarray(item).ravel()
        lower = False
        if item.ndim == 2 and len(item) == item.shape[1] >= _SQUARE:
            above, below = _halves(len(item))
            lower = not array.take(above).any()
            array = array.take(below) if lower else array
        buffers.append(array.tobytes())
        packed = {"buffer": len(buffers) - 1, "dtype": str(item.dtype), "shape": item.shape}
        return {**packed, "lower": True} if lower else packed
    if isinstance(item, float) and not np.isfinite(item):
        return None
    return item


@lru_cache(maxsize=4)
def _halves(side: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where the cells (side, side) above the diagonal stand, row by row, and the others."""
    above = np.triu(np.ones((side, side), dtype=bool), 1).ravel()
    return np.flatnonzero(above), np.flatnonzero(~above)


def _is_a_bug(error: Exception) -> bool:
    from llmscope.loading.errors import LoadError

    return not isinstance(error, (LoadError, ValueError, IndexError, RuntimeError))


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if _is_a_bug(error) else str(error)
