"""How exact the numbers of an exported page are, and its bytes."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from llmscope import NextTokenView
from llmscope.export import encoding
from llmscope.export.selection import listed
from llmscope.kernel import Handlers, TextInput
from llmscope.kernel.arrays import DTYPES, MessageBuffers, PageBuffers
from llmscope.kernel.protocol import parse
from llmscope.scope import Scope
from tests.in_node import array, ask
from tests.tiny import MODELS, TEXT


@pytest.fixture(scope="module")
def large(tokenizer) -> Scope:
    """A model with a vocabulary that isn't held whole."""
    torch.manual_seed(0)
    scope = Scope(MODELS["llama"](), tokenizer, name="large")
    model = scope.model
    model.resize_token_embeddings(5000)
    with torch.no_grad():
        model.lm_head.weight.normal_(std=2)
    return Scope(model, tokenizer, name="large")


def decoded(codes: np.ndarray) -> np.ndarray:
    """As weights.ts does it."""
    code = codes[0].astype(np.uint32) << 8 | codes[1]
    size = code & 0x7FFF
    near = np.where(size > 0, (size + (95 << 10)) << 13, 0).astype(np.uint32).view(np.float32)
    return np.where(code >> 15, 1 - near, near)


def test_16_bits_keep_small_weights_and_what_large_ones_leave():
    low = np.geomspace(1e-9, 0.5, 40_000).astype(np.float32)
    weights = np.concatenate([low, 1 - low, [0, 1, 0.5]]).astype(np.float32)
    found = decoded(encoding.coded(weights, "float16"))
    near = np.minimum(weights, 1 - weights)
    # Beside 1 a float32 itself has steps of 6e-8.
    assert (np.abs(found - weights) <= encoding.WEIGHT_ERROR * near + 6e-8).all()
    assert found[-3:].tolist() == [0, 1, 0.5]


def test_unknown_precision_raises():
    with pytest.raises(ValueError, match="'float16' or 'float32', not 'int4'"):
        encoding.checked_precision("int4")


LOGITS = {
    "normal": np.random.default_rng(0).normal(0, 3, 49_152),
    "flat": np.random.default_rng(1).normal(0, 0.05, 30_000),
    "heavy tails": np.random.default_rng(2).standard_t(3, 60_000),
    "equal": np.zeros(5000),
    "few": np.random.default_rng(3).normal(0, 3, 40),
    "impossible": np.concatenate([np.random.default_rng(4).normal(0, 3, 2000), [-np.inf] * 99]),
}


@pytest.mark.parametrize("name", LOGITS)
def test_sums_hold_at_every_temperature_within_the_stated_bound(name):
    logits = LOGITS[name].astype(np.float32)
    summary = encoding.summarised([logits])
    error = encoding.largest_error([logits], summary)
    rest = encoding.spread(summary.highest[0], summary.lowest[0], summary.counts[0])
    ranked = np.sort(logits)[::-1]
    rebuilt = np.concatenate([summary.logits[0], rest])
    assert np.isfinite(ranked).sum() == np.isfinite(rebuilt).sum()
    assert np.array_equal(summary.logits[0], ranked[: encoding.LIKELIEST])
    fine = tuple(np.linspace(0.1, 2, 39))
    # The note in the page states twice what was measured when it was made.
    assert encoding.error(ranked, rebuilt, fine) <= max(2 * error, 1e-8)
    assert error < 2e-3


def test_the_page_rebuilds_the_vocabulary(large, tmp_path):
    trace = large.trace(TEXT)
    view = NextTokenView(trace)
    (found, label) = ask(view.to_html().html, ["t1/logits/2", "token/4999"], tmp_path)
    true = trace.logits_at(2)
    got = array(found["part"]["logits"]).astype(np.float32)
    order = np.lexsort((np.arange(len(true)), -true))
    likeliest = order[: encoding.LIKELIEST]
    assert np.array_equal(got[likeliest], true[likeliest])
    assert found["part"]["known"] == encoding.LIKELIEST
    (answer,) = Handlers(large, trace)(parse(f"text/{TEXT}"), lambda: False)
    answers = Handlers(large, trace)
    list(answers(parse(f"text/{TEXT}"), lambda: False))
    (kernel,) = answers(parse(f"{answer['trace']}/logits/2"), lambda: False)
    assert found["part"]["labels"][:200] == kernel["labels"]
    width = np.ptp(true[order[encoding.LIKELIEST :]]) / encoding.BINS
    assert np.abs(np.sort(got) - np.sort(true)).max() <= width * 1.01
    # Which of the others is which isn't known, so none of them has a name.
    assert label["part"]["label"] == "one of the others"
    view.close()


def test_the_page_says_how_true_it_is(large):
    view = large.explore(TEXT)
    html = view.to_html().html
    assert "each weight is off by at most 0.05 % of it, and by 0.00025" in html
    (stated,) = re.findall(r"off by at most ([\d.]+) percentage points", html)
    rows = [view.trace.logits_at(i) for i in range(len(view.trace))]
    assert 0 < encoding.largest_error(rows, encoding.summarised(rows)) * 100 <= float(stated)
    assert "weights as the model has them" in view.to_html(precision="float32").html
    view.close()


def test_the_same_view_gives_the_same_bytes(scope):
    explorer = scope.explore(TEXT, layer=1, head=2)
    first = explorer.to_html(prompts=["the dog sleeps"]).html
    _ = [explorer.trace, explorer._handlers.traces.trace(TextInput("something else"))]
    other = scope.explore(TEXT, layer=1, head=2)
    assert other.to_html(prompts=["the dog sleeps"]).html == first
    assert other.to_html(prompts=["the dogs sleep"]).html != first
    other.close()
    explorer.close()


def test_equal_arrays_are_kept_once():
    buffers = PageBuffers()
    first = buffers.encoded(np.arange(6, dtype=np.float32))
    again = buffers.encoded(np.arange(6, dtype=np.float32).reshape(2, 3))
    assert (first["buffer"], again["buffer"]) == (0, 0)
    assert again["shape"] == [2, 3]
    assert buffers.encoded({"a": float("nan"), "b": 1}) == {"a": None, "b": 1}


def test_what_is_not_finite_is_null_wherever_it_is():
    found = PageBuffers().encoded({"a": [1.5, float("-inf"), {"b": (float("nan"), None, "x")}]})
    assert found == {"a": [1.5, None, {"b": [None, None, "x"]}]}


@pytest.mark.parametrize("kind", [MessageBuffers, PageBuffers])
def test_arrays_of_a_type_that_no_page_reads_are_refused(kind):
    for name in DTYPES:
        assert kind().encoded(np.zeros(3, name))["dtype"] == name
    for name in ("int64", "float64", "bool"):
        with pytest.raises(TypeError, match=f"^An array of {name} can't be sent to a page, which"):
            kind().encoded({"a": [np.zeros(3, name)]})


def test_runs_of_numbers_are_named_as_such():
    assert listed([7, 0, 1, 2, 3, 9, 10]) == "0 to 3, 7, 9, 10"
