"""The view of an evaluation: what the page is told, pages without a kernel, and stopping."""

from __future__ import annotations

import threading

import pytest

import llmscope
from llmscope.capture import NEVER
from llmscope.evaluation import run as run_module
from llmscope.export.plain_text import summary
from llmscope.kernel import Handlers
from llmscope.kernel.evaluation import MOST_TEXTS
from llmscope.kernel.protocol import parse
from llmscope.kernel.requests import RequestError
from llmscope.scope import Scope
from tests import tiny

TEXTS = ["A tiny model reads this.", "日本語 <b>naïve</b>"]


@pytest.fixture
def view(scope):
    made = llmscope.evaluate({"one": scope, "other": scope}, {"en": TEXTS[:1], "ja": TEXTS[1:]})
    made._run.wait(bar=False)
    yield made
    made.close()


def parts(view, key: str) -> list[dict]:
    answers = Handlers(None, answers=view.state().answers)(parse(key), NEVER)
    return [part for part in answers if part]


def test_the_page_is_told_what_python_finds(view):
    told = parts(view, "evaluation")[-1]
    assert told["over"] and told["done"] == 1
    names = [one["name"] for one in told["measures"]]
    evaluation = view.evaluation
    for model, read in zip(evaluation.models, told["models"], strict=True):
        value = evaluation.value(model, "perplexity")
        found, low, high, why = read["values"][names.index("perplexity")]
        assert (found, low, high) == pytest.approx((value.value, value.low, value.high), rel=1e-5)
        assert why == ""
    assert told["models"][1]["code"] == "models['other']"
    assert told["numbers"]["tokens_per_character"][0][1] == pytest.approx(
        evaluation.of_text(evaluation.models[0], 1, "tokens_per_character"), rel=1e-5
    )
    (text,) = parts(view, "evaluation/text/1")
    assert text["text"] == TEXTS[1]
    assert text["models"][0]["labels"] == evaluation.models[0].scores[1].labels
    with pytest.raises(RequestError, match="There is no text 7"):
        parts(view, "evaluation/text/7")


def test_parts_come_while_it_is_measured_and_stop_ends_it(monkeypatch, scope):
    go_on = threading.Event()

    def measure(own, job, emit, cancelled):
        emit({"values": {"parameters": {"value": 3}}})
        while not cancelled():
            go_on.wait(0.01)
        raise run_module.Cancelled

    monkeypatch.setattr(run_module, "measure_scope", measure)
    view = llmscope.evaluate(scope, TEXTS)
    told = Handlers(None, answers=view.state().answers)(parse("evaluation"), NEVER)
    first = next(part for part in told if part)
    assert not first["over"]
    parts(view, "evaluation/stop")
    last = [part for part in told if part][-1]
    assert last["over"]
    assert last["models"][0]["state"] == "stopped"
    assert last["models"][0]["values"][0][0] == 3
    view.close()


def test_a_view_that_is_closed_measures_no_more(monkeypatch, scope):
    ended = threading.Event()

    def measure(own, job, emit, cancelled):
        while not cancelled():
            ended.wait(0.01)
        ended.set()
        raise run_module.Cancelled

    monkeypatch.setattr(run_module, "measure_scope", measure)
    llmscope.evaluate(scope, TEXTS).close()
    assert ended.wait(10)


def test_pages_words_and_figures_hold_the_numbers(view, tmp_path):
    page = view.to_html(tmp_path / "page.html")
    assert "bits per byte by model" in page.html
    words = summary(view.state())
    assert words.startswith("bits per byte by model\none: ")
    view.measure, view.ordering = "parameters", "descending"
    figure = view.figure()
    written = {text.get_text() for axes in figure.axes for text in axes.texts}
    assert {"parameters", "one", "other"} <= written
    assert view.static()._repr_html_().count("<iframe") == 1


def test_a_model_without_the_measure_says_why_on_paper(tokenizer):
    models = {"reads": Scope(tiny.MODELS["gpt2"](), tokenizer)}
    models["masks"] = Scope(tiny.MODELS["bert"](), tiny.word_piece())
    view = llmscope.evaluate(models, ["the dog sleeps"], measure="pseudo_perplexity")
    view._run.wait(bar=False)
    written = [text.get_text() for axes in view.figure().axes for text in axes.texts]
    assert any("It predicts the next token" in one for one in written)
    view.close()


def test_of_many_texts_some_are_listed_and_all_are_counted(scope, monkeypatch):
    monkeypatch.setattr(run_module, "measure_scope", lambda own, job, emit, cancelled: None)
    view = llmscope.evaluate(scope, ["a"] * (MOST_TEXTS + 5))
    view._run.wait(bar=False)
    told = parts(view, "evaluation")[-1]
    assert (len(told["texts"]), told["all_texts"]) == (MOST_TEXTS, MOST_TEXTS + 5)
    view.close()
