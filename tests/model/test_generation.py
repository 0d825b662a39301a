from __future__ import annotations

import numpy as np
import pytest
import torch

from llmscope.generation import Stepper
from llmscope.scope import Scope
from tests.closeness import SMOLLM, assert_close, assert_probabilities_close

PROMPT = "Once upon a time, in a small village by the sea,"
SETTINGS = {
    "greedy": {},
    "sampling": {"do_sample": True, "temperature": 0.9, "top_p": 0.95},
    "penalties": {"do_sample": True, "repetition_penalty": 1.2, "no_repeat_ngram_size": 3},
    "several": {"do_sample": True, "num_return_sequences": 3},
    "beams": {"num_beams": 3, "num_return_sequences": 2},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.whole)])
def test_it_writes_what_transformers_writes(settings, seed, smollm):
    inputs = smollm.tokenizer(PROMPT, return_tensors="pt")
    torch.manual_seed(seed)
    expected = smollm.model.generate(**inputs, max_new_tokens=12, **settings)
    run = smollm.generate(PROMPT, seed=seed, max_new_tokens=12, **settings)
    assert np.array_equal(run.sequences, expected.numpy())
    if len(run) == 1:
        smollm.forget()
        stepper = Stepper(smollm, PROMPT, seed=seed, max_new_tokens=12, **settings)
        for node, step in zip(stepper, run.steps[0], strict=True):
            assert node.token == step.token.id
            size = stepper.logits(node.parent).abs().max()
            assert_close(node.logprob, step.logprob, terms=SMOLLM, size=size)


def test_a_conversation(smollm):
    chat = [{"role": "user", "content": "What is the capital of France? One word."}]
    encoded = smollm.tokenizer.apply_chat_template(
        chat, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    expected = smollm.model.generate(**encoded, max_new_tokens=12)
    run = smollm.generate(chat, max_new_tokens=12)
    assert np.array_equal(run.sequences, expected.numpy())
    assert "Paris" in run.continuations[0]


def test_an_edit_is_read_as_if_it_were_new(smollm):
    cold = Scope(smollm.model, smollm.tokenizer)
    cold.cache_limit = 0
    mary = "When Mary and John went to the store, John gave a drink to"
    smollm.forget()
    for text in (mary, mary + " Mary", mary[:30], mary[:30] + "to the market", mary):
        warm, fresh = smollm.trace(text), cold.trace(text)
        assert_close(warm.logits, fresh.logits, terms=SMOLLM)
        assert_close(warm.logprobs, fresh.logprobs, terms=SMOLLM)
        for layer in (0, 13, 24, 29):
            assert_probabilities_close(warm.attention(layer), fresh.attention(layer), terms=SMOLLM)
            for one, other in zip(warm.qkv(layer, 4), fresh.qkv(layer, 4), strict=True):
                assert_close(one, other, terms=SMOLLM)
    assert smollm.runner.prefix_cache.works
    assert warm.next_token().top(1)[0].prob == pytest.approx(0.923, abs=1e-3)


def test_a_branch_goes_on_as_generate_behind_it(smollm):
    settings = {"do_sample": True, "top_k": 50, "max_new_tokens": 12}
    stepper = Stepper(smollm, PROMPT, seed=4, **settings)
    nodes = list(stepper)
    other = stepper.distribution(nodes[3].parent).top(3)[-1].id
    forced = stepper.force(other, after=nodes[3].parent)
    for _ in range(6):
        stepper.step()
    ids = stepper.ids()
    smollm.forget()
    again = smollm.generate(stepper.ids(forced.number), seed=4, **{**settings, "max_new_tokens": 6})
    assert ids == again.ids()
