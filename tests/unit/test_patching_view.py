"""A second text in views: as a trait, the grid of patching, and what a page holds of it."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch
import traitlets

import llmscope
from llmscope import PatchingView
from llmscope.capture import NEVER
from llmscope.kernel import Handlers, TextInput
from llmscope.kernel import requests as ask
from llmscope.kernel.edited_input import EditedInput, as_json, input_of, without_source
from llmscope.kernel.protocol import format_key, parse
from llmscope.kernel.requests import Call, Kept
from tests.closeness import assert_close
from tests.components.fixtures import opened

TEXT = "The quick brown fox"
OTHER = "The brown quick fox"


def parts_of(handlers, key):
    return [part for part in handlers(parse(key), NEVER) if part is not ask.PAUSE]


def page_of(view):
    (found,) = re.findall(r'id="page-data">([A-Za-z0-9+/=]*)</script>', view.to_html().html)
    return opened(found)


@pytest.fixture
def asked(scope):
    """The parts of a grid with the tokens that it chooses, and the two traces."""
    handlers = Handlers(scope)
    name = parts_of(handlers, f"text/{TEXT}")[-1]["trace"]
    last = len(scope.trace(TEXT)) - 1
    parts = parts_of(handlers, f"{name}/patching/-/-/{last}/text/{OTHER}")
    return parts, scope.trace(TEXT), scope.trace(OTHER)


def test_a_grid_has_the_effects_of_patching(asked, scope):
    parts, trace, source = asked
    found = parts[-1]
    token, foil = found["offered"][:2]
    assert token == trace.next_token().top(1)[0].id
    assert foil == next(one.id for one in source.next_token().top(2) if one.id != token)
    expected = trace.effects(token, foil, of="layers", method="patch", source=source)
    size = np.abs(expected.values).max()
    assert_close(found["values"], expected.values, size=size)
    here, there = (float(one.logits[-1][token] - one.logits[-1][foil]) for one in (trace, source))
    assert_close([found["here"], found["there"]], [here, there], size=size)
    assert found["differ"] and found["whole"]
    assert found["tokens"] == [one.label for one in source.tokens]
    # The last layer at the last position is all that the head sees: the second text's own answer.
    share = found["values"] / (found["here"] - found["there"])
    assert share[-1, -1] == pytest.approx(1, abs=1e-3)


def test_a_cell_is_what_plain_hooks_give(asked, scope):
    parts, trace, source = asked
    found = parts[-1]
    token, foil = found["offered"][:2]
    ids, other = (torch.tensor([one.ids]) for one in (trace, source))
    blocks = [*scope.model.get_submodule("model.layers").children()]

    def run(tokens, block=None, at=0, new=None):
        seen = {}

        def hook(_module, _args, output):
            stream = output[0] if isinstance(output, tuple) else output
            seen["stream"] = stream.clone()
            if new is not None:
                stream[:, at] = new[:, at]

        handle = block.register_forward_hook(hook) if block is not None else None
        with torch.no_grad():
            logits = scope.model(tokens).logits[0, -1]
        if handle is not None:
            handle.remove()
        return float(logits[token] - logits[foil]), seen.get("stream")

    before, _ = run(ids)
    size = np.abs(found["values"]).max()
    for layer, at in ((0, 2), (1, 4), (2, len(trace) - 1)):
        _, stream = run(other, blocks[layer])
        patched, _ = run(ids, blocks[layer], at, stream)
        assert_close(found["values"][layer, at], np.float32(before - patched), size=size)


def test_a_grid_comes_layer_by_layer_and_is_never_an_estimate(asked, scope):
    parts, _, _ = asked
    known = [int(np.isfinite(part["values"]).any(1).sum()) for part in parts]
    assert known[0] == 0 and known[-1] == scope.facts.layers
    assert known == sorted(known) and len(set(known)) == scope.facts.layers + 1
    whole = parts[-1]["values"]
    for part in parts:
        there = np.isfinite(part["values"])
        assert (part["values"][there] == whole[there]).all()
    assert [part["whole"] for part in parts] == [False] * (len(parts) - 1) + [True]


def test_texts_that_end_alike_have_no_distance(scope):
    handlers = Handlers(scope)
    name = parts_of(handlers, f"text/{TEXT}")[-1]["trace"]
    last = len(scope.trace(TEXT)) - 1
    found = parts_of(handlers, f"{name}/patching/-/-/{last}/text/{TEXT}")[-1]
    assert not found["differ"]
    assert found["offered"][0] != found["offered"][1]


def test_a_text_of_another_length_is_refused_before_anything_runs(scope):
    handlers = Handlers(scope)
    name = parts_of(handlers, f"text/{TEXT}")[-1]["trace"]
    with pytest.raises(ValueError, match=r"this one has \d+, the source \d+"):
        parts_of(handlers, f"{name}/patching/-/-/2/text/The fox")
    with pytest.raises(IndexError, match="no position 99"):
        parts_of(handlers, f"{name}/patching/-/-/99/text/{OTHER}")


def test_named_tokens_are_taken(scope):
    handlers = Handlers(scope)
    name = parts_of(handlers, f"text/{TEXT}")[-1]["trace"]
    found = parts_of(handlers, f"{name}/patching/7/9/3/text/{OTHER}")[-1]
    assert found["offered"][:2] == [7, 9]
    trace, source = scope.trace(TEXT), scope.trace(OTHER)
    expected = trace.effects(7, 9, position=3, of="layers", method="patch", source=source)
    assert_close(found["values"], expected.values, size=np.abs(expected.values).max())


def test_the_trait_takes_texts(scope):
    view = PatchingView(scope.trace(TEXT), patch_from=OTHER)
    assert view.patch_from == OTHER
    view.patch_from = "a\ud800b"
    assert view.patch_from == "a\ufffdb"
    with pytest.raises(traitlets.TraitError, match="patch_from"):
        view.patch_from = 3
    view.close()


def test_what_is_patched_from_a_source_is_left_out_of_its_base(scope):
    source = scope.trace(OTHER)
    off = llmscope.ablate(head=(1, 2))
    cell = llmscope.patch(layer=1, source=source, positions=[2])
    other = llmscope.patch(layer=1, source=scope.trace(TEXT), positions=[2])
    read = TextInput(OTHER)

    def left(*edits):
        return without_source(input_of(scope.trace(TEXT, edits=edits)), read)

    assert left() == left(cell) == TextInput(TEXT)
    assert left(off, cell) == EditedInput(as_json([off]), TextInput(TEXT))
    assert left(other, cell) == input_of(scope.trace(TEXT, edits=[other]))


def test_a_page_holds_the_grid_once(scope):
    source = scope.trace(OTHER)
    cell = llmscope.patch(layer=1, source=source, positions=[2])
    view = PatchingView(scope.trace(TEXT, edits=[cell]), patch_from=OTHER)
    page = page_of(view)
    answers = page["sources"][0]["answers"]
    (key,) = [key for key in answers if "/patching/" in key]
    plain = format_key(ask.Summary(TextInput(TEXT)))
    assert key.startswith(answers[plain]["trace"] + "/")
    assert key.endswith(f"/text/{OTHER}")
    assert page["views"][0]["traits"]["patch_from"] == OTHER
    assert page["views"][0]["traits"]["edits"] == json.loads(as_json([cell]))
    view.close()


def test_a_page_of_texts_of_unequal_length_says_why(scope):
    view = PatchingView(scope.trace(TEXT), patch_from="The fox")
    words = page_of(view)["sources"][0]["words"]
    assert "as many tokens" in words["patching"]
    view.close()


def test_copied_python_has_the_second_text(scope):
    view = scope.explore(TEXT, patch_from=OTHER)
    (part,) = view._call(Call(), NEVER)
    call = part["call"]
    assert f"patch_from={OTHER!r}" in call
    made = eval(call, {"scope": scope, "llmscope": llmscope})
    assert made.patch_from == OTHER
    for each in (view, made):
        each.close()


def test_what_is_kept_of_a_view_computes_no_grid(scope):
    view = PatchingView(scope.trace(TEXT), patch_from=OTHER)

    def words():
        (part,) = view._keep(Kept(), NEVER)
        page = part["page"]
        (found,) = re.findall(r'id="page-data">([A-Za-z0-9+/=]*)</script>', page)
        source = opened(found)["sources"][0]
        return source["words"], [key for key in source["answers"] if "/patching/" in key]

    said, held = words()
    assert held == [] and "wasn't whole" in said["patching"]
    name = parts_of(view._handlers, f"text/{TEXT}")[-1]["trace"]
    last = len(view.trace) - 1
    whole = parts_of(view._handlers, f"{name}/patching/-/-/{last}/text/{OTHER}")[-1]
    assert len(words()[1]) == 1
    # It is known from now on, of this text and these edits alone.
    again = parts_of(view._handlers, f"{name}/patching/-/-/{last}/text/{OTHER}")
    assert len(again) == 1 and (again[0]["values"] == whole["values"]).all()
    view.edits = [llmscope.ablate(head=(1, 2))]
    under = parts_of(view._handlers, format_key(ask.Summary(view._input)))[-1]["trace"]
    other = parts_of(view._handlers, f"{under}/patching/-/-/{last}/text/{OTHER}")
    assert len(other) > 1 and (other[-1]["values"] != whole["values"]).any()
    view.close()
