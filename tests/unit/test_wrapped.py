"""Models in half precision, compiled, wrapped, spread and quantised: read as they compute."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from types import MethodType
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from accelerate import Accelerator, cpu_offload, infer_auto_device_map
from torch import nn

import llmscope
from llmscope.scope import Scope
from tests import tiny
from tests.closeness import EPS, TINY, relative_difference, relative_tolerance
from tests.reference import own_attention

TEXT = "The quick brown fox jumps over"
TARGET = [5, 6, 7]
FAMILIES = ["llama", "t5", "bert", "gptj"]


def inputs_of(model: Any, tokenizer: Any) -> dict[str, torch.Tensor]:
    inputs = {"input_ids": torch.tensor([tokenizer(TEXT)["input_ids"]])}
    if model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = torch.tensor([[0, *TARGET]])
    return inputs


def check(given: Any, reference: Any, tokenizer: Any, eps: float = EPS) -> Scope:
    """Hold what is read of `given` to what the model `reference` says itself, computed at `eps`."""
    rounding = max(relative_tolerance(TINY), 4 * eps)
    scope = Scope(given, tokenizer)
    inputs = inputs_of(reference, tokenizer)
    pair = len(inputs) > 1
    trace = scope.trace(TEXT, target=TARGET) if pair else scope.trace(TEXT)
    with torch.no_grad():
        logits = reference(**inputs).logits[0].float().numpy()
    assert np.array_equal(trace.logits, logits)
    own = own_attention(reference, inputs)
    assert sorted(own) == sorted(trace.kinds)
    for kind, layers in own.items():
        for layer, weights in enumerate(layers):
            found = trace.attention(layer, kind=kind)
            assert relative_difference(found, weights) <= rounding
    if scope.facts.family != "masked":
        written = scope.generate(TEXT, max_new_tokens=5, do_sample=False).sequences
        ids = {"input_ids": inputs["input_ids"]}
        expected = reference.generate(**ids, max_new_tokens=5, do_sample=False)
        assert np.array_equal(written, expected.numpy())
        if not pair:
            longer = scope.trace(TEXT + " the").logits[: len(trace)]
            assert relative_difference(longer, logits) <= rounding
    assert trace.is_current
    return scope


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", [*FAMILIES, "gemma2", "gpt_oss"])
def test_half_precision_on_a_cpu(name: str, dtype: torch.dtype, tokenizer: Any) -> None:
    model = tiny.MODELS[name]().to(dtype)
    scope = check(model, copy.deepcopy(model), tokenizer, torch.finfo(dtype).eps)
    assert scope.facts.dtype == str(dtype).removeprefix("torch.")


# ── compiled and wrapped ─────────────────────────────────────────────────────────────────────


def compiled_in_place(model: nn.Module) -> nn.Module:
    model.compile(backend="eager")
    return model


def compiled_forward(model: nn.Module) -> nn.Module:
    model.forward = torch.compile(model.forward, backend="eager")
    return model


def compiled_layers(model: nn.Module) -> nn.Module:
    layers = next(m for m in model.modules() if isinstance(m, nn.ModuleList))
    layers[0].compile(backend="eager")
    layers[1] = torch.compile(layers[1], backend="eager")
    return model


def another_forward(model: nn.Module) -> nn.Module:
    own = model.forward
    model.forward = lambda *args, **kwargs: own(*args, **kwargs)
    return model


WRAPPERS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "compiled": lambda model: torch.compile(model, backend="eager"),
    "compiled in place": compiled_in_place,
    "compiled forward": compiled_forward,
    "compiled layers": compiled_layers,
    "another forward": another_forward,
    "data parallel": nn.DataParallel,
    "both": lambda model: nn.DataParallel(torch.compile(model, backend="eager")),
}


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_wrappers_are_looked_through(name: str, wrapper: str, tokenizer: Any) -> None:
    model = tiny.MODELS[name]()
    check(WRAPPERS[wrapper](copy.deepcopy(model)), model, tokenizer)


def test_what_ran_compiled_before_is_read_and_stays_compiled(tokenizer: Any) -> None:
    ran = []

    def backend(graph: Any, inputs: Any) -> Any:
        def run(*args: Any) -> Any:
            ran.append(len(args))
            return graph.forward(*args)

        return run

    model = tiny.MODELS["llama"]()
    compiled = torch.compile(copy.deepcopy(model), backend=backend)
    inputs = inputs_of(model, tokenizer)
    with torch.no_grad():
        compiled(**inputs)
        assert ran
        ran.clear()
        check(compiled, model, tokenizer)
        assert not ran
        compiled(**inputs)
        assert ran


def test_a_forward_that_casts_is_run(tokenizer: Any) -> None:
    model = Accelerator(mixed_precision="bf16", cpu=True).prepare(tiny.MODELS["llama"]())
    plain = tiny.MODELS["llama"]()
    scope = check(model, model, tokenizer, torch.finfo(torch.bfloat16).eps)
    assert not np.array_equal(scope.trace(TEXT).logits, Scope(plain, tokenizer).trace(TEXT).logits)
    assert scope.trace(TEXT).lens().probs.shape[0] == 4


def test_a_head_behind_another_forward_gives_no_lens_and_words(tokenizer: Any) -> None:
    scope = Scope(another_forward(tiny.MODELS["llama"]()), tokenizer)
    with pytest.raises(ValueError, match="can't be run on its own"):
        scope.trace(TEXT).lens()


# ── weights that lie elsewhere, or packed ────────────────────────────────────────────────────


@pytest.fixture
def saved(tmp_path: Any, tokenizer: Any) -> Callable[[str], tuple[Any, Any]]:
    def save(name: str) -> tuple[Any, Any]:
        model = tiny.MODELS[name]()
        model.save_pretrained(tmp_path / name)
        tokenizer.save_pretrained(tmp_path / name)
        return model, tmp_path / name

    return save


@pytest.mark.parametrize("name", ["llama", "t5", "gpt_oss"])
def test_weights_on_a_disk(name: str, saved: Any, tokenizer: Any, tmp_path: Any) -> None:
    model, folder = saved(name)
    size = sum(p.numel() * p.element_size() for p in model.parameters())
    device_map = infer_auto_device_map(
        model,
        max_memory={"cpu": size * 6 // 10, "disk": 10**9},
        no_split_module_classes=list(model._no_split_modules),
    )
    spread = type(model).from_pretrained(
        folder, device_map=device_map, offload_folder=tmp_path / "disk"
    )
    scope = check(spread, model, tokenizer)
    assert set(scope.facts.device.split(", ")) == {"cpu", "disk"}


@pytest.mark.parametrize("device_map", ["auto", {"": "cpu"}])
def test_a_device_map_of_one_device(device_map: Any, saved: Any, tokenizer: Any) -> None:
    model, folder = saved("llama")
    scope = llmscope.load(folder, device_map=device_map, progress=lambda *_: None)
    check(scope.model, model, tokenizer)
    assert scope.facts.device == "cpu"


def test_weights_that_are_brought_in_for_each_call_alone(tokenizer: Any) -> None:
    model = tiny.MODELS["gpt_oss"]()  # its attention has weights of its own: the sinks
    away = cpu_offload(copy.deepcopy(model), execution_device=torch.device("cpu"))
    scope = check(away, model, tokenizer)
    assert {p.device.type for p in away.parameters()} == {"meta"}
    here = Scope(model, tokenizer).trace(TEXT).steps(1, 2, 4)
    assert np.array_equal(scope.trace(TEXT).steps(1, 2, 4).projected, here.projected)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_checkpoint_with_packed_weights(saved: Any, tokenizer: Any, tmp_path: Any) -> None:
    pytest.importorskip("compressed_tensors")
    from compressed_tensors.compressors import ModelCompressor
    from compressed_tensors.quantization import QuantizationConfig, apply_quantization_config

    model, _ = saved("llama")
    folder = tmp_path / "packed"
    tokenizer.save_pretrained(folder)
    weights = {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "channel"}
    config = QuantizationConfig(
        config_groups={"all": {"targets": ["Linear"], "weights": weights}},
        ignore=["lm_head"],
        quantization_status="frozen",
        format="pack-quantized",
    )
    packed = copy.deepcopy(model)
    apply_quantization_config(packed, config)
    for module in packed.modules():
        if hasattr(module, "weight_scale"):
            module.weight_scale.data = module.weight.abs().amax(1, keepdim=True) / 127.5
    compressor = ModelCompressor(quantization_config=config)
    compressor.compress_model(packed)
    packed.save_pretrained(folder)
    compressor.update_config(folder)

    scope = llmscope.load(folder, progress=lambda *_: None)
    names = {name for name, _ in scope.model.model.layers[0].self_attn.q_proj.named_parameters()}
    assert "weight_packed" in names
    assert scope.facts.dtype == "float32, compressed-tensors"
    check(scope.model, transformers.AutoModelForCausalLM.from_pretrained(folder), tokenizer)
    error = np.abs(scope.trace(TEXT).logits - Scope(model, tokenizer).trace(TEXT).logits).max()
    assert 0 < error < 1


def test_a_forward_that_calls_the_one_it_replaced(tokenizer):
    """As TRL's `SFTTrainer` assigns it."""
    plain = tiny.MODELS["llama"]()
    wanted = Scope(plain, tokenizer).trace(tiny.TEXT)
    model = tiny.MODELS["llama"]()
    model.load_state_dict(plain.state_dict())
    original = model.forward

    def forward(self, *args, fused=False, **kwargs):
        return original(*args, **kwargs)

    model.forward = MethodType(functools.wraps(type(model).forward)(forward), model)
    trace = Scope(model, tokenizer).trace(tiny.TEXT)
    np.testing.assert_array_equal(trace.logits, wanted.logits)
    assert model.forward.__func__.__closure__[0].cell_contents is original
    np.testing.assert_array_equal(trace.lens().ids, wanted.lens().ids)
