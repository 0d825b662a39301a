"""Exported pages: what is in them, and what may be asked for."""

from __future__ import annotations

import json

import numpy as np
import pytest

import llmscope
from llmscope import AttentionView, GenerationView, LensView, NextTokenView, TokensView
from llmscope.export import encoding, estimate
from llmscope.kernel import Handlers, IdsInput
from llmscope.kernel.protocol import format_key, parse
from llmscope.scope import Scope
from tests.closeness import TINY, assert_close, relative_tolerance
from tests.in_node import array, ask, opened
from tests.tiny import MODELS, TEXT


@pytest.fixture
def explorer(scope):
    view = scope.explore(TEXT, layer=1, head=2)
    yield view
    view.close()


@pytest.mark.parametrize("precision", ["float16", "float32"])
@pytest.mark.parametrize("name", ["llama", "mistral", "bert", "t5", "gpt_oss"])
def test_a_page_answers_as_the_kernel_does(name, precision, tokenizer, tmp_path, monkeypatch):
    # Blocks of a short text: no view requests them, and the kernel refuses them.
    monkeypatch.setattr("llmscope.kernel.tiles.highest_level", lambda queries, keys: 2)
    trace = Scope(MODELS[name](), tokenizer).trace(TEXT)
    view = AttentionView(trace, layer=1, head=1)
    html = view.to_html(precision=precision).html
    relative = 0 if precision == "float32" else encoding.WEIGHT_ERROR
    kind = trace.kinds[0]
    names = ["head.0.3", "sinkless.head.1.1", "mean.0.1+1.2", "max.0.0+1.3+1.1"]
    names += ["difference.0.1+1.0", "sinkless.mean.0.1+1.0"]
    places = ["row.3", "column.2", "0.0.0.max", "1.0.0.max", "2.0.0.mean"]
    keys = [f"t1/{kind}/{matrix}/{place}" for matrix in names for place in places]
    keys += [f"t1/thumbnails/{kind}/{layer}" for layer in trace.layers(kind)]
    keys += ["model", f"text/{TEXT}"]
    answers = Handlers(trace.scope, trace)
    for key, found in zip(keys, ask(html, [*keys], tmp_path), strict=True):
        if not keys.index(key):
            list(answers(parse(f"text/{TEXT}"), lambda: False))
        (true,) = answers(parse(key), lambda: False)
        assert found["words"] is None
        for field, value in true.items():
            if field == "cache":  # of the kernel's memory
                assert field not in found["part"]
                continue
            if not isinstance(value, np.ndarray):
                assert json.loads(json.dumps(value)) == found["part"][field]
                continue
            got = array(found["part"][field])
            assert got.shape == value.shape
            if field == "shades":  # A rounded weight may be drawn one of 255 steps off.
                assert np.abs(got - value).max() <= 1
            elif "difference" in key and ".0.0." in key:
                # Of two weights as far from 0, rounding may choose the other one.
                off = np.abs(np.abs(got) - np.abs(value.astype(np.float64)))
                assert off.max() <= 2 * relative + 2.5e-4  # the kernel halves its precision too
            elif "difference" in key or "sinkless" in key:
                assert np.abs(got - value).max() <= 2 * relative + relative_tolerance(TINY)
            else:
                close = relative + relative_tolerance(TINY)
                np.testing.assert_allclose(got, value, rtol=close, atol=1e-7)
    view.close()


def test_what_the_page_does_not_hold_is_refused_in_words(scope, tmp_path):
    view = scope.explore(TEXT, layer=1, head=2, position=3)
    html = view.to_html(layers=[0], positions=[-1]).html
    last = len(view.trace) - 1
    held = [
        *("t1/self/head.0.3/row.0", "t1/self/head.1.2/row.0", "t1/chain"),
        *(f"t1/logits/{last}", "t1/logits/3", "t1/steps/self/1/2/3", "release"),
    ]
    missing = {
        "t1/self/head.1.1/row.0": "the page holds all heads of layer 0, head 1·2",
        "t1/self/mean.0.0+2.0/0.0.0.max": "all heads of layer 0",
        "t1/self/rollout.1/0.0.0.max": "Rollout to this layer takes the model",
        "t1/logits/0": f"the page holds it at tokens 3, {last}",
        "t1/steps/self/0/2/3": "layer 1, head 2 at token 3",
        "text/another": "Reading another text takes the model",
        "vocabulary/a": "Finding a token takes the model",
        "anything": "no such part",
    }
    answers = ask(html, [*held, *missing], tmp_path)
    assert all(answer["words"] is None for answer in answers[: len(held)])
    for words, answer in zip(missing.values(), answers[len(held) :], strict=True):
        assert words in answer["words"]
        assert answer["error"] == answer["words"]
        assert answer["kind"] == "not-in-page"
    view.close()


def test_a_rollout_that_is_on_screen_comes_along(scope, tmp_path):
    view = scope.explore(TEXT, layer=2, combine="rollout")
    (answer,) = ask(view.to_html().html, ["t1/self/rollout.2/row.4"], tmp_path)
    true = view.trace.rollout(2, [4])[0]
    np.testing.assert_allclose(array(answer["part"]["weights"]), true, rtol=1e-3, atol=1e-6)
    view.close()


def test_every_family_can_be_exported(tokenizer):
    for make in MODELS.values():
        view = Scope(make(), tokenizer).explore(TEXT)
        page = view.to_html()
        assert page.size > 100_000
        view.close()


@pytest.mark.parametrize(
    ("choice", "kind", "words"),
    [
        ({"layers": [9]}, IndexError, "no attention in layer 9: layers= takes 0 to 2"),
        ({"heads": [(0, 99)]}, IndexError, r"no head \(0, 99\)"),
        ({"heads": [3]}, TypeError, "pairs"),
        ({"positions": [500]}, IndexError, "no position 500"),
        ({"prompts": "the dog"}, TypeError, "list of texts"),
        ({"precision": "int8"}, ValueError, "float16"),
        ({"layer": [1]}, TypeError, "layer"),
        ({"prompts": [""]}, ValueError, "empty"),
    ],
)
def test_what_makes_no_sense_raises(explorer, choice, kind, words):
    for export in (explorer.to_html, explorer.static, lambda **c: estimate(explorer, **c)):
        with pytest.raises(kind, match=words):
            export(**choice)


def test_a_page_needs_views_that_show_something(scope, explorer):
    with pytest.raises(ValueError, match="no view"):
        llmscope.to_html([])
    with pytest.raises(TypeError, match=r"not of (Remote)?Trace"):
        llmscope.to_html([explorer.trace])
    nothing = llmscope.explore("hello")
    with pytest.raises(ValueError, match="pick one first"):
        nothing.to_html()
    with pytest.raises(ValueError, match="Nothing is written yet"):
        GenerationView(scope, TEXT).to_html()
    empty = scope.explore("")
    with pytest.raises(ValueError, match="empty"):
        empty.to_html()


def test_a_page_is_written_where_it_is_asked_to(explorer, tmp_path):
    page = explorer.to_html(tmp_path / "page.html")
    assert page.path == tmp_path / "page.html"
    assert page.path.read_bytes() == page.html.encode()
    assert page.size == page.path.stat().st_size
    assert "page.html" in repr(page)


def test_a_frame_and_its_page_are_called_by_what_they_show(scope):
    shown = scope.trace('The "quick" <b>')
    output = LensView(shown).static()._repr_html_()
    assert 'title="LensView: The &quot;quick&quot; &lt;b&gt;"' in output
    assert 'title="Two &amp; three"' in LensView(shown).static(title="Two & three")._repr_html_()
    page = llmscope.to_html([LensView(shown), NextTokenView(shown)]).html
    assert "<h1>The &quot;quick&quot; &lt;b&gt;</h1><h2>LensView, NextTokenView</h2>" in page


def test_linked_views_are_linked_in_the_page(scope):
    trace = scope.trace(TEXT)
    views = [AttentionView(trace), NextTokenView(trace), TokensView(trace)]
    links = llmscope.link(views[2], views[0])
    page = opened(llmscope.to_html(views).html)
    ((one, other, names),) = page["links"]
    assert (one, other) == (2, 0)
    assert {"layer", "position", "temperature"} <= set(names)
    assert len(page["sources"]) == 1
    assert opened(views[2].to_html().html)["links"] == []
    links.unlink()
    assert opened(llmscope.to_html(views).html)["links"] == []


@pytest.mark.parametrize("name", ["llama", "t5"])
def test_what_was_written_is_held_with_its_branches(name, tokenizer, tmp_path):
    scope = Scope(MODELS[name](), tokenizer)
    view = GenerationView(scope, TEXT, seed=1, max_new_tokens=4)
    stepper = view.stepper
    nodes = list(stepper)
    stepper.force(7, after=nodes[1].number)
    stepper.select(nodes[0].number)
    source = tuple(stepper.source)
    ends = [nodes[-1].number, 5]
    paths = [format_key(IdsInput(source, tuple(stepper.ids(end)))) for end in ends]
    keys = [f"write/begin/{TEXT}", *paths, *(f"write/logits/{node}" for node in range(6))]
    row = len(stepper.ids(ends[1])) - 1
    keys += [f"write/copy/{ends[1]}", f"t2/self/head.1.1/row.{row}", "write/step/1", "write/copy/1"]
    page = view.to_html()
    assert any("writing" in note for note in page.notes)
    begin, *answers = ask(page.html, keys, tmp_path)
    state = begin["part"]
    assert (state["current"], state["count"], state["can_undo"]) == (nodes[-1].number, 5, False)
    for end, answer in zip(ends, answers[:2], strict=True):
        side = answer["part"]["target" if source else "tokens"]
        assert [row[0] for row in side] == stepper.ids(end)
    for node, answer in enumerate(answers[2:8]):
        true = stepper.logits(node).numpy()
        assert_close(array(answer["part"]["logits"]), true)
    copied, weights, step, copied_elsewhere = answers[8:]
    assert copied["part"]["ids"] == stepper.ids(ends[1])
    true = stepper.trace(ends[1]).attention(1, 1, kind="self")[row]
    np.testing.assert_allclose(array(weights["part"]["weights"]), true, rtol=1e-3, atol=1e-6)
    for answer in (step, copied_elsewhere):
        assert answer["words"] == answer["error"] == "Writing takes the model."
    traits = opened(page.html)["views"][0]["traits"]
    assert (traits["seed"], traits["shade"], traits["_editable"]) == (1, "probability", False)
    with pytest.raises(ValueError, match="prompts= takes no view that writes"):
        view.to_html(prompts=["another"])
    view.close()


def test_a_view_that_follows_what_was_written_follows_it_in_the_page(scope, tmp_path):
    run = scope.generate(TEXT, seed=0, max_new_tokens=4, do_sample=True, num_return_sequences=2)
    view, explorer = GenerationView(run), scope.explore("another")
    links = llmscope.link(view, explorer)
    html = llmscope.to_html([view, explorer]).html
    ((_, _, names),) = opened(html)["links"]
    assert "_path" in names
    keys = [*(format_key(IdsInput((), tuple(run.ids(i)))) for i in range(2)), "text/another"]
    answers = ask(html, keys, tmp_path, source=1)
    assert [row[0] for row in answers[1]["part"]["tokens"]] == run.ids(1)
    assert all(answer["words"] is None for answer in answers)
    links.unlink()
    view.close()
    explorer.close()


def test_a_page_holds_what_its_panels_ask_for_and_no_more(scope):
    trace = scope.trace(TEXT)
    tokens, following = TokensView(trace), NextTokenView(trace)
    first = opened(tokens.to_html().html)["sources"][0]
    assert first["logits"] == []
    assert not [key for key in first["answers"] if "thumbnails" in key or "steps" in key]
    assert opened(following.to_html().html)["sources"][0]["matrices"] == []
