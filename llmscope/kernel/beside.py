"""Work that takes long, in a thread of its own: others are answered meanwhile."""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING

from llmscope.capture import Cancelled
from llmscope.kernel.requests import PAUSE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmscope.kernel.requests import Part

_SECONDS = 0.02  # that others wait at most


def beside(
    work: Callable[[Callable[[], bool]], Part], cancelled: Callable[[], bool]
) -> Iterator[Part]:
    """Yield what `work` returns, and `PAUSE` until then; it is told when nobody waits any more."""
    done: Future[Part] = Future()

    def run() -> None:
        try:
            done.set_result(work(cancelled))
        except BaseException as error:  # for whoever asked, in its own thread
            done.set_exception(error)

    threading.Thread(target=run, name="llmscope-beside", daemon=True).start()
    while not wait([done], timeout=_SECONDS).done:
        if cancelled():
            raise Cancelled
        yield PAUSE
    yield done.result()
