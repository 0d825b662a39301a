"""A bar leaves nothing behind, in a notebook least of all."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from tqdm.std import tqdm

import llmscope
from llmscope import progress_bar as module
from llmscope.progress_bar import NotebookBar, progress_bar
from tests.tiny import TEXT


@pytest.fixture
def shell(monkeypatch):
    """IPython as a kernel has it."""
    shell = InteractiveShell.instance()
    monkeypatch.setattr(shell, "kernel", object(), raising=False)
    yield shell
    InteractiveShell.clear_instance()


def test_in_a_notebook_it_is_text_that_goes(shell):
    with capture_output() as captured:
        bar = progress_bar(total=4, desc="Loading", mininterval=0)
        assert isinstance(bar, NotebookBar)
        bar.update(2)
        bar.close()
    texts = [output.data for output in captured.outputs]
    assert "Loading:  50%" in texts[1]["text/plain"]
    assert texts[-1] == {"text/html": ""}
    assert captured.stderr == captured.stdout == ""
    ids = {output.transient["display_id"] for output in captured.outputs}
    assert len(ids) == 1, "one output, which is updated"


def test_what_is_quick_shows_nothing(shell):
    with capture_output() as captured, progress_bar(total=4, delay=60) as bar:
        bar.update(4)
    assert not captured.outputs


def test_loading_and_generating_leave_nothing(shell, folder):
    with capture_output() as captured:
        scope = llmscope.load(folder)
        scope.generate(TEXT, max_new_tokens=2)
        trace = scope.trace(TEXT)
        trace.effects(trace.next_token().top(1)[0].id, of="heads", method="ablate")
    left = {output.transient["display_id"]: output.data for output in captured.outputs}
    assert left
    assert set(map(repr, left.values())) == {repr({"text/html": ""})}
    assert "widget" not in repr(captured.outputs)
    assert captured.stderr == captured.stdout == ""


def test_elsewhere_it_is_a_line_that_goes(monkeypatch):
    stream = io.StringIO()
    with progress_bar(total=2, file=stream, mininterval=0, ncols=40) as bar:
        assert type(bar) is tqdm
        bar.update()
    assert stream.getvalue().rstrip(" ").endswith("\r")


def test_none_is_drawn_where_transformers_draws_none(monkeypatch, shell):
    from transformers.utils import logging

    monkeypatch.setattr(logging, "_tqdm_active", False)
    with capture_output() as captured, module.progress_bar(total=2) as bar:
        bar.update(2)
    assert not captured.outputs


def test_in_marimo_there_is_none(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "marimo", SimpleNamespace(running_in_notebook=lambda: True))
    with progress_bar(total=4, mininterval=0) as bar:
        bar.update(2)
    assert bar.disable
    assert capsys.readouterr().err == ""
