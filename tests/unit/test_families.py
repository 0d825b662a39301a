"""Families whose attention is read in ways of their own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers as tf

from llmscope.scope import Scope
from tests.tiny import MODELS, TEXT

IDS = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 0, "vocab_size": 300}
SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 128,
}
LONG = [7 + position * 31 % 290 for position in range(96)]


def big_bird() -> torch.nn.Module:
    torch.manual_seed(0)
    config = tf.BigBirdConfig(**SIZES, **IDS, block_size=8, num_random_blocks=2)
    return tf.BigBirdForMaskedLM(config).eval()


def test_the_blocks_of_bigbird_give_what_its_layers_put_out(tokenizer):
    model = big_bird()
    seen = []
    layer = model.bert.encoder.layer[1].attention.self
    layer.value.register_forward_hook(lambda _, __, out: seen.append(out))
    layer.register_forward_hook(lambda _, __, out: seen.append(out[0]))
    trace = Scope(model, tokenizer).trace(LONG)
    value, output = (item[0] for item in seen[:2])  # (positions, hidden size)
    weights = torch.tensor(trace.attention(1))  # (heads, positions, positions)
    assert float(weights[:, 40, 16].max()) == 0
    mixed = weights @ value.view(96, 4, 8).transpose(0, 1)
    torch.testing.assert_close(mixed.transpose(0, 1).reshape(96, 32), output, atol=1e-5, rtol=0)


def test_scores_that_a_model_returns_as_attention_become_weights(tokenizer):
    torch.manual_seed(0)
    config = tf.ProphetNetConfig(
        hidden_size=32, num_encoder_layers=2, num_decoder_layers=2, num_encoder_attention_heads=4,
        num_decoder_attention_heads=4, encoder_ffn_dim=48, decoder_ffn_dim=48, **IDS,
    )  # fmt: skip
    model = tf.ProphetNetForConditionalGeneration(config).eval()
    trace = Scope(model, tokenizer).trace(TEXT, target="it sleeps")
    assert trace.kinds == ("self", "encoder", "cross")
    for kind in trace.kinds:
        weights = trace.attention(1, kind=kind)
        assert weights.shape[1:] == (trace.queries(kind), trace.keys(kind))
        np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)


def test_a_mask_of_flex_attention_is_read(tokenizer):
    from torch.nn.attention.flex_attention import create_block_mask

    trace = Scope(MODELS["mistral"](), tokenizer).trace(TEXT)
    attention = trace.recording.layer(1, "self")
    expected, count = trace.attention(1), len(trace)

    def near(batch, head, query, key):
        return (key <= query) & (query - key < 4)

    mask = create_block_mask(near, None, None, count, count, device="cpu")
    object.__setattr__(attention.call, "mask", mask)
    np.testing.assert_allclose(trace.attention(1), expected, atol=1e-6)
    np.testing.assert_allclose(trace.attention(1, rows=[9, 2]), expected[:, [9, 2]], atol=1e-6)


def test_a_model_that_rescales_its_weights_when_it_first_runs(tokenizer):
    torch.manual_seed(0)
    config = tf.RwkvConfig(hidden_size=32, num_hidden_layers=8, context_length=64, **IDS)
    model = tf.RwkvForCausalLM(config).eval()
    trace = Scope(model, tokenizer).trace(TEXT)
    assert trace.is_current
    with torch.no_grad():
        logits = model(**trace.recording.inputs, use_cache=False).logits[0].numpy()
    np.testing.assert_allclose(trace.logits, logits, atol=1e-6)


def test_why_there_is_no_attention_is_said_in_words(tokenizer, scope):
    assert scope.trace(TEXT).why_no_attention is None
    trace = Scope(MODELS["mamba"](), tokenizer, name="Mamba").trace(TEXT)
    assert trace.kinds == ()
    said = "Mamba has no attention: its layers carry a state from token to token."
    assert trace.why_no_attention == said
    with pytest.raises(ValueError, match=said):
        trace.attention(0)
    fourier = tf.FNetForMaskedLM(tf.FNetConfig(**SIZES, **IDS, type_vocab_size=2)).eval()
    said = Scope(fourier, tokenizer, name="FNet").trace(TEXT).why_no_attention
    assert said == "FNet has no attention: its layers mix the tokens in another way."


def test_facts_of_a_model_whose_layers_differ_are_those_of_the_greatest(tokenizer):
    config = tf.Gemma4TextConfig(
        **SIZES, **IDS, num_key_value_heads=2, head_dim=8, global_head_dim=16, sliding_window=4,
        hidden_size_per_layer_input=0, per_layer_config={1: {"num_key_value_heads": 1}},
    )  # fmt: skip
    facts = Scope(tf.Gemma4ForCausalLM(config).eval(), tokenizer).facts
    assert (facts.heads, facts.kv_heads) == (4, 2)


def test_facts_of_an_encoder_decoder_are_those_of_the_half_that_writes(tokenizer):
    assert Scope(MODELS["bart"](), tokenizer).facts.layers == 3
    assert Scope(MODELS["t5"](), tokenizer).facts.layers == 3
