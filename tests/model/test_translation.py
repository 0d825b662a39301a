"""An encoder-decoder that was trained here, on a task whose cross-attention can be checked."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from llmscope.scope import Scope
from tests import translation
from tests.closeness import assert_close, assert_probabilities_close

YEAR = range(4)  # the digits that are written first; row n of the decoder writes digit n


@pytest.fixture(scope="module")
def scope() -> Scope:
    characters = translation.tokenizer()
    return Scope(translation.load(characters), characters, name="dates")


@pytest.fixture(scope="module")
def held_out() -> list[translation.Pair]:
    return translation.dates(200, seed=99)


def test_it_writes_dates_that_it_has_not_seen(scope, held_out):
    texts = [scope.generate(pair.source, do_sample=False).texts[0] for pair in held_out]
    assert np.mean([t == p.target for t, p in zip(texts, held_out, strict=True)]) >= 0.95


@pytest.mark.parametrize(
    "settings", [{"do_sample": False}, {"num_beams": 3}, {"do_sample": True, "temperature": 2.0}]
)
def test_what_is_written_is_what_generate_writes(scope, held_out, settings):
    for pair in held_out[:5]:
        run = scope.generate(pair.source, seed=3, **settings)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            ids = scope.tokenizer(pair.source, return_tensors="pt").input_ids
            expected = scope.model.generate(input_ids=ids, **settings)
        assert np.array_equal(run.sequences, expected.numpy())


def test_a_trace_is_the_models_own(scope, held_out):
    pair = held_out[0]
    trace = scope.trace(pair.source, target=pair.target)
    assert "".join(token.text for token in trace.source_tokens) == pair.source
    assert "".join(token.text for token in trace.tokens) == pair.target
    eager = translation.untrained(scope.tokenizer)
    eager.load_state_dict(scope.model.state_dict())
    eager.set_attn_implementation("eager")
    eager.eval()
    with torch.no_grad():
        output = eager(
            input_ids=torch.tensor([[token.id for token in trace.source_tokens]]),
            decoder_input_ids=torch.tensor([trace.ids]),
            output_attentions=True,
        )
    assert_close(trace.logits, output.logits[0])
    own = {
        "encoder": output.encoder_attentions,
        "self": output.decoder_attentions,
        "cross": output.cross_attentions,
    }
    for kind, layers in own.items():
        assert_probabilities_close(trace.attention(0, kind=kind), layers[0][0])


def test_while_it_writes_the_year_it_looks_at_the_year(scope, held_out):
    heads = scope.facts.heads
    hits = np.zeros(heads)
    for pair in held_out:
        trace = scope.trace(pair.source, target=pair.target)
        weights = trace.attention(0, kind="cross", rows=list(YEAR))  # (heads, digits, keys)
        begin = pair.source.rindex(pair.target[: len(YEAR)])
        hits += (weights.argmax(-1) == begin + np.array(YEAR)).sum(1)
    assert (hits / (len(held_out) * len(YEAR))).max() >= 0.9
