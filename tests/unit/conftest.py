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
from tests.serving import Served, serving


@pytest.fixture(scope="session")
def tokenizer():
    return tiny.byte_level()


@pytest.fixture(autouse=True)
def own_accelerator() -> Iterator[None]:
    """Have accelerate forget a test's settings: it keeps the first ones of a process."""
    yield
    if (state := sys.modules.get("accelerate.state")) is not None:
        state.AcceleratorState._reset_state(reset_partial_state=True)


# Whose tests of the fixture `scope` are run twice: with a model here, and with one on a server.
EITHER = {
    f"test_{name}.py"
    for name in (
        *("attention", "comparison", "edits", "export", "export_choice", "generation"),
        *("generation_view", "handlers", "kernel_attention", "lens", "steps", "trace"),
    )
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what reads a scope with a local and a remote one, but what is marked `local`."""
    if metafunc.definition.path.name in EITHER and "where" in metafunc.fixturenames:
        is_local = metafunc.definition.get_closest_marker("local") is not None
        metafunc.parametrize("where", ["local"] if is_local else ["local", "remote"])


@pytest.fixture
def where() -> str:
    return "local"


@pytest.fixture(scope="session")
def server(tokenizer) -> Iterator[Served]:
    with serving({"tiny": Scope(tiny.MODELS["llama"](), tokenizer, name="tiny")}) as server:
        yield server


@pytest.fixture
def scope(tokenizer, where: str, request: pytest.FixtureRequest) -> Iterator[Scope]:
    if where == "local":
        yield Scope(tiny.MODELS["llama"](), tokenizer, name="tiny")
        return
    server = request.getfixturevalue("server")
    remote = server.connect()
    yield remote
    remote.close()
    server.host.unload("tiny")  # with what it has cached, under settings of this test


@pytest.fixture
def local(tokenizer) -> Scope:
    return Scope(tiny.MODELS["llama"](), tokenizer, name="tiny")


@pytest.fixture
def remote(server):
    scope = server.connect()
    yield scope
    scope.close()
    server.host.unload("tiny")


@pytest.fixture
def model(scope, where: str, request: pytest.FixtureRequest):
    """The model of `scope`, wherever it is: what its numbers are held to."""
    if where == "local":
        return scope.model
    return request.getfixturevalue("server").scopes["tiny"].model


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
