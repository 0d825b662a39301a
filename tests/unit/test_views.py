from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from traitlets import TraitError

import llmscope
from llmscope import AttentionView, Explorer, NextTokenView, TokensView
from llmscope.scope import Scope
from tests.closeness import assert_probabilities_close
from tests.reference import assert_matrix_close, matrix_of
from tests.tiny import MODELS, TEXT


@pytest.fixture
def explorer(scope):
    view = scope.explore(TEXT, layer=1, head=2)
    yield view
    view.close()


def test_what_is_on_screen_can_be_read_in_python(explorer, scope):
    trace = scope.trace(TEXT)
    assert explorer.trace.ids == trace.ids
    assert np.array_equal(explorer.attention, trace.attention(1, 2))
    explorer.temperature, explorer.top_k, explorer.position = 0.5, 7, 4
    expected = trace.next_token(position=4, temperature=0.5, top_k=7)
    assert np.array_equal(explorer.distribution.probs, expected.probs)


def test_the_engine_is_part_of_what_is_on_screen(explorer, scope):
    explorer.temperature, explorer.top_p, explorer.typical_p = 2.0, 0.5, 0.9
    trace = scope.trace(TEXT)
    settings = {"temperature": 2.0, "top_p": 0.5}
    for order, more in (("llama.cpp", {"typical_p": 0.9}), ("vllm", {})):
        explorer.order = order
        expected = trace.next_token(**settings, **more, order=order)
        assert np.array_equal(explorer.distribution.probs, expected.probs)


def test_with_a_decoder_side_the_distribution_is_the_one_behind_its_end(tokenizer):
    trace = Scope(MODELS["t5"](), tokenizer).trace(TEXT, target="it sleeps")
    view = NextTokenView(trace, position=0)
    assert np.array_equal(view.distribution.probs, trace.distribution(-1).probs)
    view.close()


def test_the_trace_follows_the_text(explorer):
    first = explorer.trace
    assert explorer.trace is first
    explorer.text = "the dog"
    assert explorer.trace.text == "the dog"


def test_a_position_beyond_a_shorter_text_is_its_end(explorer):
    explorer.position = 20
    explorer.text = "the dog"
    last = explorer.trace.next_token()
    assert np.array_equal(explorer.distribution.probs, last.probs)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("layer", 3, "layer lies between 0 and 2"),
        ("layer", -1, "layer lies between 0 and 2"),
        ("head", -1, "head lies between 0 and 3"),
        ("head", 4, "head lies between 0 and 3"),
        ("position", -2, "position is -1"),
        ("temperature", -0.1, "temperature must be a number 0 or more"),
        ("top_p", 1.5, "top_p must be a number between 0 and 1"),
        ("top_k", -3, "top_k must be a whole number"),
        ("top_k", 0.5, "top_k"),
        ("min_p", -0.1, "min_p must be a number between 0 and 1"),
        ("threshold", 2.0, "threshold lies between"),
        ("temperature", "hot", "temperature"),
        ("temperature", float("nan"), "0 or more"),
        ("typical_p", 0.0, "typical_p must be a number above 0"),
        ("order", "ollama", "order"),
    ],
)
def test_bad_values_are_refused_in_words_and_nothing_changes(explorer, name, value, words):
    before = explorer.get_state()
    with pytest.raises(TraitError, match=words):
        setattr(explorer, name, value)
    assert explorer.get_state() == before
    with pytest.raises(TraitError, match=words):
        explorer.scope.explore(TEXT, **{name: value})


def test_unknown_settings_of_a_view_raise(scope):
    with pytest.raises(TypeError, match="tempreature"):
        scope.explore(TEXT, tempreature=1)


def test_single_panels_show_the_trace_that_they_were_given(scope):
    trace = scope.trace([5, 6, 7])
    for view in (NextTokenView(trace), AttentionView(trace, layer=2), TokensView(trace)):
        assert view.trace is trace
        assert view.text == trace.text
        view.close()


def test_linked_views_begin_with_what_the_first_one_shows(scope):
    trace = scope.trace(TEXT)
    one, other = NextTokenView(trace, temperature=0.3), AttentionView(trace, layer=2)
    links = llmscope.link(one, other)
    assert (other.temperature, other.layer) == (0.3, one.layer)
    links.unlink()


def test_the_page_may_choose_a_head_until_somebody_does(scope):
    chosen = {"layer": 1, "head": 1, "_telling": False}  # as the page says it
    view = Explorer(scope, TEXT)
    assert view._telling
    view.set_state(chosen)
    assert (view.layer, view.head, view._telling) == (1, 1, False)
    view = Explorer(scope, TEXT)
    view.layer = 0  # it is that already, and a choice
    views = (view, Explorer(scope, TEXT, layer=0), AttentionView(scope.trace(TEXT), head=0))
    for view in views:
        assert not view._telling
        view.set_state(chosen)
        assert (view.layer, view.head) == (0, 0)
        assert "_telling" not in view.shared_traits()


def test_a_text_is_shaded_by_what_is_drawn(explorer):
    explorer.heads = [(0, 1), (1, 0)]
    for mode, combine, how in (
        ("matrix", "max", "max"),
        ("arcs", "max", "mean"),
        ("steps", "max", "head"),
    ):
        explorer.mode, explorer.combine = mode, combine
        assert explorer.state().shading.how == how
    explorer.mode, explorer.heads = "arcs", [(1, 0)]
    assert explorer.state().shading.where == [(1, 0)]


def test_an_explorer_without_a_model_says_so():
    view = llmscope.explore("hello")
    with pytest.raises(ValueError, match="pick one first"):
        _ = view.trace
    assert view.scope is None
    assert "no model yet" in repr(view)
    view.close()


def test_closing_lets_go_of_everything(scope):
    view = Explorer(scope, TEXT)
    assert view.trace
    view.close()
    assert not len(view._handlers.traces)
    assert view.comm is None


@pytest.mark.parametrize("name", ["llama", "mistral", "gpt_oss", "bert", "t5"])
def test_without_its_sink_a_row_is_shared_by_the_other_keys(name, tokenizer):
    trace = Scope(MODELS[name](), tokenizer).trace(TEXT)
    kind = trace.kinds[0]
    whole = trace.attention(1, kind=kind)
    for head, weights in enumerate(whole):
        expected = weights.copy()
        expected[:, 0] = 0
        total = expected.sum(axis=1, keepdims=True)
        np.divide(expected, total, out=expected, where=total > 0)
        found = matrix_of(trace, kind, f"sinkless.head.1.{head}")
        assert_probabilities_close(found, expected)
    rows = matrix_of(trace, kind, "sinkless.mean.1.0+1.1", [3, 5])
    both = [matrix_of(trace, kind, f"sinkless.head.1.{head}", [3, 5]) for head in (0, 1)]
    assert_probabilities_close(rows, np.mean(both, axis=0))


def test_what_is_on_screen_follows_mode_and_chosen_heads(explorer):
    trace = explorer.trace
    one, two = trace.attention(0, 1), trace.attention(1, 0)
    explorer.heads = [(0, 1), [1, 0]]
    assert explorer.heads == ((0, 1), (1, 0))
    assert np.array_equal(explorer.attention, trace.attention(1, 2))
    for combine, expected in (
        ("mean", (one + two) / 2),
        ("max", np.maximum(one, two)),
        ("difference", one - two),
        ("rollout", trace.rollout(1)),
    ):
        explorer.combine = combine
        assert_matrix_close(explorer.attention, expected, combine)
    explorer.mode = "arcs"
    assert_probabilities_close(explorer.attention, np.stack([one, two]))
    explorer.hide_sink = True
    rest = np.stack([one, two])
    rest[:, :, 0] = 0
    total = rest.sum(axis=-1, keepdims=True)
    np.divide(rest, total, out=rest, where=total > 0)
    assert_probabilities_close(explorer.attention, rest)


def test_weights_are_whole_while_those_of_one_sentence_are_drawn(tokenizer):
    trace = Scope(MODELS["bert"](), tokenizer).trace("the dog", pair="it sleeps")
    view = AttentionView(trace, layer=1, head=2)
    view.segments = "ab"
    assert np.array_equal(view.attention, trace.attention(1, 2))
    view.close()


@pytest.mark.parametrize(
    "heads", [[(0, 1), (0, 1)], [(9, 0)], [(0, -1)], [1], "ab", [(0, n) for n in range(9)]]
)
def test_heads_that_cannot_be_shown_are_refused_in_words(explorer, heads):
    with pytest.raises(TraitError, match=r"head|pair"):
        explorer.heads = heads
    assert explorer.heads == ()


def test_halves_of_characters_are_replaced_in_what_a_message_carries(scope):
    half = "x\ud800y"
    view = scope.explore(half, pair=half, target=half)
    assert (view.text, view.pair, view.target) == ("x�y",) * 3
    view.text = half + "z"
    assert view.text == "x�yz"
    for name in ("text", "pair", "target"):
        getattr(view, name).encode()
    view.close()


def test_what_is_sent_of_a_model_with_half_a_character_in_its_name_can_be_sent(tokenizer):
    scope = Scope(MODELS["llama"](), tokenizer, name="ti\udc80ny")
    view = scope.explore(TEXT)
    json.dumps([scope.describe(), view._repr_mimebundle_()], ensure_ascii=False).encode()
    view.close()


@pytest.mark.parametrize("path", ["rubbish", "model", "read/[]", "ids//", "ids//1,-2", "t1/chain"])
def test_a_path_that_names_no_input_is_refused(explorer, path):
    with pytest.raises(TraitError, match="key of an input"):
        explorer._path = path
    explorer._path = "ids//1,2"
    assert explorer.trace.ids == [1, 2]


def test_a_view_of_a_trace_reads_again_when_its_model_has_changed(tokenizer):
    model = MODELS["gpt2"]()
    trace = Scope(model, tokenizer).trace(TEXT)
    view = NextTokenView(trace)
    with torch.no_grad():
        model.transformer.wte.weight.mul_(2)
    with pytest.raises(RuntimeError, match="changed"):
        _ = view.trace
    view.refresh()
    assert np.array_equal(view.distribution.probs, trace.scope.trace(TEXT).next_token().probs)
    assert view.state().given is None
    view.close()
