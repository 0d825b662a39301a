"""What is told in a thread of its own: whoever hears it may ask the server, and may fail."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

_IDLE = 1.0  # seconds after which the thread ends; the next work starts another
_log = logging.getLogger(__name__)


class Later:
    """Does one work after the other."""

    def __init__(self) -> None:
        self._works: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._works_now = False

    def put(self, work: Callable[[], object]) -> None:
        """Have something done, after all that was put before."""
        with self._lock:
            self._works.put(work)
            if not self._works_now:
                self._works_now = True
                threading.Thread(target=self._work, name="llmscope-later", daemon=True).start()

    def _work(self) -> None:
        while True:
            try:
                work = self._works.get(timeout=_IDLE)
            except queue.Empty:
                with self._lock:
                    if self._works.empty():
                        self._works_now = False
                        return
                continue
            try:
                work()
            except Exception:
                _log.exception("llmscope could not pass on what a server told")
