from __future__ import annotations

import io
import threading
import time

import numpy as np
import pytest
from matplotlib.image import imread

import llmscope
from llmscope import GenerationView, NextTokenView
from llmscope.export import fallback as module
from llmscope.export import static
from llmscope.scope import Scope
from llmscope.shared import KEPT_TYPE
from tests.tiny import MODELS, TEXT, word_piece

WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def explorer(scope):
    view = scope.explore(TEXT, layer=1, head=2, position=3)
    yield view
    view.close()


def bundle(view):
    data, _metadata = view._repr_mimebundle_()
    return data


def as_a_whole(monkeypatch):
    """As in a notebook that is run from beginning to end with nobody before it."""
    monkeypatch.setattr(module, "is_batch_run", lambda: True)


def test_words_say_what_is_on_screen(explorer, scope):
    trace = scope.trace(TEXT)
    data = bundle(explorer)
    assert set(data) == {WIDGET, KEPT_TYPE, "text/plain"}
    model, following, head = data["text/plain"].splitlines()
    assert model == f"tiny: {TEXT}"
    best = trace.next_token(3).top(1)[0]
    assert following.startswith(f"Likeliest tokens after {trace.tokens[3].text!r}: ")
    assert f" {100 * best.prob:.1f} %, " in following
    weights = trace.attention(1, 2)[3]
    key = trace.tokens[int(np.argmax(weights))]
    assert head == (
        f"Layer 1, head 2: {trace.tokens[3].text!r} looks most at {key.text!r}, "
        f"with weight {weights.max():.3f}"
    )


def test_words_name_the_settings_that_were_changed(scope):
    view = NextTokenView(scope.trace(TEXT), temperature=0.5, top_k=3)
    best = scope.trace(TEXT).next_token(temperature=0.5, top_k=3).top(1)[0]
    line = bundle(view)["text/plain"].splitlines()[1]
    assert line.startswith("Likeliest tokens (temperature 0.5, top_k 3): ")
    assert f"{100 * best.prob:.1f} %" in line
    assert len(line.split(": ", 1)[1].split("%, ")) == 3
    view.close()


def test_pieces_of_a_character_are_named_by_their_labels(scope):
    view = scope.explore("語", position=1)
    tokens = scope.trace("語").tokens
    assert [token.label for token in tokens] == ["語 1/3", "語 2/3", "語 3/3"]
    assert "Layer 0, head 0: 語 2/3 looks most at 語 " in bundle(view)["text/plain"]
    view.close()


def test_a_masked_model_is_told_at_its_token():
    view = Scope(MODELS["bert"](), word_piece(), name="bert").explore("the [MASK]", position=2)
    assert "Likeliest tokens at ' [MASK]': " in bundle(view)["text/plain"]
    view.close()


def test_a_notebook_that_is_run_as_a_whole_gets_a_picture_too(explorer, monkeypatch):
    as_a_whole(monkeypatch)
    data = bundle(explorer)
    assert set(data) == {WIDGET, KEPT_TYPE, "text/plain", "image/png"}
    assert data[KEPT_TYPE] == {"page": explorer.to_html().html}
    target = io.BytesIO()
    explorer.figure().savefig(target, format="png", dpi=96)
    shown, figure = (imread(io.BytesIO(png)) for png in (data["image/png"], target.getvalue()))
    assert np.array_equal(shown, figure)


def test_a_static_output_has_a_picture_where_nobody_waits_long(explorer, monkeypatch):
    monkeypatch.setattr(module, "_SECONDS", 60.0)
    data, metadata = explorer.static()._repr_mimebundle_()
    assert set(data) == {"text/plain", "text/html", "image/png"}
    assert metadata == {"image/png": {"alt": data["text/plain"]}}
    target = io.BytesIO()
    explorer.figure().savefig(target, format="png", dpi=96)
    shown, figure = (imread(io.BytesIO(png)) for png in (data["image/png"], target.getvalue()))
    assert np.array_equal(shown, figure)
    monkeypatch.setattr(module, "_SECONDS", 0.0)
    monkeypatch.setattr(static, "picture", lambda _state: time.sleep(0.2))
    data, metadata = explorer.static()._repr_mimebundle_()
    assert set(data) == {"text/plain", "text/html"}
    assert metadata == {}


def test_it_holds_no_page_that_is_larger_than_the_view_says(explorer, monkeypatch):
    as_a_whole(monkeypatch)
    explorer.saved_page_mb = 0.05
    assert bundle(explorer)[KEPT_TYPE] == {}


def test_what_was_written_is_said(scope):
    run = scope.generate(TEXT, max_new_tokens=3, seed=0, do_sample=False)
    view = GenerationView(run)
    assert bundle(view)["text/plain"] == f"tiny: {view.text}\n{run.texts[0]}"
    view.close()


def test_nobody_waits_long_for_words(explorer, monkeypatch):
    """A pass that takes too long is given up, so that the page's own needn't wait for it."""
    ended = threading.Event()

    def slow(_text, cancelled):
        while not cancelled():
            pass
        ended.set()
        raise RuntimeError("given up")

    monkeypatch.setattr(explorer._handlers.traces, "trace", slow)
    assert bundle(explorer)["text/plain"] == repr(explorer)
    assert ended.wait(10)


def test_without_a_model_or_a_text_there_is_only_the_name(scope):
    for view in (llmscope.explore(), scope.explore()):
        assert bundle(view)["text/plain"] == repr(view)
        view.close()


def test_what_goes_wrong_is_left_to_the_view_to_say(scope, monkeypatch):
    as_a_whole(monkeypatch)
    view = scope.explore(TEXT * 40)
    made = bundle(view)
    assert made == {"text/plain": repr(view), WIDGET: made[WIDGET], KEPT_TYPE: {}}
    view.close()


class Kernel:
    def __init__(self, content):
        self.content = content

    def get_parent(self):
        return {"content": self.content} if self.content is not None else {}


@pytest.mark.parametrize(
    ("content", "nobody"),
    [(None, False), ({}, False), ({"allow_stdin": True}, False), ({"allow_stdin": False}, True)],
)
def test_whether_somebody_waits_is_told_by_who_runs_the_cell(content, nobody, monkeypatch):
    import IPython

    shell = type("Shell", (), {"kernel": Kernel(content)})()
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    assert module.is_batch_run() is nobody


def test_in_a_plain_shell_words_are_enough(monkeypatch):
    import IPython

    monkeypatch.setattr(IPython, "get_ipython", lambda: None)
    assert not module.is_batch_run()
