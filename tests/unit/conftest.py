from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
import transformers
from huggingface_hub import constants

from llmscope import AttentionView, Explorer
from llmscope.scope import Scope
from tests import tiny
from tests.checkpoints import llama, save
from tests.hub import FakeHub


@pytest.fixture(scope="session")
def tokenizer():
    return tiny.byte_level()


@pytest.fixture(autouse=True)
def own_accelerator() -> Iterator[None]:
    """Have accelerate forget a test's settings: it keeps the first ones of a process."""
    yield
    if (state := sys.modules.get("accelerate.state")) is not None:
        state.AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture
def scope(tokenizer) -> Scope:
    return Scope(tiny.MODELS["llama"](), tokenizer, name="tiny")


@pytest.fixture
def show(tokenizer):
    """Open views of a model with room for long texts; they are closed at the end."""
    model = tiny.MODELS["llama"]()
    model.config.max_position_embeddings = 2048  # rotary: no weights depend on it
    roomy = Scope(model, tokenizer, name="tiny")
    opened = []

    def make(kind=AttentionView, text=tiny.TEXT, of=roomy, **traits):
        view = kind(of, text, **traits) if kind is Explorer else kind(of.trace(text), **traits)
        opened.append(view)
        return view

    yield make
    for view in opened:
        view.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    return save(tmp_path / "tiny", transformers.LlamaForCausalLM(llama()))


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
