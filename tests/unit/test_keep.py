"""What a saved notebook keeps of a view, as the page asks for it when the view has come to rest."""

from __future__ import annotations

import base64
import io
import threading

import pytest
from matplotlib.image import imread

from llmscope import GenerationView
from llmscope.capture import Cancelled
from llmscope.export import keep as module
from llmscope.kernel.beside import beside
from llmscope.kernel.protocol import parse
from llmscope.kernel.requests import PAUSE
from tests.tiny import TEXT


def asked(view, key: str):
    *_, part = view._handlers(parse(key), lambda: False)
    return part


def kept(view):
    return asked(view, "kept")


def test_words_and_picture_are_those_of_what_is_on_screen(scope):
    view = scope.explore(TEXT, layer=1, head=2)
    first = kept(view)
    assert set(first) == {"state", "words", "picture"}
    assert imread(io.BytesIO(base64.b64decode(first["picture"]))).shape[1] > 300
    view.temperature = 0.5
    second = kept(view)
    assert "(temperature 0.5)" in second["words"]
    assert second["state"] != first["state"]
    assert second["picture"] != first["picture"]
    view.temperature = 1.0
    assert kept(view)["state"] == first["state"]
    view.close()


def test_the_page_is_kept_up_to_a_size(scope):
    view = scope.explore(TEXT, keep_mb=5)
    page = kept(view)["page"]
    assert page == view.to_html().html
    view.keep_mb = len(page) / 1e6 - 0.001
    assert "page" not in kept(view)
    view.close()


def test_a_view_that_shows_nothing_keeps_nothing(scope, monkeypatch):
    empty = scope.explore()
    assert kept(empty) == {}
    view = GenerationView(scope, TEXT, max_new_tokens=2, keep_mb=5)
    made = kept(view)
    assert made["words"] == f"tiny: {TEXT}"
    assert "page" not in made, "nothing is written yet"
    list(view.stepper)
    written = view.stepper.text(view.stepper.tree.current)
    assert kept(view)["words"] == f"tiny: {TEXT}\n{written}"
    monkeypatch.setattr(module, "words", lambda _state: 1 / 0)
    assert kept(view) == {}, "the view itself says what goes wrong"
    for one in (empty, view):
        one.close()


def test_others_are_answered_meanwhile():
    over, went = threading.Event(), []

    def work():
        over.wait(10)
        return {"done": True}

    for part in beside(work, lambda: False):
        went.append(part)
        if part is PAUSE:
            over.set()
    assert went[0] is PAUSE
    assert went[-1] == {"done": True}


def test_what_nobody_waits_for_is_left():
    over = threading.Event()
    with pytest.raises(Cancelled):
        list(beside(lambda: over.wait(10) and {}, lambda: True))
    over.set()
