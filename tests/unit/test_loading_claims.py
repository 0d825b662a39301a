"""Checkpoints that claim more than they store, or that name what may not be read."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file
from transformers.models.auto import auto_factory

from llmscope.loading import load_parts
from tests.checkpoints import edit_config, failure, silent


@pytest.fixture
def no_building(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(*args: object, **kwargs: object) -> None:
        pytest.fail("a model or a configuration was built")

    monkeypatch.setattr(auto_factory._BaseAutoModelClass, "from_pretrained", build)
    monkeypatch.setattr(transformers.AutoConfig, "from_pretrained", build)


@pytest.mark.parametrize(
    "claim",
    [
        {"num_hidden_layers": 10**6},
        {"num_hidden_layers": 10**12, "layer_types": ...},
        {"model_type": "gpt2", "n_layer": 10**6},
        {"model_type": "bart", "encoder_layers": 10**6},
        {"text_config": {"num_hidden_layers": 10**6}},
    ],
)
@pytest.mark.usefixtures("no_building")
def test_a_configuration_that_claims_a_million_layers_is_damaged(
    folder: Path, claim: dict[str, object]
) -> None:
    edit_config(folder, **claim)
    error = failure(folder)
    assert error.kind == "damaged"
    assert "layers are claimed, of 21 tensors" in str(error)


@pytest.mark.parametrize("kind", [4, 10])  # numbers of 32 and of 64 bits
@pytest.mark.usefixtures("no_building")
def test_a_gguf_file_that_claims_a_million_layers_is_damaged(tmp_path: Path, kind: int) -> None:
    architecture, key = b"general.architecture", b"llama.block_count"
    fields = struct.pack("<Q", len(architecture)) + architecture
    fields += struct.pack("<IQ", 8, 5) + b"llama"
    fields += struct.pack("<Q", len(key)) + key
    fields += struct.pack("<II" if kind == 4 else "<IQ", kind, 10**6)
    file = tmp_path / "x.gguf"
    file.write_bytes(struct.pack("<4sIQQ", b"GGUF", 3, 10**9, 2) + fields + bytes(200))
    error = failure(file)
    assert error.kind == "damaged"
    assert "1,000,000 layers are claimed" in str(error)


def test_as_many_layers_as_there_are_tensors_for_are_no_claim(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmscope.loading.claims._SHARED", 1)
    model, _, _ = load_parts(folder, progress=silent)
    assert model.config.num_hidden_layers == 2


@pytest.fixture
def split(folder: Path) -> Path:
    """A checkpoint of safetensors, with an index that names a pickle file."""
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").rename(folder / "model-00001-of-00001.safetensors")
    torch.save(weights, folder / "weights.bin")
    index = {"metadata": {}, "weight_map": dict.fromkeys(weights, "weights.bin")}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def test_an_index_that_names_a_pickle_file_is_refused_unless_asked(
    split: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpickled: list[object] = []
    load = torch.load
    monkeypatch.setattr(torch, "load", lambda *a, **k: (unpickled.append(a), load(*a, **k))[1])
    error = failure(split)
    assert error.kind == "pickle"
    assert "weights.bin" in str(error) and "use_safetensors=False" in str(error)
    assert not unpickled
    load_parts(split, progress=silent, use_safetensors=False)
    assert unpickled


def test_an_index_that_a_configuration_names_is_held_to_safetensors_too(split: Path) -> None:
    (split / "model.safetensors.index.json").rename(split / "other.safetensors.index.json")
    edit_config(split, transformers_weights="other.safetensors.index.json")
    assert failure(split).kind == "pickle"


@pytest.mark.parametrize("index", ["[]", "{}", '{"weight_map": []}', "{"])
def test_an_index_without_a_list_of_weights_is_damaged(split: Path, index: str) -> None:
    (split / "model.safetensors.index.json").write_text(index)
    assert failure(split).kind == "damaged"
