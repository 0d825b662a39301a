"""Two that are side by side: the view, what its page asks for, and its exported page."""

from __future__ import annotations

import numpy as np
import pytest
import traitlets

import llmscope
from llmscope import CompareView, Comparison, Scope
from llmscope.capture import NEVER
from llmscope.kernel.protocol import format_key, parse
from llmscope.kernel.requests import PAUSE, Call, RequestError
from tests import tiny
from tests.closeness import assert_close
from tests.unit.test_edits_view import opened_page

A, B = "The quick brown fox", "The lazy brown dog sleeps"


@pytest.fixture
def traces(scope):
    return scope.trace(A), scope.trace(B)


@pytest.fixture
def view(traces):
    made = llmscope.compare(*traces, layer=2, head=1)
    yield made
    made.close()


@pytest.fixture
def other():
    """A model of another shape, with tokens of its own."""
    return Scope(tiny.MODELS["gpt2"](), tiny.sentence_piece(), name="other")


def ask(view, key):
    (part,) = (one for one in view._handlers(parse(key), NEVER) if one is not PAUSE)
    return part


# ── the view ─────────────────────────────────────────────────────────────────────────────────────


def test_the_comparison_is_that_of_what_is_on_screen(view, traces):
    expected = Comparison(*traces)
    assert np.array_equal(view.comparison.head_distances, expected.head_distances)
    view.other_text = A
    assert view.b.text == A
    assert_close(view.comparison.attention(2), 0, size=1)


def test_a_trace_beside_itself_differs_in_nothing(traces):
    view = llmscope.compare(traces[0], traces[0])
    found = view.comparison
    assert not found.head_distances.any()
    assert not found.attention(2).any()
    assert found.next_token.kl_ab == found.next_token.total_variation == 0
    assert not np.nan_to_num(found.surprisal).any()
    view.close()


def test_each_side_is_shown(view, traces):
    assert view.side == "difference"
    assert_close(view.attention, Comparison(*traces).attention(2, 1), size=1)
    for side, trace in zip("ab", traces, strict=True):
        view.side = side
        assert view.trace.text == trace.text
        assert_close(view.attention, trace.attention(2, 1))
        assert_close(view.distribution.probs, trace.next_token().probs)
    with pytest.raises(traitlets.TraitError):
        view.side = "untouched"


@pytest.mark.parametrize("combine", ["mean", "rollout"])
def test_combined_heads_have_a_difference_among_common_tokens(view, traces, combine):
    view.heads, view.combine = [(1, 0), (2, 3)], combine
    pairs = Comparison(*traces).pairs
    both = [
        trace.rollout(2) if combine == "rollout" else trace.combined([(1, 0), (2, 3)], combine)
        for trace in traces
    ]
    common = [whole[np.ix_(own, own)] for whole, own in zip(both, pairs.T, strict=True)]
    assert_close(view.attention, common[0] - common[1], size=1)


def test_scopes_read_the_text_that_is_given(scope, other):
    one = llmscope.compare(scope, other, text=A)
    assert (one.a.text, one.b.text) == (A, A)
    assert one.other_scope is other
    two = CompareView(scope, scope, A, other_text=B)
    assert (two.a.text, two.b.text) == (A, B)
    three = llmscope.compare(scope.trace(B), other)
    assert three.b.text == B
    for made in (one, two, three):
        made.close()
    with pytest.raises(ValueError, match="text="):
        llmscope.compare(scope, other)
    with pytest.raises(TypeError, match="neither"):
        llmscope.compare(scope, A)


def test_the_same_text_with_and_without_edits(scope):
    edit = llmscope.ablate(head=(0, 1))
    view = llmscope.compare(scope.trace(A, edits=[edit]), scope.trace(A))
    assert view.edits == (edit,)
    assert view.other_edits == ()
    assert view.comparison.head_distances[1:].max() > 1e-4
    view.other_edits = [edit]
    assert_close(view.comparison.attention(2), 0, size=1)
    view.close()


def test_anchors_align_by_hand(view):
    view.anchors = [(2, 1)]
    assert [2, 1] in view.comparison.pairs.tolist()
    for wrong in ([(3, 1), (2, 4)], [(-1, 0)], 3, [(1,)]):
        with pytest.raises(traitlets.TraitError):
            view.anchors = wrong
    view.text = "Other words"
    assert view.anchors == ()


def test_the_page_sets_what_is_shown(view):
    view.set_state({"side": "b", "other_text": "The lazy cat", "anchors": [[1, 1]]})
    assert view.trace.text == "The lazy cat"
    assert view.anchors == ((1, 1),)  # the page knows what it aligned


def test_the_python_of_a_view_makes_it(scope, other):
    view = llmscope.compare(scope, other, text=A, side="b", other_edits=[llmscope.ablate(mlp=1)])
    (part,) = view._call(Call(), NEVER)
    names = {"scope": scope, "other": other, "llmscope": llmscope}
    made = eval(part["call"], names)
    assert made.shared_traits() == view.shared_traits()
    made.close()
    view.close()


def test_linked_views_share_what_they_share(view, scope):
    heads = llmscope.AttentionView(scope.trace(A))
    links = llmscope.link(view, heads)
    assert (heads.layer, heads.head) == (2, 1)
    links.unlink()
    heads.close()


def test_a_closed_view_says_so(traces):
    view = llmscope.compare(*traces)
    view.close()
    with pytest.raises(ValueError, match="closed"):
        _ = view.comparison


# ── the wire ─────────────────────────────────────────────────────────────────────────────────────


def test_the_second_model_answers_by_a_prefix(scope, other):
    view = llmscope.compare(scope, other, text=A)
    assert ask(view, "other/model")["model"]["name"] == "other"
    assert ask(view, "model")["model"]["name"] == scope.name
    names = [ask(view, key)["trace"] for key in (f"text/{A}", f"other/text/{A}")]
    assert len(set(names)) == 2
    found = ask(view, f"{names[1]}/logits/0")
    assert_close(found["logits"], view.b.logits[0])
    assert ask(view, "other/token/5")["label"] != ask(view, "token/5")["label"]
    found = ask(view, "other/vocabulary/lazy")
    assert found["labels"] == ["·lazy"]
    view.close()


def test_a_view_of_one_model_has_no_other(scope):
    view = scope.explore(A)
    with pytest.raises(ValueError, match="no other"):
        ask(view, f"other/text/{A}")
    with pytest.raises(RequestError, match="no answer"):
        ask(view, "other/model")
    view.close()


def test_rows_are_those_of_the_comparison(view):
    a, b = (ask(view, key)["trace"] for key in (f"text/{A}", f"other/text/{B}"))
    found = ask(view, f"{a}-{b}/rows")
    comparison = view.comparison
    expected = [(r.a.start, r.a.stop, r.b.start, r.b.stop, r.same) for r in comparison.tokens]
    assert found["rows"].tolist() == [list(map(int, row)) for row in expected]
    assert found["pairs"].tolist() == comparison.pairs.tolist()
    assert found["one_vocabulary"]
    assert_close(found["surprisals_b"][1:], -comparison.b.logprobs[1:] / np.log(2))
    by_hand = ask(view, f"{a}-{b}~2.1/rows")
    assert [2, 1] in by_hand["pairs"].tolist()
    row = ask(view, f"{a}-{b}~2.1/self/head.2.1/row.1")["weights"]
    assert_close(row, Comparison(view.a, view.b, [(2, 1)]).attention(2, 1)[1], size=1)
    with pytest.raises(ValueError, match="cross"):
        ask(view, f"{a}-{b}~2.1+1.2/rows")


def test_masked_models_have_rows_and_no_chain(tokenizer):
    scope = Scope(tiny.MODELS["bert"](), tiny.word_piece(), name="masked")
    view = llmscope.compare(scope.trace("the dog sleeps"), scope.trace("the dogs sleep"))
    a, b = (ask(view, key)["trace"] for key in ("text/the dog sleeps", "other/text/the dogs sleep"))
    assert "surprisals_a" not in ask(view, f"{a}-{b}/rows")
    view.close()


# ── pages ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("side", ["a", "b", "difference"])
def test_a_page_holds_both_and_their_difference(view, side):
    view.side = side
    page = opened_page(view)["sources"][0]
    assert {f"text/{A}", f"other/text/{B}", "other/model", "t1-t2/rows"} <= set(page["answers"])
    assert {"t1-t2/distances/self", "t1-t2/lens/block/0", "t1-t2/chain"} <= set(page["answers"])
    assert len(page["matrices"]) == len(page["logits"]) == 2
    assert not [key for key in page["answers"] if parse(key) and format_key(parse(key)) != key]


def test_a_page_of_two_models_names_the_tokens_of_each(scope, other):
    view = llmscope.compare(scope, other, text="The lazy dog")
    page = opened_page(view)["sources"][0]
    assert "label_texts" not in page["logits"][0]
    assert "·lazy" in page["logits"][1]["label_texts"]
    assert any("vocabularies" in str(words) for words in page["words"].values())
    view.close()


@pytest.mark.parametrize("kind", ["t5", "bert", "mamba"])
def test_other_families_are_compared(kind, tokenizer):
    scope = Scope(tiny.MODELS[kind](), tokenizer, name=kind)
    target = {"target": "the lazy"} if kind == "t5" else {}
    view = llmscope.compare(scope.trace(A, **target), scope.trace(B, **target))
    answers = opened_page(view)["sources"][0]["answers"]
    assert "t1-t2/rows" in answers
    kinds = {key.rpartition("/")[2] for key in answers if key.startswith("t1-t2/distances/")}
    assert kinds == set(view.a.kinds)
    view.close()


def test_anchors_go_along(view):
    view.anchors = [(2, 1)]
    assert "t1-t2~2.1/rows" in opened_page(view)["sources"][0]["answers"]


def test_words_and_the_kept_page_tell_of_both(view):
    from llmscope.export.keep import kept

    made = kept(view.state(), 1e6)
    assert f"A, tiny: {A}" in made["words"]
    assert f"B, tiny: {B}" in made["words"]
    assert "moved between the two" in made["words"]
    assert "page" in made


# ── figures ──────────────────────────────────────────────────────────────────────────────────────


def words_of(figure) -> str:
    return " ".join(text.get_text() for axes in figure.axes for text in axes.texts)


@pytest.mark.parametrize("side", ["a", "difference"])
def test_the_figure_has_both_texts_and_both_distributions(view, side):
    view.side = side
    words = words_of(view.figure())
    found = view.comparison.next_token
    assert f"KL A‖B {found.kl_ab:.2f} bits" in words
    assert "more surprising in A" in words
    for row in view.comparison.tokens:
        assert row.label_a in words
        assert row.label_b in words


def test_the_figure_of_models_of_different_shape_says_so(scope):
    config = tiny.MODELS["gpt2"]().config
    config.n_layer = 2
    import transformers as tf

    other = Scope(tf.GPT2LMHeadModel(config).eval(), scope.tokenizer, name="other")
    view = llmscope.compare(scope, other, text=A)
    assert "aren't matched" in words_of(view.figure()).replace("\n", " ")
    view.close()
