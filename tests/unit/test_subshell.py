"""Messages of a view's comm run in the subshell that the page names."""

from __future__ import annotations

from ipykernel.comm.comm import BaseComm

from llmscope import Explorer


class KernelComm(BaseComm):
    """One that publishes nothing, and last sent something from a cell."""

    def publish_msg(self, *_args, **_kwargs):
        self._reply_subshell_id = None


def test_messages_run_where_the_page_sends_them(scope, monkeypatch):
    monkeypatch.setattr("comm.create_comm", KernelComm)
    view = Explorer(scope, text="one")
    plain = KernelComm(target_name="another")
    try:
        route = (view.comm._reply_subshell_for, plain._reply_subshell_for)
        assert [of({"content": {}}, "a subshell") for of in route] == ["a subshell", None]
    finally:
        view.close()
