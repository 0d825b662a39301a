"""Where messages leave only when a session is flushed, an answer has it flushed."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

from llmscope.views.flushed import remember_session, send_flushed


def test_an_answer_in_shiny_is_flushed_in_the_session_it_is_for(monkeypatch):
    done: list[str] = []
    lock = asyncio.Lock()

    async def flush() -> None:
        assert lock.locked()
        done.append("flush")

    reactive = SimpleNamespace(lock=lambda: lock, flush=flush)
    monkeypatch.setitem(sys.modules, "shinywidgets", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "shiny", SimpleNamespace(reactive=reactive))

    async def session() -> None:
        remember_session()
        for number in ("1", "2"):
            # In a thread, with the context of what asked.
            await asyncio.to_thread(send_flushed, lambda n=number: done.append(n))
        while len(done) < 4:
            await asyncio.sleep(0)

    # In a thread of its own: the main one may have a loop, of a browser.
    with ThreadPoolExecutor(1) as threads:
        threads.submit(asyncio.run, asyncio.wait_for(session(), 10)).result()
    assert done == ["1", "flush", "2", "flush"]


def test_elsewhere_it_is_sent_at_once():
    done: list[int] = []
    remember_session()
    send_flushed(lambda: done.append(1))
    assert done == [1]
