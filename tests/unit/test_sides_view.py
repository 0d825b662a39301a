"""What views show of a text under edits: it, the text without them, or the difference."""

from __future__ import annotations

import numpy as np
import pytest
import traitlets

import llmscope
from llmscope import AttentionView, Comparison, Explorer, GenerationView, LensView, NextTokenView
from llmscope.capture import NEVER
from llmscope.kernel.edited_input import EditedInput
from llmscope.kernel.requests import Call
from tests.closeness import assert_close
from tests.tiny import TEXT
from tests.unit.test_edits_view import opened_page

EDIT = llmscope.ablate(head=(0, 2))


@pytest.fixture
def trace(scope):
    return scope.trace(TEXT, edits=[EDIT])


@pytest.fixture
def view(trace):
    made = AttentionView(trace, layer=2, head=1)
    yield made
    made.close()


def test_a_view_shows_one_of_three(view, trace):
    assert view.side == "edited"
    assert_close(view.attention, trace.attention(2, 1))
    view.side = "untouched"
    assert view.trace.edits == ()
    assert view.edits == (EDIT,)
    assert_close(view.attention, trace.untouched.attention(2, 1))
    view.side = "difference"
    assert view.trace.edits == (EDIT,)
    expected = Comparison(trace, trace.untouched).attention(2, 1)
    assert np.abs(expected).max() > 1e-3
    assert_close(view.attention, expected, size=1)
    with pytest.raises(traitlets.TraitError):
        view.side = "both"


@pytest.mark.parametrize("combine", ["mean", "difference", "rollout"])
def test_combined_heads_have_a_difference_too(view, trace, combine):
    view.side, view.heads, view.combine = "difference", [(1, 0), (2, 3)], combine
    both = []
    for one in (trace, trace.untouched):
        both.append(
            one.rollout(2) if combine == "rollout" else one.combined([(1, 0), (2, 3)], combine)
        )
    assert_close(view.attention, both[0] - both[1], size=1)
    view.mode = "arcs"  # of the edited text
    assert_close(view.attention, [trace.attention(1, 0), trace.attention(2, 3)])


def test_without_edits_there_is_one_side(show):
    view = show(AttentionView, text=TEXT)
    plain = view.attention
    for side in ("difference", "untouched"):
        view.side = side
        assert_close(view.attention, plain)


def test_a_generated_text_is_shown_as_it_was_written(scope):
    view = GenerationView(scope, TEXT, edits=[EDIT], do_sample=False, side="untouched")
    view.stepper.step()
    assert view.trace.edits == (EDIT,)
    assert not view.state().is_difference
    view.close()


def test_the_page_sets_the_side(view):
    view.set_state({"side": "difference"})
    assert view.side == "difference"
    assert view.get_state()["side"] == "difference"


def test_the_python_of_a_view_has_its_side(show):
    view = show(Explorer)
    view.edits, view.side = [EDIT], "difference"
    (part,) = view._call(Call(), NEVER)
    call = part["call"]
    assert "side='difference'" in call
    made = eval(call, {"scope": view.scope, "llmscope": llmscope})
    assert made.side == "difference"
    made.close()


# ── pages ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("side", ["edited", "untouched", "difference"])
def test_a_page_holds_both_texts_whatever_is_shown(view, side):
    view.side = side
    page = opened_page(view)
    keys = page["sources"][0]["answers"]
    assert {key.partition("/")[0] for key in keys} >= {"under", "text"}
    assert page["views"][0]["traits"]["side"] == side
    assert len(page["sources"][0]["matrices"]) == 2


def test_a_page_holds_the_difference_of_lens_and_chain(trace):
    view = LensView(trace, side="difference")
    keys = opened_page(view)["sources"][0]["answers"]
    blocks = -(-len(trace) // 8)
    assert sorted(key for key in keys if key.startswith("t1-t2/lens/")) == [
        f"t1-t2/lens/block/{block}" for block in range(blocks)
    ]
    view.close()
    explorer = trace.scope.explore(TEXT, edits=[EDIT])
    keys = opened_page(explorer)["sources"][0]["answers"]
    assert "t1-t2/chain" in keys
    explorer.close()


def test_a_page_of_a_plain_text_holds_no_difference(scope):
    explorer = scope.explore(TEXT)
    keys = opened_page(explorer)["sources"][0]["answers"]
    assert not [key for key in keys if "-" in key.partition("/")[0]]
    explorer.close()


def test_what_may_be_turned_to_is_in_the_order_of_the_texts(trace):
    view = NextTokenView(trace, side="untouched")
    edited, plain = view.state().inputs
    assert isinstance(edited, EditedInput)
    assert edited.input == plain == view.state().input
    view.close()


# ── figures ──────────────────────────────────────────────────────────────────────────────────────


def words_of(figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_the_figure_of_a_matrix_is_that_of_the_difference(view, trace):
    view.side = "difference"
    figure = view.figure()
    words = " ".join(words_of(figure))
    assert "edited − untouched" in words
    assert "orange: less" in words
    mesh = next(
        one for axes in figure.axes for one in axes.collections if one.get_array().size > 99
    )
    expected = Comparison(trace, trace.untouched).attention(2, 1)
    drawn = np.ma.filled(mesh.get_array(), 0)
    lower = np.tril(np.ones_like(expected, bool))
    assert_close(drawn[lower], expected[lower], size=1)
    view.mode = "arcs"
    assert "Arcs are of the edited text." in " ".join(words_of(view.figure()))


def test_the_figure_of_the_next_token_has_the_untouched_behind(trace):
    view = NextTokenView(trace, side="difference", temperature=0.7)
    figure = view.figure()
    both = [one.next_token(temperature=0.7).probs for one in (trace, trace.untouched)]
    order = np.argsort(-both[0])[:10]
    bars = [bar for axes in figure.axes for bar in axes.containers]
    drawn = {bar.get_label(): [patch.get_width() for patch in bar] for bar in bars}
    assert_close(drawn["after sampling"], both[0][order])
    assert_close(drawn["untouched"], both[1][order])
    change = 100 * float(both[0][order[0]] - both[1][order[0]])
    assert any(
        text.endswith(" pp") and abs(float(text[:-3].replace("−", "-")) - change) < 0.01
        for text in words_of(figure)
    )
    view.close()


def test_the_figure_of_the_lens_marks_where_the_two_part(trace):
    view = LensView(trace, side="difference")
    figure = view.figure(20)
    bold = [
        text
        for axes in figure.axes
        for text in axes.texts
        if text.get_fontproperties().get_weight() == "bold"
    ]
    lens = Comparison(trace, trace.untouched).lens()
    assert len(bold) == 1 + int((lens.ids_a != lens.ids_b).sum())  # with the title
    assert "Jensen-Shannon" in " ".join(words_of(figure))
    view.close()
