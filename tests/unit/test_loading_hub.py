import sys
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import psutil
import pytest
import torch
from huggingface_hub import constants

from llmscope.loading import errors, load_parts
from tests.checkpoints import (
    failure,
    silent,
)
from tests.hub import FakeHub, files


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
    assert type(error.__cause__).__name__ == "ConnectError"  # of httpx or httpx2, by release


def test_the_offline_switch_is_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    error = failure("gpt2")
    assert error.kind == "offline"
    assert "HF_HUB_OFFLINE" in str(error)


def test_a_hub_in_trouble_is_offline() -> None:
    httpx = sys.modules[type(huggingface_hub.get_session()).__module__.partition(".")[0]]
    response = httpx.Response(503, request=httpx.Request("GET", "https://huggingface.co"))
    trouble = huggingface_hub.errors.HfHubHTTPError("503 Service Unavailable", response=response)
    assert errors.explain(trouble, "gpt2").kind == "offline"
