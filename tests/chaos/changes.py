"""Kinds of change that a person makes to a model between two traces: issue F2's 36, and a few more.

Each takes the model that the scope reads, what the person holds (the adapter's wrapper, or the
model itself), and pytest's `monkeypatch`, which takes back what outlives the model.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
import transformers as tf
from torch import nn

from tests import tiny

Do = Callable[[Any, Any, pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Change:
    """One kind of change, and the model that it is made to."""

    do: Do
    make: Callable[[], Any]


CHANGES: dict[str, Change] = {}
SAMPLE = {  # one or two of each kind, for `make test`
    "step of SGD", ".data, in place", "rotary frequencies in place", "layer dropped",
    "epsilon of a norm", "forward patched on the class", "hook", "LoRA scaling",
}  # fmt: skip


def _llama() -> Any:
    return tiny.MODELS["llama"]()


def _gpt2() -> Any:
    return tiny.MODELS["gpt2"]()


def _gemma2() -> Any:
    return tiny.MODELS["gemma2"]()


def _routed() -> Any:
    """A mixture of experts whose router has a bias in a buffer."""
    config = tf.DeepseekV3Config(
        **{**tiny._COMMON, "num_key_value_heads": 4},
        n_routed_experts=4,
        num_experts_per_tok=2,
        n_group=2,
        topk_group=1,
        first_k_dense_replace=1,
        q_lora_rank=16,
        kv_lora_rank=16,
        qk_rope_head_dim=8,
        qk_nope_head_dim=8,
        v_head_dim=8,
        moe_intermediate_size=16,
    )
    return tiny._random(lambda: tf.DeepseekV3ForCausalLM(config), larger=6)()


def _lora() -> Any:
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # PEFT asks transformers for an old name
        peft = get_peft_model(_llama(), LoraConfig(r=2, target_modules=["q_proj", "down_proj"]))
    _randomise(peft)
    return peft.eval()


def _randomise(peft: Any) -> None:
    """LoRA begins at zero, where neither its scale nor its absence is seen."""
    for name, parameter in peft.named_parameters():
        if "lora_" in name:
            parameter.data.normal_(std=0.5)


def _change(name: str, make: Callable[[], Any] = _llama) -> Callable[[Do], Do]:
    def keep(do: Do) -> Do:
        assert name not in CHANGES
        CHANGES[name] = Change(do, make)
        return do

    return keep


def _up(model: Any) -> nn.Linear:
    linear: nn.Linear = model.model.layers[0].mlp.up_proj
    return linear


def _loss(model: Any) -> torch.Tensor:
    ids = torch.tensor([[5, 6, 7, 8]])
    loss: torch.Tensor = model(input_ids=ids, labels=ids).loss
    return loss


def _changed_state(model: Any) -> dict[str, torch.Tensor]:
    return {name: item * 1.1 for name, item in model.state_dict().items()}


# ── weights, as PyTorch counts them ──────────────────────────────────────────────────────────


@_change("step of SGD")
def _(model: Any, _: Any, __: Any) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    _loss(model).backward()
    optimizer.step()


@_change("step of AdamW, foreach")
def _(model: Any, _: Any, __: Any) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, foreach=True)
    _loss(model).backward()
    optimizer.step()


@_change("load_state_dict")
def _(model: Any, _: Any, __: Any) -> None:
    model.load_state_dict(_changed_state(model))


@_change("load_state_dict, assign")
def _(model: Any, _: Any, __: Any) -> None:
    model.load_state_dict(_changed_state(model), assign=True)


@_change("in place under no_grad")
def _(model: Any, _: Any, __: Any) -> None:
    with torch.no_grad():
        _up(model).weight.mul_(1.5)


@_change("in place through detach")
def _(model: Any, _: Any, __: Any) -> None:
    _up(model).weight.detach().mul_(1.5)


@_change("in place under inference_mode")
def _(model: Any, _: Any, __: Any) -> None:
    with torch.inference_mode():
        _up(model).weight.mul_(1.5)


@_change("another Parameter")
def _(model: Any, _: Any, __: Any) -> None:
    _up(model).weight = nn.Parameter(_up(model).weight * 1.5)


@_change("half and back")
def _(model: Any, _: Any, __: Any) -> None:
    model.half().float()


@_change("bfloat16")
def _(model: Any, _: Any, __: Any) -> None:
    model.bfloat16()


# ── weights, behind PyTorch's back ───────────────────────────────────────────────────────────


@_change(".data, set once")
def _(model: Any, _: Any, __: Any) -> None:
    _up(model).weight.data = _up(model).weight.data * 1.5


@_change(".data, set twice")
def _(model: Any, _: Any, __: Any) -> None:
    weight = _up(model).weight
    memory = weight.data
    weight.data = memory.clone()
    memory.mul_(1.5)
    weight.data = memory  # where it was before


@_change(".data, in place")
def _(model: Any, _: Any, __: Any) -> None:
    _up(model).weight.data[:, :8] = 0


@_change("numpy view")
def _(model: Any, _: Any, __: Any) -> None:
    _up(model).weight.detach().numpy()[:] *= 1.5


@_change("tied embeddings, .data in place", _gpt2)
def _(model: Any, _: Any, __: Any) -> None:
    model.transformer.wte.weight.data.mul_(1.2)


# ── buffers ──────────────────────────────────────────────────────────────────────────────────


@_change("rotary frequencies in place")
def _(model: Any, _: Any, __: Any) -> None:
    model.model.rotary_emb.inv_freq.mul_(0.5)


@_change("rotary frequencies replaced")
def _(model: Any, _: Any, __: Any) -> None:
    model.model.rotary_emb.inv_freq = model.model.rotary_emb.inv_freq * 0.5


@_change("bias of a router in place", _routed)
def _(model: Any, _: Any, __: Any) -> None:
    for layer in model.model.layers[1:]:
        layer.mlp.gate.e_score_correction_bias.copy_(torch.tensor([9.0, 9.0, -9.0, -9.0]))


# ── modules and their settings ───────────────────────────────────────────────────────────────


@_change("module swapped")
def _(model: Any, _: Any, __: Any) -> None:
    model.model.layers[0].mlp = copy.deepcopy(model.model.layers[1].mlp)


@_change("layers swapped")
def _(model: Any, _: Any, __: Any) -> None:
    layers = model.model.layers
    layers[0].mlp, layers[1].mlp = layers[1].mlp, layers[0].mlp


@_change("layer dropped")
def _(model: Any, _: Any, __: Any) -> None:
    del model.model.layers[2]
    model.config.num_hidden_layers = 2


@_change("epsilon of a norm")
def _(model: Any, _: Any, __: Any) -> None:
    model.model.layers[0].input_layernorm.variance_epsilon = 1.0


@_change("another activation")
def _(model: Any, _: Any, __: Any) -> None:
    model.model.layers[0].mlp.act_fn = nn.Tanh()


@_change("scaling of attention")
def _(model: Any, _: Any, __: Any) -> None:
    model.model.layers[1].self_attn.scaling *= 3


@_change("soft cap in the configuration", _gemma2)
def _(model: Any, _: Any, __: Any) -> None:
    model.config.final_logit_softcapping = 2.0


@_change("train()", _gpt2)
def _(model: Any, _: Any, __: Any) -> None:
    model.train()


# ── code around modules ──────────────────────────────────────────────────────────────────────


@_change("forward patched on the class")
def _(model: Any, _: Any, patch: pytest.MonkeyPatch) -> None:
    kind = type(model.model.layers[0].mlp)
    own = kind.forward
    patch.setattr(kind, "forward", lambda self, x: 1.5 * own(self, x))


@_change("class of a module")
def _(model: Any, _: Any, __: Any) -> None:
    mlp = model.model.layers[0].mlp
    kind: Any = type(mlp)

    class Louder(kind):  # type: ignore[misc]
        def forward(self, x: torch.Tensor) -> Any:
            return 1.5 * super().forward(x)

    mlp.__class__ = Louder


@_change("forward patched on an instance")
def _(model: Any, _: Any, __: Any) -> None:
    mlp = model.model.layers[0].mlp
    own = mlp.forward
    mlp.forward = lambda x: 1.5 * own(x)


@_change("hook")
def _(model: Any, _: Any, __: Any) -> None:
    model.model.layers[0].mlp.register_forward_hook(lambda _, __, output: 1.5 * output)


@_change("pre-hook")
def _(model: Any, _: Any, __: Any) -> None:
    model.model.layers[0].mlp.register_forward_pre_hook(lambda _, args: (1.5 * args[0],))


@_change("prune")
def _(model: Any, _: Any, __: Any) -> None:
    from torch.nn.utils import prune

    torch.manual_seed(2)
    prune.random_unstructured(_up(model), "weight", amount=0.5)


@_change("parametrize")
def _(model: Any, _: Any, __: Any) -> None:
    from torch.nn.utils import parametrize

    class Louder(nn.Module):
        def forward(self, weight: torch.Tensor) -> torch.Tensor:
            return 1.5 * weight

    parametrize.register_parametrization(_up(model), "weight", Louder())


# ── adapters ─────────────────────────────────────────────────────────────────────────────────


def _lora_layers(model: Any) -> list[Any]:
    return [module for module in model.modules() if hasattr(module, "lora_A")]


@_change("LoRA off", _lora)
def _(_: Any, peft: Any, __: Any) -> None:
    peft.base_model.disable_adapter_layers()


@_change("LoRA merged", _lora)
def _(model: Any, peft: Any, __: Any) -> None:
    for layer in _lora_layers(model):
        layer.scale_layer(1.0)
    peft.merge_adapter()
    _lora_layers(model)[0].base_layer.weight.data.mul_(1.5)  # else merging changes no number


@_change("LoRA added", _lora)
def _(_: Any, peft: Any, __: Any) -> None:
    from peft import LoraConfig

    peft.add_adapter("second", LoraConfig(r=2, target_modules=["q_proj"]))
    _randomise(peft)
    peft.set_adapter("second")


@_change("LoRA trained", _lora)
def _(model: Any, peft: Any, __: Any) -> None:
    optimizer = torch.optim.SGD([p for p in peft.parameters() if p.requires_grad], lr=0.5)
    _loss(model).backward()
    optimizer.step()


@_change("LoRA unloaded", _lora)
def _(_: Any, peft: Any, __: Any) -> None:
    peft.unload()


@_change("LoRA scale_layer", _lora)
def _(model: Any, _: Any, __: Any) -> None:
    for layer in _lora_layers(model):
        layer.scale_layer(3.0)


@_change("LoRA scaling", _lora)
def _(model: Any, _: Any, __: Any) -> None:
    for layer in _lora_layers(model):
        layer.scaling["default"] = 5.0
