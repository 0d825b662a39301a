"""What SmolLM2 is made of, and its numbers in one block, held to plain hooks."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from llmscope.scope import Scope
from tests.closeness import SMOLLM, assert_close

TEXT = "The capital of France is"
BLOCK = 20
POSITION = 3


def test_the_default_model_is_understood_whole(smollm: Scope) -> None:
    structure = smollm.trace(TEXT).structure
    (tower,) = structure.towers
    assert structure.is_whole
    assert [(run.first, run.count) for run in tower.runs] == [(0, 30)]
    assert [box.id for box in tower.runs[0].boxes()] == ["norm1", "heads", "output", "norm2", "mlp"]
    assert [(one.how, one.box) for one in tower.positions] == [("rotary", "block.0.rotary")]
    counted = sum(p.numel() for p in smollm.model.parameters())
    assert structure.parameters == counted == 134_515_008
    assert sum(box.parameters for _, box in structure.boxes()) == counted


def test_numbers_of_a_block_are_those_of_plain_hooks(smollm: Scope) -> None:
    layer: Any = smollm.model.get_submodule(f"model.layers.{BLOCK}")
    attention, mlp = layer.self_attn, layer.mlp
    given = {
        "stream.0": layer,
        "heads": attention.o_proj,
        "stream.1": layer.post_attention_layernorm,
        "mlp.neurons": mlp.down_proj,
    }
    made = {
        "norm1": layer.input_layernorm,
        "output": attention.o_proj,
        "norm2": layer.post_attention_layernorm,
        "mlp": mlp,
        "stream.2": layer,
    }
    seen: dict[str, np.ndarray[Any, Any]] = {}

    def keep(name: str, value: Any) -> None:
        tensor = value[0] if isinstance(value, tuple) else value
        seen[name] = tensor[0, POSITION].float().numpy()

    handles = [
        module.register_forward_pre_hook(lambda _, args, name=name: keep(name, args))
        for name, module in given.items()
    ]
    handles += [
        module.register_forward_hook(lambda _, __, value, name=name: keep(name, value))
        for name, module in made.items()
    ]
    ids = torch.tensor([smollm.tokenizer(TEXT)["input_ids"]])
    try:
        with torch.no_grad():
            smollm.model(ids, use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    path = smollm.trace(TEXT).token_path(POSITION)
    found = path.block(BLOCK)
    assert found.keys() == seen.keys()
    for name, vector in found.items():
        assert_close(vector, seen[name], terms=SMOLLM)
    assert path.error(BLOCK) < 1e-6
