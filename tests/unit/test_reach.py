"""Views whose comms' messages no longer arrive are reached by a comm that the page opens."""

from __future__ import annotations

import comm

from llmscope import Explorer
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
