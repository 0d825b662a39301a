"""Adapters of PEFT: beside a model in a folder of their own, and around one in memory."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path

import peft
import pytest
import torch
import transformers

import llmscope
from llmscope.loading import adapters
from llmscope.scope import Scope
from tests.checkpoints import failure, llama, silent, tiny_tokenizer

pytestmark = [
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning"),
    pytest.mark.filterwarnings("ignore:Could not find a config file in"),
]
TEXT = "the cat sat the cat"
LORA = peft.LoraConfig(r=2, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")


def adapted(config: peft.PeftConfig = LORA, *, base: str = "") -> peft.PeftModel:
    torch.manual_seed(0)
    base_model = transformers.LlamaForCausalLM(llama())
    model = peft.get_peft_model(base_model, copy.deepcopy(config)).eval()
    for name, parameter in model.named_parameters():
        if "lora" in name:  # at first it changes nothing
            torch.nn.init.normal_(parameter)
    model.peft_config["default"].base_model_name_or_path = base
    return model


def own_logits(model: torch.nn.Module) -> torch.Tensor:
    ids = tiny_tokenizer()(TEXT, return_tensors="pt").input_ids
    with torch.no_grad():
        return model(input_ids=ids).logits[0]


@pytest.fixture
def adapter(folder: Path, tmp_path: Path) -> Path:
    """An adapter on disk, for the model in `folder`."""
    adapted(base=str(folder)).save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


def expected(folder: Path, adapter: Path) -> torch.Tensor:
    base = transformers.LlamaForCausalLM.from_pretrained(folder)
    return own_logits(peft.PeftModel.from_pretrained(base, adapter))


def test_an_adapter_is_put_into_its_model(folder: Path, adapter: Path) -> None:
    scope = llmscope.load(adapter, progress=silent)
    assert scope.name == "adapter"
    assert torch.equal(torch.tensor(scope.trace(TEXT).logits), expected(folder, adapter))
    assert not torch.allclose(
        own_logits(scope.model), own_logits(llmscope.load(folder, progress=silent).model)
    )


def test_a_tokenizer_beside_the_adapter_goes_first(adapter: Path) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = "of the adapter"
    tokenizer.save_pretrained(adapter)
    assert llmscope.load(adapter, progress=silent).tokenizer.chat_template == "of the adapter"


def test_an_adapter_in_the_folder_of_its_model(folder: Path) -> None:
    model = adapted(base="nowhere")  # its weights are those in `folder`
    model.save_pretrained(folder)
    scope = llmscope.load(folder, progress=silent)
    assert torch.equal(torch.tensor(scope.trace(TEXT).logits), own_logits(model))


def test_an_adapter_without_its_model_names_it(tmp_path: Path) -> None:
    adapted(base="./nowhere").save_pretrained(tmp_path)
    error = failure(tmp_path)
    assert error.kind == "unknown"
    assert "is an adapter of ./nowhere" in str(error)
    assert "no file or folder nowhere" in str(error)


def test_an_adapter_that_names_no_model_says_what_to_do(tmp_path: Path) -> None:
    adapted().save_pretrained(tmp_path)
    assert "doesn't say which model it is for" in str(failure(tmp_path))


def test_a_pickled_adapter_is_refused_unless_asked(folder: Path, adapter: Path) -> None:
    before = expected(folder, adapter)
    model = peft.PeftModel.from_pretrained(
        transformers.LlamaForCausalLM.from_pretrained(folder), adapter
    )
    torch.save(peft.get_peft_model_state_dict(model), adapter / "adapter_model.bin")
    (adapter / "adapter_model.safetensors").unlink()
    assert failure(adapter).kind == "pickle"
    scope = llmscope.load(adapter, use_safetensors=False, progress=silent)
    assert torch.equal(torch.tensor(scope.trace(TEXT).logits), before)


def test_half_an_adapter_is_damaged(adapter: Path) -> None:
    path = adapter / "adapter_config.json"
    kept = json.loads(path.read_text())
    path.write_text(json.dumps(kept | {"target_modules": ["q_proj", "v_proj", "k_proj"]}))
    assert failure(adapter).kind == "damaged"


def test_without_the_package_it_is_named(adapter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapters, "find_spec", lambda name: None)
    error = failure(adapter)
    assert error.kind == "package"
    assert "pip install peft" in str(error)


VIRTUAL = peft.PromptTuningConfig(num_virtual_tokens=2, task_type="CAUSAL_LM")
BY_TEXT = peft.LoraConfig(
    r=2, target_modules=["q_proj"], alora_invocation_tokens=[5], task_type="CAUSAL_LM"
)


@pytest.mark.parametrize(
    ("config", "words"), [(VIRTUAL, "tokens of its own"), (BY_TEXT, "depends on the text")]
)
def test_what_does_more_than_change_weights_is_refused_in_words(
    folder: Path, tmp_path: Path, config: peft.PeftConfig, words: str
) -> None:
    model = adapted(config, base=str(folder))
    with pytest.raises(ValueError, match=words):
        Scope(model, tiny_tokenizer())
    assert Scope(model.get_base_model(), tiny_tokenizer()).trace(TEXT).logits.shape[0] == 5
    model.save_pretrained(tmp_path / "refused")
    assert words in str(failure(tmp_path / "refused"))


@pytest.mark.parametrize(
    "config",
    [LORA, peft.LoraConfig(r=2, use_dora=True, target_modules=["q_proj"], task_type="CAUSAL_LM")],
)
def test_a_model_with_adapters_is_taken_out_of_its_wrapper(config: peft.PeftConfig) -> None:
    model = adapted(config)
    scope = Scope(model, tiny_tokenizer())
    assert scope.model is model.get_base_model()
    assert torch.equal(torch.tensor(scope.trace(TEXT).logits), own_logits(model))


def test_another_adapter_is_another_model() -> None:
    model = adapted()
    scope = Scope(model, tiny_tokenizer())
    trace = scope.trace(TEXT)
    with model.disable_adapter():
        assert not trace.is_current
        with pytest.raises(RuntimeError, match="The model was changed"):
            trace.next_token()
        plain = scope.trace(TEXT)
        assert torch.equal(torch.tensor(plain.logits), own_logits(model))
    assert trace.is_current
    assert not plain.is_current


def test_loading_imports_no_adapters_without_need(folder: Path) -> None:
    code = (
        "import sys, llmscope\n"
        f"llmscope.load({str(folder)!r}, progress=lambda *_: None)\n"
        "print('peft' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
