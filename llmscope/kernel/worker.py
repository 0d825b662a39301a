"""Queue of requests, served by one worker thread in order of urgency."""

from __future__ import annotations

import itertools
import logging
import queue
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeGuard

from llmscope.capture import Cancelled
from llmscope.kernel.arrays import MessageBuffers
from llmscope.kernel.cpu_threads import leave_cpus
from llmscope.kernel.protocol import format_key, parse, shortened
from llmscope.kernel.requests import PAUSE, Request, RequestError
from llmscope.text import clean

if TYPE_CHECKING:
    from llmscope.kernel.requests import Part

    Answer = Callable[[Request, Callable[[], bool]], Iterator[Part]]
    Send = Callable[[dict[str, Any], list[bytes]], None]

_LARGEST = 2**53  # up to which JavaScript counts
_LATE = 1024  # numbers that are kept of requests that may come late
_IDLE_SECONDS = 5.0  # after which the thread ends; the next request starts another
_log = logging.getLogger(__name__)


@dataclass(order=True)
class _Job:
    urgency: int
    order: int
    number: int = field(compare=False)
    request: Request = field(compare=False)
    # Of the message: what is sent and printed meanwhile belongs to it.
    context: Context = field(compare=False, default_factory=copy_context)
    cancelled: threading.Event = field(compare=False, default_factory=threading.Event)
    parts: Iterator[Part] | None = field(compare=False, default=None)
    # The part that came last: whether another follows isn't known yet.
    held: Part = field(compare=False, default_factory=lambda: PAUSE)
    # The one before: an answer that pauses and then ends says it again, as its last.
    sent: Part = field(compare=False, default_factory=lambda: PAUSE)


_END = _Job(-1, -1, -1, Request())  # by identity: the thread ends


class Worker:
    """Takes messages, answers them in order of urgency, and drops what was cancelled.

    What comes in is ``{request, key}``, ``{cancel}``, or ``{}``, which only acknowledges. What was
    asked before the page had a subshell comes a second time, with ``again``, and is taken once;
    what was cancelled before it came isn't taken. What goes out is ``{request, part, done}``
    with arrays as binary buffers, or ``{request, error, kind}``, with ``again`` where asking is of
    use after so many seconds.
    Every request that has a number gets an answer or an error, unless it is cancelled.

    Parameters
    ----------
    answer
        Yields the parts of the answer to a request, and may ask whether it was cancelled. At
        `PAUSE`, others that are as urgent or more go first.
    send
        Sends one message with its buffers; called from the worker thread, and for a key that
        requests nothing from the one that receives.
    """

    def __init__(self, answer: Answer, send: Send) -> None:
        self._answer: Answer | None = answer
        self._send = send
        self._lock = threading.Lock()
        self._waiting: queue.PriorityQueue[_Job] = queue.PriorityQueue()
        self._open: dict[int, _Job] = {}
        # Requests that came a second time, or were cancelled: what comes late is dropped.
        self._done: deque[int] = deque(maxlen=_LATE)
        self._order = itertools.count()
        self._thread: threading.Thread | None = None
        self._closed = False

    @property
    def thread(self) -> threading.Thread | None:
        """The thread that answers; `None` while there is nothing to do."""
        return self._thread

    def receive(self, content: Any) -> None:
        """Take one message, and drop what isn't one; never blocks, and never raises."""
        if not isinstance(content, dict):
            return
        if _is_number(number := content.get("cancel")):
            with self._lock:
                job = self._open.get(number)
                self._done.append(number)
            if job is not None:
                job.cancelled.set()
        if _is_number(number := content.get("request")) and not self._has(number, content):
            try:
                request = parse(content.get("key"))
            except RequestError as error:
                self._refuse(number, error)
                return
            if "torch" in sys.modules:
                leave_cpus()
            self._put(_Job(request.urgency, next(self._order), number, request))

    def close(self) -> None:
        """Drop everything and take nothing more; the thread ends as soon as it can."""
        with self._lock:
            self._closed = True
            for job in self._open.values():
                job.cancelled.set()
            self._open.clear()
            self._answer = None
        self._waiting.put(_END)

    def _has(self, number: int, content: dict[str, Any]) -> bool:
        """Return whether a request that came was taken already, or is wanted no more."""
        with self._lock:
            if content.get("again") is not True:
                return number in self._done  # it waited behind a cell
            self._done.append(number)
            return number in self._open

    def _refuse(self, number: int, error: RequestError) -> None:
        if self._closed:
            return
        try:
            self._send_error(number, error)
        except Exception:
            _log.exception("llmscope could not send an error")

    def _put(self, job: _Job) -> None:
        with self._lock:
            if self._closed:
                return
            self._open[job.number] = job
            self._waiting.put(job)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="llmscope-worker", daemon=True
                )
                self._thread.start()

    def _work(self) -> None:
        while True:
            if self._waiting.empty() and "torch" in sys.modules:
                leave_cpus()
            try:
                job = self._waiting.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                with self._lock:
                    if self._waiting.empty():
                        self._thread = None
                        return
                continue
            if job is _END:
                with self._lock:
                    self._thread = None
                return
            is_over = True
            try:
                is_over = job.context.run(self._go_on, job)
            except BaseException:  # such as a comm that is gone: the next request may work
                _log.exception("llmscope could not send the answer to %s", _named(job))
            if not is_over:
                job.order = next(self._order)
                self._waiting.put(job)
                continue
            with self._lock:
                if self._open.get(job.number) is job:
                    del self._open[job.number]

    def _go_on(self, job: _Job) -> bool:
        """Compute an answer up to its next pause; return whether it is over."""
        answer = self._answer
        if job.cancelled.is_set() or answer is None:
            return True
        try:
            if job.parts is None:
                job.parts = answer(job.request, job.cancelled.is_set)
            for part in job.parts:
                if job.cancelled.is_set():
                    return True
                if job.held is not PAUSE:
                    self._reply(job, job.held, done=False)
                    job.sent = job.held
                job.held = part
                if part is PAUSE:
                    return False
            self._reply(job, job.sent if job.held is PAUSE else job.held, done=True)
            return True
        except Cancelled:
            return True
        except BaseException as error:  # such as a panic of a tokenizer
            if job.cancelled.is_set():
                return True
            if _is_a_bug(error):
                _log.exception("llmscope could not answer %s", _named(job))
            self._send_error(job.number, error)
            return True

    def _reply(self, job: _Job, part: Part, *, done: bool) -> None:
        buffers = MessageBuffers()
        content = {"request": job.number, "part": buffers.encoded(part), "done": done}
        self._send(content, buffers.parts)

    def _send_error(self, number: int, error: BaseException) -> None:
        message = f"{type(error).__name__}: {error}" if _is_a_bug(error) else str(error)
        kind = getattr(error, "kind", type(error).__name__)
        reply = {"request": number, "error": clean(message), "kind": kind}
        again = getattr(error, "again", None)
        self._send(reply if again is None else {**reply, "again": again}, [])


def _is_number(item: Any) -> TypeGuard[int]:
    return type(item) is int and abs(item) <= _LARGEST


def _is_a_bug(error: BaseException) -> bool:
    from llmscope.loading.errors import LoadError

    return not isinstance(error, (RequestError, LoadError, ValueError, IndexError, RuntimeError))


def _named(job: _Job) -> str:
    """Return the key of a job as it is logged."""
    return repr(shortened(format_key(job.request)))
