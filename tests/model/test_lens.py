"""The logit lens of SmolLM2, held to its own modules."""

from __future__ import annotations

import numpy as np
import pytest
import torch

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
    for row in (0, 1, 7, 15, 24, 29, 30):
        with torch.no_grad():
            own = model.lm_head(model.model.norm(states[row]))[0].double().log_softmax(-1)
        np.testing.assert_allclose(lens.probs[row], own.exp().topk(5).values, atol=1e-4)
        entropy = -(own.exp() * own).sum(-1) / np.log(2)
        np.testing.assert_allclose(lens.entropy[row], entropy, atol=2e-3)
        divergence = (logits.exp() * (logits - own)).sum(-1) / np.log(2)
        np.testing.assert_allclose(lens.divergence[row], divergence, atol=2e-3)
        chances = own[:-1].gather(1, true)
        np.testing.assert_allclose(lens.true_probs[row, :-1], chances[:, 0].exp(), atol=1e-4)
        ranks = (own[:-1] > chances).sum(1).numpy()
        # Far behind, many tokens are alike but for rounding.
        assert (np.abs(lens.ranks[row, :-1] - ranks) <= 1 + 1e-3 * ranks).all()
