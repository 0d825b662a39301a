"""What a saved notebook keeps of a view, as the page asks for it when the view has come to rest."""

from __future__ import annotations

import threading

import pytest

import llmscope
from llmscope import GenerationView, NextTokenView
from llmscope.capture import Cancelled
from llmscope.export import keep as module
from llmscope.kernel.beside import beside
from llmscope.kernel.protocol import parse
from llmscope.kernel.requests import PAUSE, RequestError
from tests.tiny import TEXT


def asked(view, key: str):
    *_, part = view._handlers(parse(key), lambda: False)
    return part


def kept(view):
    return asked(view, "kept")


def test_words_are_those_of_what_is_on_screen(scope):
    view = scope.explore(TEXT, layer=1, head=2, saved_page_mb=0)
    first = kept(view)
    assert set(first) == {"state", "words"}
    view.temperature = 0.5
    second = kept(view)
    assert "(temperature 0.5)" in second["words"]
    assert second["state"] != first["state"]
    view.temperature = 1.0
    assert kept(view)["state"] == first["state"]
    view.close()


def test_the_page_is_kept_up_to_a_size(scope):
    view = scope.explore(TEXT, saved_page_mb=5)
    page = kept(view)["page"]
    assert page == view.to_html().html
    view.saved_page_mb = len(page) / 1e6 - 0.001
    assert "page" not in kept(view)
    view.close()


def test_a_view_that_shows_nothing_keeps_nothing(scope, monkeypatch):
    empty = scope.explore()
    assert kept(empty) == {}
    view = GenerationView(scope, TEXT, max_new_tokens=2, saved_page_mb=5)
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
        yield {"half": True}
        yield {"done": True}

    for part in beside(work(), lambda: False):
        went.append(part)
        if part is PAUSE:
            over.set()
    assert went[0] is PAUSE
    assert went[-2:] == [{"half": True}, {"done": True}]


def test_what_nobody_waits_for_is_left():
    over = threading.Event()
    with pytest.raises(Cancelled):
        list(beside(({} for _ in [0] if over.wait(10)), lambda: True))
    over.set()


def test_the_page_to_save_is_that_of_to_html_up_to_a_size(scope, monkeypatch):
    view = scope.explore(TEXT)
    assert asked(view, "page")["html"] == view.to_html().html
    monkeypatch.setattr(module, "_LARGEST", 1000)
    with pytest.raises(ValueError, match=r"MB. In Python, view\.to_html"):
        asked(view, "page")
    view.close()


def test_the_python_of_a_view_makes_it_again(scope):
    views = [
        scope.explore(TEXT),
        scope.explore(TEXT, layer=1, head=2, heads=[(0, 1), (1, 2)], temperature=0.5, mode="arcs"),
        GenerationView(scope, TEXT, seed=3, top_p=0.9),
    ]
    for view in views:
        made = eval(asked(view, "call")["call"], {"scope": scope, "llmscope": llmscope})
        assert type(made).__name__ == type(view).__name__
        assert made.shared_traits() == view.shared_traits()
        for one in (view, made):
            one.close()


def test_a_view_of_a_trace_has_no_such_call(scope):
    view = NextTokenView(scope.trace(TEXT))
    with pytest.raises(RequestError):
        asked(view, "call")
    view.close()
