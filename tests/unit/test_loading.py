import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch
import transformers
from safetensors import SafetensorError

import llmscope
from llmscope.loading import LoadError, errors, load_parts, pretrained
from tests.checkpoints import (
    SMALL,
    edit_config,
    failure,
    llama,
    save,
    silent,
)

# --- local models ---------------------------------------------------------------------------------


def test_a_folder_gives_model_tokenizer_and_its_name(folder: Path) -> None:
    model, tokenizer, name = load_parts(folder, progress=silent)
    assert type(model) is transformers.LlamaForCausalLM
    assert not model.training
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert tokenizer("the cat").input_ids == [5, 6]
    assert name == "tiny"


def test_load_wraps_the_parts_in_a_scope(folder: Path) -> None:
    scope = llmscope.load(str(folder), progress=silent)
    assert scope.model.config.model_type == "llama"
    assert scope.tokenizer.mask_token == "[MASK]"


def test_importing_the_room_imports_neither_torch_nor_transformers() -> None:
    code = "import sys, llmscope.loading; print({'torch', 'transformers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("saved", "loaded"),
    [
        (transformers.BertForMaskedLM, transformers.BertForMaskedLM),
        (transformers.BertForPreTraining, transformers.BertForMaskedLM),
        (transformers.BertLMHeadModel, transformers.BertLMHeadModel),
        (transformers.BertModel, transformers.BertModel),
        (transformers.BertForSequenceClassification, transformers.BertModel),
    ],
)
@pytest.mark.filterwarnings("ignore:.*is_decoder.*")
def test_the_class_is_the_one_with_trained_weights(
    tmp_path: Path,
    saved: type[transformers.PreTrainedModel],
    loaded: type[transformers.PreTrainedModel],
) -> None:
    config = transformers.BertConfig(**SMALL, is_decoder=saved is transformers.BertLMHeadModel)
    model, _, _ = load_parts(save(tmp_path, saved(config)), progress=silent)
    assert type(model) is loaded


def test_an_encoder_decoder_keeps_its_head(tmp_path: Path) -> None:
    config = transformers.T5Config(
        vocab_size=8, d_model=8, d_kv=4, d_ff=16, num_layers=1, num_heads=2, pad_token_id=1
    )
    save(tmp_path, transformers.T5ForConditionalGeneration(config))
    assert type(load_parts(tmp_path, progress=silent)[0]) is transformers.T5ForConditionalGeneration


@pytest.mark.parametrize(
    ("config", "auto"),
    [
        (transformers.LlamaConfig(), "AutoModelForCausalLM"),
        (transformers.T5Config(), "AutoModelForSeq2SeqLM"),
        (transformers.BartConfig(), "AutoModelForSeq2SeqLM"),
        (transformers.BertConfig(), "AutoModelForMaskedLM"),
        (transformers.BertConfig(is_decoder=True), "AutoModelForCausalLM"),
        (transformers.ViTConfig(), "AutoModel"),
    ],
)
def test_without_architectures_the_type_decides(
    config: transformers.PreTrainedConfig, auto: str
) -> None:
    assert pretrained._auto_class(config).__name__ == auto


def test_a_head_without_weights_is_dropped_and_said_so(tmp_path: Path) -> None:
    save(tmp_path, transformers.BertModel(transformers.BertConfig(**SMALL)))
    edit_config(tmp_path, architectures=["BertForMaskedLM"])
    with pytest.warns(UserWarning, match="no weights for a language-model head"):
        model, _, _ = load_parts(tmp_path, progress=silent)
    assert type(model) is transformers.BertModel


@pytest.mark.parametrize(
    ("saved", "asked", "loaded"),
    [
        (torch.float32, None, torch.float32),
        (torch.bfloat16, None, torch.bfloat16),
        (torch.float16, None, torch.float32),  # a CPU is slow at half precision
        (torch.float16, torch.float16, torch.float16),
        (torch.float32, "bfloat16", torch.bfloat16),
    ],
)
def test_dtype_is_the_checkpoints_own_unless_asked(
    tmp_path: Path, saved: torch.dtype, asked: torch.dtype | str | None, loaded: torch.dtype
) -> None:
    save(tmp_path, transformers.LlamaForCausalLM(llama()).to(saved))
    model, _, _ = load_parts(tmp_path, dtype=asked, device="cpu", progress=silent)
    assert {parameter.dtype for parameter in model.parameters()} == {loaded}


@pytest.mark.parametrize(
    ("cuda", "mps", "best"), [(True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_the_best_device_is_chosen(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, best: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert pretrained.best_device().type == best


def test_device_moves_the_model(folder: Path) -> None:
    model, _, _ = load_parts(folder, device="meta", progress=silent)
    assert {parameter.device.type for parameter in model.parameters()} == {"meta"}


def test_device_and_device_map_exclude_each_other(folder: Path) -> None:
    with pytest.raises(ValueError, match="either device or device_map"):
        load_parts(folder, device="cpu", device_map="auto")


# --- what goes wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["./nowhere", "~/nowhere", "a/b/c", "nowhere.gguf", Path("gone")])
def test_a_path_that_does_not_exist_is_unknown(name: str | Path) -> None:
    error = failure(name)
    assert error.kind == "unknown"
    assert "no file or folder" in str(error)


def test_a_file_that_is_no_gguf_is_unknown(folder: Path) -> None:
    error = failure(folder / "model.safetensors")
    assert error.kind == "unknown"
    assert "Give the folder" in str(error)


def test_a_folder_without_a_configuration_is_no_model(tmp_path: Path) -> None:
    error = failure(tmp_path)
    assert error.kind == "weights"
    assert "config.json" in str(error)


def test_a_folder_without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    error = failure(folder, device_map="cpu")
    assert error.kind == "weights"
    assert "save_pretrained" in str(error)


def test_a_folder_of_gguf_files_names_one(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "tiny.Q8.gguf")
    error = failure(folder)
    assert error.kind == "weights"
    assert "tiny.Q8.gguf" in str(error)


def test_pickled_weights_are_refused_unless_asked(folder: Path) -> None:
    model, _, _ = load_parts(folder, progress=silent)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    error = failure(folder)
    assert error.kind == "pickle"
    assert "use_safetensors=False" in str(error)
    again, _, _ = load_parts(folder, use_safetensors=False, progress=silent)
    ids = torch.tensor([[5, 6, 7]])
    assert torch.equal(again(ids).logits, model(ids).logits)


def test_safetensors_are_preferred_when_pickle_is_allowed(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"never read")
    assert load_parts(folder, use_safetensors=False, progress=silent)[2] == "tiny"


def test_a_pickle_that_would_run_code_is_damaged_even_when_asked(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({"weight": os.system}, folder / "pytorch_model.bin")
    error = failure(folder, use_safetensors=False)
    assert error.kind == "damaged"
    assert isinstance(error.__cause__, pickle.UnpicklingError)


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bert", "t5"])
def test_a_model_without_a_tokenizer(folder: Path, kind: str) -> None:
    for file in folder.glob("tokenizer*"):
        file.unlink()
    edit_config(folder, model_type=kind)
    error = failure(folder)
    assert error.kind == "tokenizer"
    assert "llmscope.Scope(model, tokenizer)" in str(error)


@pytest.mark.parametrize("kind", ["LlamaTokenizer", "GPT2Tokenizer", "BertTokenizer"])
def test_a_tokenizer_without_a_vocabulary_is_none(folder: Path, kind: str) -> None:
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": kind}))
    edit_config(folder, model_type="llama")
    assert failure(folder).kind == "tokenizer"


def test_a_type_that_transformers_does_not_know(folder: Path) -> None:
    edit_config(folder, model_type="llama99")
    error = failure(folder)
    assert error.kind == "architecture"
    assert "'llama99'" in str(error) and transformers.__version__ in str(error)


def test_own_code_is_refused_unless_asked(folder: Path) -> None:
    (folder / "own.py").write_text(
        "from transformers import LlamaConfig, LlamaForCausalLM\n"
        "class OwnConfig(LlamaConfig):\n    model_type = 'own'\n"
        "class OwnModel(LlamaForCausalLM):\n    config_class = OwnConfig\n"
    )
    auto_map = {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.OwnModel"}
    edit_config(folder, model_type="own", auto_map=auto_map, architectures=["OwnModel"])
    error = failure(folder)
    assert error.kind == "remote-code"
    assert "trust_remote_code=True" in str(error)
    assert not any("OwnModel" in name for name in sys.modules)


def test_own_code_runs_when_it_is_trusted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import dynamic_module_utils

    modules = str(folder.parent / "modules")
    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", modules)
    monkeypatch.setattr(sys, "path", [*sys.path])
    test_own_code_is_refused_unless_asked(folder)
    model, _, _ = load_parts(folder, trust_remote_code=True, progress=silent)
    assert type(model).__name__ == "OwnModel"


def test_a_tokenizer_that_wants_its_own_code_is_refused(folder: Path) -> None:
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "Own", "auto_map": {"AutoTokenizer": ["own.Own", None]}})
    )
    edit_config(folder, model_type="llama", auto_map={"AutoTokenizer": ["own.Own", None]})
    assert failure(folder).kind == "remote-code"


def test_too_little_memory_is_found_before_the_weights_are_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = (folder / "model.safetensors").stat().st_size
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=size * 3 // 4))
    monkeypatch.setattr(pretrained, "_auto_class", lambda config: pytest.fail("weights were read"))
    error = failure(folder, device="cpu")
    assert error.kind == "memory"
    assert 'dtype="bfloat16"' in str(error)
    monkeypatch.undo()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=size * 3 // 4))
    assert load_parts(folder, dtype="bfloat16", device="cpu", progress=silent)[2] == "tiny"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried ..."),
    ],
)
def test_memory_that_runs_out_while_loading(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def run_out(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(transformers.LlamaForCausalLM, "from_pretrained", run_out)
    caught = failure(folder)
    assert caught.kind == "memory"
    assert caught.__cause__ is error


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json"])
def test_half_a_file_is_damaged(folder: Path, file: str) -> None:
    whole = (folder / file).read_bytes()
    (folder / file).write_bytes(whole[: len(whole) // 2])
    error = failure(folder)
    assert error.kind == "damaged"
    assert error.__cause__ is not None


def test_weights_of_another_size_are_damaged(folder: Path) -> None:
    edit_config(folder, hidden_size=16)
    assert failure(folder).kind == "damaged"


def test_weights_that_lack_a_layer_are_damaged(folder: Path) -> None:
    edit_config(folder, num_hidden_layers=3, layer_types=...)
    error = failure(folder)
    assert error.kind == "damaged"
    assert "tensors are missing, such as model.layers.2" in str(error)


@pytest.mark.parametrize("content", [b"hello", b"GGUF and no more"])
def test_a_file_that_only_claims_to_be_gguf_is_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.gguf").write_bytes(content)
    assert failure(tmp_path / "x.gguf").kind == "damaged"


def test_a_missing_package_is_named() -> None:
    error = errors.explain(ImportError("it requires the sentencepiece library"), "tiny")
    assert error.kind == "package" and "sentencepiece" in str(error)
    error = errors.explain(ValueError("accelerate ... `pip install accelerate`."), "tiny")
    assert error.kind == "package" and "`pip install accelerate`" in str(error)


def test_a_full_disk_says_where_to_put_things() -> None:
    error = errors.explain(OSError(28, "No space left on device", "/cache"), "tiny")
    assert error.kind == "disk"
    assert "/cache" in str(error) and "LLMSCOPE_CACHE" in str(error)


def test_a_disk_that_fills_up_while_weights_are_written_is_full() -> None:
    said = "Error while serializing: I/O error: No space left on device (os error 28)"
    error = errors.explain(SafetensorError(said), "tiny")
    assert error.kind == "disk"
    assert "tiny couldn't be read or stored: the disk is full. Make room" in str(error)


def test_an_unforeseen_error_keeps_its_words_and_its_cause(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def surprise(config: object) -> None:
        raise KeyError("odd")

    monkeypatch.setattr(pretrained, "_auto_class", surprise)
    error = failure(folder)
    assert error.kind == "failed"
    assert "KeyError: 'odd'" in str(error)
    assert isinstance(error.__cause__, KeyError)


def test_a_load_error_survives_pickling() -> None:
    again = pickle.loads(pickle.dumps(LoadError("words", "gated")))
    assert (str(again), again.kind) == ("words", "gated")
