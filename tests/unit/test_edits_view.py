"""Edits of views: as a trait, as JSON of the page, in keys, pages and generated texts."""

from __future__ import annotations

import json

import numpy as np
import pytest
import traitlets

import llmscope
from llmscope import AttentionView, GenerationView, NextTokenView
from llmscope.capture import NEVER
from llmscope.edits.code import code_of
from llmscope.kernel import requests as ask
from llmscope.kernel.edited_input import as_value, edit_of, input_of
from llmscope.kernel.protocol import format_key, parse
from llmscope.kernel.requests import Call
from tests import tiny
from tests.closeness import assert_close
from tests.components.fixtures import opened

TEXT = "The quick brown fox jumps"
OFF = {"do": "ablate", "part": ["head", 1, 2, "self"], "by": "zero"}


def every_edit(scope):
    return [
        llmscope.ablate(head=(1, 2)),
        llmscope.ablate(mlp=1, by="mean", reference=["a dog", "naïve 日本"], positions=[1, 2]),
        llmscope.ablate(edge=(1, 0, 3, 1), by="mask"),
        llmscope.scale_head((2, 3), 0.25),
        llmscope.scale_head((2, 3), 4.0),
        llmscope.patch(layer=1, source=scope.trace("The fox"), positions={2: 1}),
        llmscope.patch(
            head=(1, 1),
            source=scope.trace("A dog", edits=[llmscope.ablate(layer=0)]),
            positions=[0],
        ),
        llmscope.steer(layer=1, direction=("The", "</script>"), scale=1.5),
        llmscope.steer(layer=2, direction=np.linspace(-1, 1, 32), align="last", positions=[0]),
    ]


def test_edits_go_through_json_and_back(scope):
    for edit in every_edit(scope):
        value = json.loads(json.dumps(as_value(edit)))
        again = edit_of(value, scope)
        assert as_value(again) == value
        one, other = (scope.trace(TEXT, edits=[item]).logits for item in (edit, again))
        assert_close(other, one)


def test_edits_are_python_that_makes_them(scope):
    for edit in every_edit(scope):
        source = edit.source if isinstance(edit, llmscope.edits.Patch) else None
        made = eval(code_of(edit, "source"), {"llmscope": llmscope, "source": source})
        assert as_value(made) == as_value(edit)


def test_keys_have_edits(scope):
    trace = scope.trace(TEXT, edits=every_edit(scope))
    what = input_of(trace)
    key = format_key(what)
    assert parse(key).input == what
    assert_close(what.trace(scope, NEVER).logits, trace.logits)


@pytest.mark.parametrize(
    "value",
    [
        None, 3, {}, {"do": "ablate"}, {"do": "burn", "part": ["head", 1, 2, "self"]},
        {"do": "ablate", "part": ["head", 1, 2], "by": "zero"},
        {"do": "ablate", "part": ["head", -1, 2, "self"], "by": "zero"},
        {"do": "ablate", "part": ["head", 1.5, 2, "self"], "by": "zero"},
        {"do": "ablate", "part": ["mlp", 1, None, "self"], "by": "uniform"},
        {"do": "ablate", "part": ["__class__", 1, None, "self"], "by": "zero"},
        {"do": "scale", "part": ["head", 1, 2, "self"], "factor": float("nan")},
        {"do": "patch", "part": ["head", 1, 2, "self"], "source": ["a"]},
        {"do": "patch", "part": ["head", 1, 2, "self"], "source": [1, "", "", [], []]},
        {"do": "steer", "part": ["layer", 1, None, "self"], "direction": ["a", "b", "c"],
         "scale": 1, "align": "last"},
        {"do": "steer", "part": ["head", 1, 2, "self"], "direction": [1.0], "scale": 1,
         "align": "last"},
    ],
)  # fmt: skip
def test_what_is_no_edit_is_refused(scope, value):
    with pytest.raises(ValueError):
        edit_of(value, scope)


# ── views ────────────────────────────────────────────────────────────────────────────────────────


def test_a_view_shows_the_text_under_its_edits(show, scope):
    view = show(NextTokenView)
    plain = view.distribution.probs
    edit = llmscope.ablate(head=(1, 2))
    view.edits = [edit]
    assert view.trace.edits == (edit,)
    expected = view.scope.trace(tiny.TEXT, edits=[edit])
    assert_close(view.distribution.probs, expected.next_token().probs)
    assert np.abs(view.distribution.probs - plain).max() > 1e-4
    assert view.get_state()["edits"] == [OFF]
    view.edits = []
    assert_close(view.distribution.probs, plain)
    assert view.trace.edits == ()


def test_the_page_switches_heads_off(show):
    view = show(AttentionView)
    seen = []
    view.observe(lambda change: seen.append(change["new"]), "edits")
    view.set_state({"edits": [OFF]})
    assert seen == [(llmscope.ablate(head=(1, 2)),)]
    assert view.trace.edits == seen[0]
    steer = llmscope.steer(layer=1, direction=np.ones(32))
    view.edits = [*view.edits, steer]
    view.set_state(
        {"edits": [*map(as_value, view.edits), {**OFF, "part": ["mlp", 0, None, "self"]}]}
    )
    assert view.edits[1] is steer  # what Python has set stays what it is
    assert len(view.edits) == 3


@pytest.mark.parametrize("value", ["head", 3, None, ["head"], [OFF]])
def test_a_trait_takes_edits_only(show, value):
    with pytest.raises(traitlets.TraitError):
        show(AttentionView).edits = value


def test_a_view_of_an_edited_trace_has_its_edits(scope):
    edit = llmscope.ablate(mlp=1)
    trace = scope.trace(TEXT, edits=[edit])
    view = NextTokenView(trace)
    assert view.edits == (edit,)
    assert view.trace is trace
    assert view.scope is scope
    other = scope.under([edit]).explore(TEXT)
    assert other.edits == (edit,)
    assert_close(other.trace.logits, trace.logits)
    for each in (view, other):
        each.close()


def test_a_kernel_answers_for_both(show):
    view = show(AttentionView, text=TEXT)
    view.edits = [llmscope.ablate(head=(1, 2))]
    handlers = view._handlers
    names = [
        list(handlers(ask.Summary(what), NEVER))[-1]["trace"]
        for what in (view._input, view._input.input)
    ]
    assert names[0] != names[1]
    logits = [list(handlers(ask.Logits(name, 3), NEVER))[-1]["logits"] for name in names]
    assert_close(logits[0], view.trace.logits_at(3))
    assert_close(logits[1], view.scope.trace(TEXT).logits_at(3))


def test_edits_of_what_is_not_there_are_said_in_words(show):
    view = show(AttentionView, text=TEXT)
    view.edits = [llmscope.ablate(head=(1, 9))]
    with pytest.raises(IndexError, match="no head 9"):
        _ = view.trace
    view.edits = []
    assert view.trace.edits == ()


def test_a_generated_text_is_written_under_edits(scope):
    edit = llmscope.ablate(layer=1, positions=[-1])
    view = GenerationView(scope, TEXT, edits=[edit], do_sample=False, seed=0)
    for _ in range(3):
        view.stepper.step()
    expected = scope.generate(TEXT, edits=[edit], do_sample=False, max_new_tokens=3)
    assert view.trace.ids == expected.ids()
    assert view.edits == view.trace.edits == expected.trace().edits
    assert_close(view.trace.logits, expected.trace().logits)
    view.close()


def test_a_page_holds_the_text_with_and_without(scope):
    trace = scope.trace(TEXT, edits=[llmscope.ablate(head=(1, 2))])
    view = AttentionView(trace)
    page = opened_page(view)
    answers = page["sources"][0]["answers"]
    assert {key.partition("/")[0] for key in answers} >= {"under", "text"}
    assert page["views"][0]["traits"]["edits"] == [OFF]
    view.close()


def test_a_page_holds_edits_that_its_reader_may_choose(scope):
    view = AttentionView(scope.trace(TEXT))
    one, other = llmscope.ablate(head=(1, 2)), llmscope.ablate(attention=0)
    answers = opened_page(view, edits=[one, [one, other]])["sources"][0]["answers"]
    under = [json.loads(key.partition("/")[2]) for key in answers if key.startswith("under/")]
    assert [edits for edits, _ in under] == [[as_value(one)], [as_value(one), as_value(other)]]
    assert {key for _, key in under} == {f"text/{TEXT}"}
    view.close()
    writing = GenerationView(scope, TEXT)
    writing.stepper.step()
    with pytest.raises(ValueError, match="under its own"):
        writing.to_html(edits=[one])
    writing.close()


def opened_page(view, **choice):
    import re

    (found,) = re.findall(r'id="page-data">([A-Za-z0-9+/=]*)</script>', view.to_html(**choice).html)
    return opened(found)


def test_the_python_of_a_view_has_its_edits(show):
    from llmscope import Explorer

    view = show(Explorer)
    view.edits = [llmscope.ablate(head=(1, 2)), llmscope.scale_head((0, 1), 2.0)]
    (part,) = view._call(Call(), NEVER)
    call = part["call"]
    assert "edits=(llmscope.ablate(head=(1, 2)), llmscope.scale_head((0, 1), 2.0))" in call
    made = eval(call, {"scope": view.scope, "llmscope": llmscope})
    assert made.edits == view.edits
    made.close()
