"""Effects in views: what is asked for, answered part by part, and held by pages."""

from __future__ import annotations

import json

import numpy as np
import pytest
import traitlets

from llmscope import AttentionView, Explorer, GenerationView, TokensView
from llmscope.capture import NEVER
from llmscope.kernel import Handlers
from llmscope.kernel import requests as ask
from llmscope.kernel.edited_input import input_of
from llmscope.kernel.requests import Call
from llmscope.scope import Scope
from tests import tiny
from tests.closeness import assert_close
from tests.unit.test_edits_view import opened_page

TEXT = "The quick brown fox jumps"


def test_a_view_names_tokens_whose_effects_it_shows(show):
    view = show(AttentionView, text=TEXT)
    view.effect_of = ("a", 7)
    assert view.effect_of == (view.scope.token_id("a"), 7)
    view.effect_of = "b"
    assert view.effect_of == (view.scope.token_id("b"),)
    view.effect_of = None
    assert view.effect_of == ()
    for wrong in ("brown fox", 10**9, [1, 2, 3], 1.5, [None]):
        with pytest.raises(traitlets.TraitError):
            view.effect_of = wrong


def parts_of(scope, of, way, text=TEXT, foil=9, position=4, kind="self", **options):
    """The parts of an answer, and the trace that it is of."""
    trace = scope.trace(text, **options)
    handlers = Handlers(scope, trace)
    name = handlers.traces.name(input_of(trace), trace)
    request = ask.Effects(name, of, kind, way, 7, foil, position)
    return [part for part in handlers(request, NEVER) if part is not ask.PAUSE], trace


@pytest.mark.parametrize("foil", [None, 9])
@pytest.mark.parametrize("way", ["direct", "ablate"])
@pytest.mark.parametrize("of", ["heads", "mlps"])
def test_effects_come_in_parts(scope, of, way, foil):
    parts, trace = parts_of(scope, of, way, foil=foil)
    expected = trace.effects(7, foil, position=4, of=of, method=way)
    assert parts[-1]["values"].shape == expected.values.shape
    assert_close(parts[-1]["values"], expected.values, size=np.abs(expected.values).max())
    assert_close(parts[-1]["measured"], expected.measured, size=np.abs(trace.logits).max())
    assert parts[-1]["whole"]
    assert len(parts) == (1 if way == "direct" else 5)  # the estimate, and each layer
    assert [part["estimated"] for part in parts][1:] == [False] * (len(parts) - 1)
    assert parts[0]["estimated"] == (way == "ablate")


def test_effects_of_tokens_are_estimated_and_then_true(scope):
    text = TEXT * 2
    parts, trace = parts_of(scope, "tokens", "occlusion", text)
    estimate, *some, whole = parts
    for part, method in ((estimate, "saliency"), (whole, "occlusion")):
        expected = trace.effects(7, 9, position=4, of="tokens", method=method)
        assert part["values"].shape == (len(trace),)
        assert_close(part["values"], expected.values, size=np.abs(expected.values).max())
        assert part["estimated"] == expected.is_estimate
    assert whole["whole"] and not any(part["whole"] for part in (estimate, *some))
    # Those that seem greatest come first, eight at once.
    strongest = np.argsort(-np.abs(estimate["values"]), kind="stable")
    for count, part in enumerate(some, 1):
        known = set(np.flatnonzero(np.isfinite(part["values"])))
        assert known == set(strongest[: 8 * count])


@pytest.mark.parametrize("name", ["t5", "bert"])
def test_effects_of_tokens_are_those_of_the_text(tokenizer, name):
    """Of an encoder-decoder model the encoder's; a masked model reads all of them."""
    scope = Scope(tiny.MODELS[name](), tokenizer, name=name)
    options = {"target": [5, 6, 7]} if name == "t5" else {}
    place = 2 if name == "t5" else 4
    parts, trace = parts_of(scope, "tokens", "occlusion", position=place, **options)
    expected = trace.effects(7, 9, position=place, of="tokens", method="occlusion")
    assert parts[-1]["values"].shape == (len(trace.source_tokens or trace.tokens),)
    assert_close(parts[-1]["values"], expected.values, size=np.abs(expected.values).max())


@pytest.mark.parametrize(
    ("name", "of", "way", "says"),
    [
        ("bert", "mlps", "direct", "don't add up|doesn't add up"),
        ("mamba", "mlps", "ablate", "no mlps that can be told apart"),
    ],
)
def test_what_has_no_effects_is_said_in_words(tokenizer, name, of, way, says):
    scope = Scope(tiny.MODELS[name](), tokenizer, name=name)
    with pytest.raises(ValueError, match=says):
        parts_of(scope, of, way)


# ── the text's shade ─────────────────────────────────────────────────────────────────────────────


def test_the_shade_of_a_text_is_read_set_and_linked(show):
    view, other = show(TokensView), show(Explorer)
    assert view.shade == other.shade == "attention"
    joined = traitlets.link((view, "shade"), (other, "shade"))
    view.set_state({"shade": "effect"})
    assert view.shade == other.shade == "effect"
    joined.unlink()
    with pytest.raises(traitlets.TraitError):
        view.shade = "surprisal"


def test_a_generated_text_has_shades_of_its_own(scope):
    view = GenerationView(scope, TEXT)
    assert view.shade == "probability"
    with pytest.raises(traitlets.TraitError):
        view.shade = "effect"
    view.close()


def test_the_python_of_a_view_has_its_shade(show):
    view = show(Explorer)
    view.effect_of, view.shade = ("a", "b"), "effect"
    (part,) = view._call(Call(), NEVER)
    call = part["call"]
    made = eval(call, {"scope": view.scope})
    assert (made.effect_of, made.shade) == (view.effect_of, "effect")
    made.close()


# ── pages ────────────────────────────────────────────────────────────────────────────────────────


def effects_in(view):
    """What a page holds of effects: part, way, token and foil."""
    keys = [key.split("/") for key in opened_page(view)["sources"][0]["answers"]]
    return {(key[2], *key[4:7]) for key in keys if key[1:2] == ["effects"]}


def test_a_page_holds_the_effects_on_screen(scope):
    token, foil = (str(scope.token_id(one)) for one in "ab")
    view = Explorer(scope, TEXT, effect_of=("a", "b"))
    parts = {(of, way, token, foil) for of in ("heads", "mlps") for way in ("direct", "ablate")}
    assert effects_in(view) == parts
    view.shade = "effect"
    assert effects_in(view) == {*parts, ("tokens", "occlusion", token, foil)}
    view.effect_of = ()
    assert effects_in(view) == set()
    view.close()


def test_a_page_says_why_one_kind_was_refused(tokenizer):
    """And of other tokens only that they take the model."""
    scope = Scope(tiny.MODELS["bert"](), tokenizer, name="BERT")
    view = AttentionView(scope.trace(TEXT), effect_of="a", position=2)
    source = opened_page(view)["sources"][0]
    refused = {key: text for key, text in source["words"].items() if "/effects/" in key}
    assert [key.split("/")[4] for key in refused] == ["direct", "direct"]
    assert all("add up" in text for text in refused.values())
    assert not refused.keys() & source["answers"].keys()
    assert "hold" in source["words"]["effects"]
    assert json.dumps(source["words"])
    view.close()
