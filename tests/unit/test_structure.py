"""What a model is made of, held to its own modules."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmscope.analysis.structure import Structure
from llmscope.kernel.handlers import Handlers
from llmscope.kernel.protocol import parse
from llmscope.scope import Scope
from tests import tiny

# Of a block, the boxes of each stage: shared, branches and what is behind the sum.
ORDERS: dict[str, list[tuple[str, str, str]]] = {
    "gpt2": [("", "norm1 heads output", ""), ("", "norm2 mlp", "")],
    "llama": [("", "norm1 heads output", ""), ("", "norm2 mlp", "")],
    "gemma2": [("", "norm1 heads output norm2", ""), ("", "norm3 mlp norm4", "")],
    "gpt_oss": [("", "norm1 heads output", ""), ("", "norm2 moe", "")],
    "cohere": [("norm1", "heads output | mlp", "")],
    "gptj": [("norm1", "heads output | mlp", "")],
    "falcon": [("norm1", "heads output | mlp", "")],
    "bloom": [("", "norm1 heads output", ""), ("", "norm2 mlp", "")],
    "bert": [("", "heads output", "norm1"), ("", "mlp", "norm2")],
    "albert": [("", "heads output", "norm1"), ("", "mlp", "norm2")],
    "bart": [
        ("", "heads output", "norm1"),
        ("", "cross_heads cross_output", "norm2"),
        ("", "mlp", "norm3"),
    ],
    "t5": [
        ("", "norm1 heads output", ""),
        ("", "norm2 cross_heads cross_output", ""),
        ("", "norm3 mlp", ""),
    ],
    "mamba": [("", "norm1 mixer", "")],
}
ENDS = {
    "gpt2": ("tokens embedding positions", "final_norm unembedding softmax"),
    "llama": ("tokens embedding", "final_norm unembedding softmax"),
    "bert": (
        "tokens embedding types positions norm1",
        "head_dense head_activation head_norm unembedding softmax",
    ),
    "albert": (
        "tokens embedding types positions norm1 dense1",
        "head_dense head_activation head_norm unembedding softmax",
    ),
    "bloom": ("tokens embedding norm1", "final_norm unembedding softmax"),
    "t5": ("tokens embedding", "final_norm head_scale unembedding softmax"),
    "bart": ("tokens embedding positions norm1", "unembedding softmax"),
    "mamba": ("tokens embedding", "final_norm unembedding softmax"),
}


def structure_of(name: str) -> tuple[Any, Structure]:
    model: Any = tiny.MODELS[name]()
    scope = Scope(model, tiny.byte_level())
    target = "The dog" if model.config.is_encoder_decoder else None
    return model, scope.trace(tiny.TEXT, target=target).structure


@pytest.mark.parametrize("name", ORDERS)
def test_a_block_has_its_parts_in_their_order(name: str) -> None:
    _, structure = structure_of(name)
    (run,) = structure.towers[-1].runs
    found = [
        (
            " ".join(box.id for box in stage.shared),
            " | ".join(" ".join(box.id for box in branch) for branch in stage.branches),
            " ".join(box.id for box in stage.after),
        )
        for stage in run.stages
    ]
    assert found == ORDERS[name]
    assert all(stage.adds for stage in run.stages)
    assert run.count == 3


@pytest.mark.parametrize("name", ENDS)
def test_what_is_below_and_above_the_blocks(name: str) -> None:
    _, structure = structure_of(name)
    tower = structure.towers[-1]
    before, after = (" ".join(box.id for box in boxes) for boxes in (tower.before, tower.after))
    assert (before, after) == ENDS[name]


@pytest.mark.parametrize("name", ORDERS)
def test_every_parameter_is_in_one_box(name: str) -> None:
    model, structure = structure_of(name)
    own = {n: p for n, p in model.named_parameters() if "relative_attention_bias" not in n}
    counted = sum(parameter.numel() for parameter in own.values())
    if name == "albert":  # all of its blocks are one
        structure = Structure(
            "",
            0,
            tuple(
                type(tower)(
                    **{
                        **vars(tower),
                        "runs": tuple(
                            type(run)(**{**vars(run), "paths": run.paths[:1]}) for run in tower.runs
                        ),
                    }
                )
                for tower in structure.towers
            ),
        )
    unused = {"albert": "pooler"}.get(name)
    counted -= sum(p.numel() for n, p in own.items() if unused and unused in n)
    assert sum(box.parameters for _, box in structure.boxes()) == counted
    shapes = {tuple(p.shape) for p in own.values()}
    assert all(shape in shapes for _, box in structure.boxes() for _, shape in box.shapes)


def test_a_page_is_told_what_a_model_is_made_of() -> None:
    scope = Scope(tiny.MODELS["llama"](), tiny.byte_level())
    handlers = Handlers(scope)
    (read,) = handlers(parse(f"text/{tiny.TEXT}"), lambda: False)
    (answer,) = handlers(parse(f"{read['trace']}/model"), lambda: False)
    assert json.loads(json.dumps(answer)) == answer
    (tower,) = answer["towers"]
    assert tower["runs"][0]["paths"] == [f"model.layers.{n}" for n in range(3)]
    heads = tower["runs"][0]["stages"][0]["branches"][0][1]
    assert heads["shapes"] == [
        ["q_proj.weight", [32, 32]],
        ["k_proj.weight", [16, 32]],
        ["v_proj.weight", [16, 32]],
    ]
    assert (heads["opens"], heads["facts"]["kv_heads"], heads["takes"]) == ("matrix", 2, 32)


def test_nothing_is_left_on_the_model() -> None:
    model, structure = structure_of("llama")
    assert repr(structure).startswith("<Structure of LlamaForCausalLM: 42,464 parameters")
    assert "3 blocks (0 to 2): + norm1 → heads → output, then + norm2 → mlp" in repr(structure)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
