"""The logit lens of SmolLM2, held to its own modules."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.closeness import SMOLLM, assert_close, assert_probabilities_close, assert_ranks_close

TEXT = "When Mary and John went to the store, John gave a drink to"


@pytest.mark.parametrize("stream", ["block", "attention", "mlp"])
def test_every_layer_is_what_norm_and_head_make_of_its_stream(smollm, stream):
    trace = smollm.trace(TEXT)
    model = smollm.model
    seen = {"given": [], "middle": [], "mlp": [], "made": []}
    handles = []
    for layer in model.model.layers:
        handles += [
            layer.register_forward_pre_hook(lambda _, args: seen["given"].append(args[0])),
            layer.post_attention_layernorm.register_forward_pre_hook(
                lambda _, args: seen["middle"].append(args[0])
            ),
            layer.mlp.register_forward_hook(lambda _, __, out: seen["mlp"].append(out)),
            layer.register_forward_hook(lambda _, __, out: seen["made"].append(out)),
        ]
    try:
        with torch.no_grad():
            logits = model(torch.tensor([trace.ids])).logits[0].double().log_softmax(-1)
    finally:
        for handle in handles:
            handle.remove()
    halves = {
        "block": seen["made"],
        "attention": seen["middle"],
        "mlp": [given + mlp for given, mlp in zip(seen["given"], seen["mlp"], strict=True)],
    }
    states = [seen["given"][0], *halves[stream]]
    lens = trace.lens(top=5, stream=stream)
    assert len(lens.layers) == len(states) == 31
    true = torch.tensor(trace.ids[1:])[:, None]
    vocabulary = logits.shape[-1]
    for row in (0, 1, 7, 15, 24, 29, 30):
        with torch.no_grad():
            own = model.lm_head(model.model.norm(states[row]))[0].double().log_softmax(-1)
        assert_probabilities_close(lens.probs[row], own.exp().topk(5).values, terms=SMOLLM)
        size = float(-own.min() / np.log(2))
        entropy = -(own.exp() * own).sum(-1) / np.log(2)
        assert_close(lens.entropy[row], entropy, terms=vocabulary, size=size)
        divergence = (logits.exp() * (logits - own)).sum(-1) / np.log(2)
        assert_close(lens.divergence[row], divergence, terms=vocabulary, size=size)
        chances = own[:-1].gather(1, true)[:, 0].exp()
        assert_probabilities_close(lens.true_probs[row, :-1], chances, terms=SMOLLM)
        assert_ranks_close(lens.ranks[row, :-1], own[:-1], trace.ids[1:], terms=SMOLLM)
