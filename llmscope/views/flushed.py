"""Sending from another thread in Shiny, where messages leave when the session is flushed.

shinywidgets hands messages to ``session.on_flushed``, and Shiny flushes after what comes from the
page; an answer that is ready later would wait for the next move there.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# The loop of the Shiny session that a message came from; the worker answers in the same context.
_loop: ContextVar[asyncio.AbstractEventLoop | None] = ContextVar("_loop", default=None)


def remember_session() -> None:
    """Keep to which session what is now received is answered."""
    if "shinywidgets" in sys.modules:
        with suppress(RuntimeError):  # no loop runs: it isn't a session's
            _loop.set(asyncio.get_running_loop())


def send_flushed(send: Callable[[], object]) -> None:
    """Send at once, or in Shiny as soon as its session can be flushed."""
    loop = _loop.get()
    if loop is None:
        send()
    else:
        asyncio.run_coroutine_threadsafe(_flush_after(send), loop)


async def _flush_after(send: Callable[[], object]) -> None:
    from shiny import reactive

    async with reactive.lock():
        send()
        await reactive.flush()
