from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers as tf

from llmscope.scope import Scope
from tests.closeness import assert_close, assert_probabilities_close, assert_ranks_close
from tests.tiny import MODELS, TEXT

WITH_HEAD = [name for name in MODELS if name != "bert_encoder"]


def traced(name: str, tokenizer):
    model = MODELS[name]()
    target = "it sleeps" if model.config.is_encoder_decoder else None
    return Scope(model, tokenizer, name=name).trace(TEXT, target=target)


def bits(nats: torch.Tensor) -> np.ndarray:
    return (nats / np.log(2)).numpy()


@pytest.mark.parametrize("name", WITH_HEAD)
def test_the_last_layer_is_the_models_own_answer(name, tokenizer):
    trace = traced(name, tokenizer)
    lens = trace.lens(top=3)
    probs = torch.from_numpy(trace.logits).softmax(-1)
    assert lens.layers.tolist() == [0, 1, 2, 3]
    best = probs.topk(3)
    assert_probabilities_close(lens.probs[-1], best.values.numpy())
    assert np.array_equal(lens.ids[-1, :, 0], best.indices[:, 0].numpy())
    entropy = torch.special.entr(probs.double()).sum(-1)
    assert_close(lens.entropy[-1], bits(entropy))
    assert not lens.divergence[-1].any()
    known = lens.true_ids >= 0
    true = probs.numpy()[known, lens.true_ids[known]]
    assert_probabilities_close(lens.true_probs[-1, known], true)
    assert np.isnan(lens.true_probs[-1, ~known]).all()
    if trace.scope.facts.family == "masked":
        true = probs.gather(1, torch.tensor(trace.ids)[:, None])
        assert np.array_equal(lens.ranks[-1], (probs > true).sum(1).numpy())
    else:
        assert np.array_equal(lens.ranks[-1], [*trace.ranks[1:], -1])


FINAL = {
    "llama": lambda m, h: m.lm_head(m.model.norm(h)),
    "gpt2": lambda m, h: m.lm_head(m.transformer.ln_f(h)),
    "gemma2": lambda m, h: 30 * torch.tanh(m.lm_head(m.model.norm(h)) / 30),
    "cohere": lambda m, h: m.logit_scale * m.lm_head(m.model.norm(h)),
    "bert": lambda m, h: m.cls(h),
    "albert": lambda m, h: m.predictions(h),
    "bart": lambda m, h: m.lm_head(h) + m.final_logits_bias,
    "mamba": lambda m, h: m.lm_head(m.backbone.norm_f(h)),
}


@pytest.mark.parametrize("name", FINAL)
def test_other_layers_go_through_the_final_norm_and_the_head(name, tokenizer):
    trace = traced(name, tokenizer)
    lens = trace.lens(top=2)
    last = torch.from_numpy(trace.logits).double().log_softmax(-1)
    true = trace.ids if trace.scope.facts.family == "masked" else trace.ids[1:]
    for layer in range(len(lens.layers) - 1):
        hidden = torch.from_numpy(trace.hidden(layer))
        with torch.no_grad():
            own = FINAL[name](trace.scope.model, hidden).double().log_softmax(-1)
        assert_probabilities_close(lens.probs[layer], own.exp().topk(2).values)
        divergence = (last.exp() * (last - own)).sum(-1)
        assert_close(lens.divergence[layer], bits(divergence), size=bits(-own.min()))
        assert_ranks_close(lens.ranks[layer, : len(true)], own[: len(true)], true)


def test_a_layer_that_adds_nothing_changes_no_answer(tokenizer):
    model = MODELS["llama"]()
    with torch.no_grad():
        model.model.layers[-1].self_attn.o_proj.weight.zero_()
        model.model.layers[-1].mlp.down_proj.weight.zero_()
    trace = Scope(model, tokenizer).trace(TEXT)
    lens, last = trace.lens(), torch.from_numpy(trace.logits).log_softmax(-1)
    assert_probabilities_close(lens.probs[-2], lens.probs[-1])
    assert_close(lens.divergence[-2], 0, size=bits(-last.min()))
    assert lens.divergence[-3].max() > 1e-3


def test_only_the_positions_asked_for_are_read(scope):
    trace = scope.trace(TEXT)
    whole, part = trace.lens(), trace.lens(top=2, positions=[-1, 3])
    assert part.positions.tolist() == [len(trace) - 1, 3]
    assert_probabilities_close(part.probs, whole.probs[:, [-1, 3], :2])
    assert np.array_equal(part.ranks, whole.ranks[:, [-1, 3]])
    assert part.ranks[0].tolist()[0] == -1
    with pytest.raises(ValueError, match="at least 1; not 0"):
        trace.lens(top=0)


def test_the_table_has_a_row_for_each_layer_and_position(scope):
    trace = scope.trace(TEXT)
    lens, table = trace.lens(), trace.lens().to_pandas()
    assert len(table) == 4 * len(trace)
    row = table[(table.layer == 2) & (table.position == 5)].iloc[0]
    assert row.prob == lens.probs[2, 5, 0]
    assert row["rank"] == lens.ranks[2, 5]


def test_a_model_without_a_head_or_with_more_behind_its_layers_says_so(tokenizer):
    with pytest.raises(ValueError, match="no language-model head"):
        traced("bert_encoder", tokenizer).lens()
    config = tf.FunnelConfig(
        vocab_size=300, d_model=32, n_head=4, d_head=8, d_inner=48, block_sizes=[1, 1]
    )
    funnel = Scope(tf.FunnelForMaskedLM(config).eval(), tokenizer, name="Funnel").trace(TEXT)
    with pytest.raises(ValueError, match="layers of Funnel differ in their shape"):
        funnel.lens()
    config = tf.ProphetNetConfig(
        vocab_size=300, hidden_size=32, num_encoder_layers=2, num_decoder_layers=2,
        num_encoder_attention_heads=4, num_decoder_attention_heads=4,
        encoder_ffn_dim=48, decoder_ffn_dim=48,
    )  # fmt: skip
    model = tf.ProphetNetForConditionalGeneration(config).eval()
    prophet = Scope(model, tokenizer, name="ProphetNet").trace(TEXT, target="it sleeps")
    with pytest.raises(ValueError, match="the head of ProphetNet can't be run on its own"):
        prophet.lens()


@pytest.mark.local
def test_hooks_and_states_are_not_left_behind(scope):
    before = [list(vars(module)) for module in scope.model.modules()]
    scope.trace(TEXT).lens()
    assert [list(vars(module)) for module in scope.model.modules()] == before
    assert not any(module._forward_hooks for module in scope.model.modules())


# What the MLP is given, and what it adds, where modules of these names tell.
MIDDLE = {
    "gpt2": ("transformer.h.{}.ln_2", "transformer.h.{}.mlp"),
    "llama": ("model.layers.{}.post_attention_layernorm", "model.layers.{}.mlp"),
    "mistral": ("model.layers.{}.post_attention_layernorm", "model.layers.{}.mlp"),
    "gemma2": (
        "model.layers.{}.pre_feedforward_layernorm",
        "model.layers.{}.post_feedforward_layernorm",
    ),
    "gpt_oss": ("model.layers.{}.post_attention_layernorm", "model.layers.{}.mlp"),
    "t5": ("decoder.block.{}.layer.2.layer_norm", "decoder.block.{}.layer.2.DenseReluDense"),
    "bert": ("bert.encoder.layer.{}.intermediate", None),
    "bart": ("model.decoder.layers.{}.fc1", None),
    "bloom": ("transformer.h.{}.post_attention_layernorm", None),
}


def watched(model, name: str, given: bool) -> list[torch.Tensor]:
    """What a module is given, or gives, in the passes to come."""
    seen: list[torch.Tensor] = []

    def note(module, args, output):
        item = args[0] if given else output
        seen.append(item[0] if isinstance(item, tuple) else item)

    model.get_submodule(name).register_forward_hook(note)
    return seen


@pytest.mark.parametrize("name", MIDDLE)
def test_halves_are_what_the_models_own_modules_see(name, tokenizer):
    trace = traced(name, tokenizer)
    attention = trace.lens(top=1, stream="attention")
    before, mlp = MIDDLE[name]
    whole = traced(name, tokenizer)  # of the same weights
    model = whole.scope.model
    middles = [watched(model, before.format(n), True) for n in range(3)]
    added = [watched(model, mlp.format(n), False) for n in range(3)] if mlp else []
    whole.scope.forget()
    whole.scope.runner.run(whole.recording.inputs)
    for layer in range(3):
        state = trace.recording.sublayers("attention")[layer]
        assert_close(state, middles[layer][0].reshape(state.shape))
        if mlp:
            half = trace.recording.sublayers("mlp")[layer]
            given = trace.recording.residual_stream.states[layer]
            assert_close(half, given + added[layer][0].reshape(given.shape))
    assert attention.layers.tolist() == [0, 1, 2, 3]
    assert_probabilities_close(attention.probs[0], trace.lens(top=1).probs[0])


def test_the_lens_of_a_half_goes_through_the_final_norm_and_the_head(tokenizer):
    trace = traced("llama", tokenizer)
    halves = trace.recording.sublayers("mlp")
    lens = trace.lens(stream="mlp")
    last = torch.from_numpy(trace.logits).double().log_softmax(-1)
    for layer, half in enumerate(halves, 1):
        with torch.no_grad():
            own = FINAL["llama"](trace.scope.model, half).double().log_softmax(-1)
        assert_probabilities_close(lens.probs[layer], own.exp().topk(5).values)
        entropy = -(own.exp() * own).sum(-1)
        assert_close(lens.entropy[layer], bits(entropy))
        divergence = (last.exp() * (last - own)).sum(-1)
        assert_close(lens.divergence[layer], bits(divergence), size=bits(-own.min()))


@pytest.mark.parametrize(
    ("name", "stream", "words"),
    [
        ("gptj", "attention", "adds attention and MLP at once, side by side"),
        ("falcon", "mlp", "adds attention and MLP at once, side by side"),
        ("cohere", "attention", "run side by side, on the same input"),
        ("mamba", "attention", "it has no attention"),
        ("bert", "mlp", "normalises the stream behind each sum"),
        ("llama", "both", "stream is one of block, attention, mlp; not 'both'"),
    ],
)
def test_layers_without_such_halves_say_so(name, stream, words, tokenizer):
    trace = traced(name, tokenizer)
    with pytest.raises(ValueError, match=words):
        trace.lens(stream=stream)
    assert len(trace.lens().layers) == 4, "the whole stream is read all the same"
    assert not any(module._forward_hooks for module in trace.scope.model.modules())
    assert not any(module._forward_pre_hooks for module in trace.scope.model.modules())


def test_what_a_mask_hides_has_no_true_token(tokenizer):
    tokenizer.mask_token = "<eos>"
    trace = traced("bert", tokenizer).masked(2)
    lens = trace.lens()
    assert lens.true_ids[2] == -1
    assert lens.ranks[:, 2].tolist() == [-1] * 4
    assert (np.delete(lens.ranks, 2, axis=1) >= 0).all()
