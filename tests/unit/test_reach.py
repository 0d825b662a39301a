"""Views whose comms' messages no longer arrive are reached by a comm that the page opens."""

from __future__ import annotations

import threading
from contextvars import ContextVar, copy_context

import comm

from llmscope import Explorer
from llmscope.kernel import Worker
from llmscope.kernel.reach import TARGET


def test_every_open_view_sends_an_empty_message(scope, monkeypatch):
    views = [Explorer(scope, text="one") for _ in range(3)]
    sent = []
    for view in views:
        monkeypatch.setattr(view.comm, "send", lambda data, **_: sent.append(data))
    views[0].close()
    target = comm.get_comm_manager().targets[TARGET]
    target(None, {})
    assert sent == [{"method": "custom", "content": {}}] * 2
    for view in views[1:]:
        view.close()


def test_what_grows_is_told_where_the_page_is_heard_now():
    subshell: ContextVar[str] = ContextVar("subshell", default="")
    sent: list[str] = []
    came, goes_on = threading.Semaphore(0), threading.Event()

    def send(content: dict, buffers: list[bytes]) -> None:
        sent.append(subshell.get())
        came.release()

    def answer(request, cancelled):
        yield {"id": 1}
        yield {"id": 2}
        assert goes_on.wait(10)
        yield {"id": 3}

    def receive(where: str, content: dict) -> None:
        copy_context().run(lambda: (subshell.set(where), worker.receive(content)))

    worker = Worker(answer, send)
    receive("main", {"request": 1, "key": "training/run"})
    assert came.acquire(timeout=10)
    receive("made later", {})
    goes_on.set()
    assert came.acquire(timeout=10) and came.acquire(timeout=10)
    worker.close()
    assert sent == ["main", "made later", "made later"]
