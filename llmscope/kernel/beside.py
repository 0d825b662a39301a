"""Work that takes long, in a thread of its own: others are answered meanwhile."""

from __future__ import annotations

import queue
import threading
from contextvars import copy_context
from typing import TYPE_CHECKING

from llmscope.capture import Cancelled
from llmscope.kernel.requests import PAUSE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmscope.kernel.requests import Part

_SECONDS = 0.02  # that others wait at most


def beside(parts: Iterator[Part], cancelled: Callable[[], bool]) -> Iterator[Part]:
    """Yield what `parts` yields, and `PAUSE` where the next one takes its time.

    `parts` goes on until its next one when nobody waits any more, and has to ask by itself.
    """
    made: queue.SimpleQueue[Part | BaseException | None] = queue.SimpleQueue()

    def run() -> None:
        try:
            for part in parts:
                if cancelled():
                    return
                made.put(part)
            made.put(None)
        except BaseException as error:  # for whoever asked, in its own thread
            made.put(error)

    within = copy_context()  # such as the language that is spoken
    threading.Thread(target=within.run, args=(run,), name="llmscope-beside", daemon=True).start()
    while True:
        try:
            part = made.get(timeout=_SECONDS)
        except queue.Empty:
            if cancelled():
                raise Cancelled from None
            yield PAUSE
            continue
        if part is None:
            return
        if isinstance(part, BaseException):
            raise part
        yield part
