from __future__ import annotations

import pytest

from llmscope.scope import Scope
from tests import tiny


@pytest.fixture(scope="session")
def tokenizer():
    return tiny.byte_level()


@pytest.fixture
def scope(tokenizer) -> Scope:
    return Scope(tiny.MODELS["llama"](), tokenizer, name="tiny")
