"""The promises held on a real model, SmolLM2."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

import llmscope
from llmscope.scope import Scope
from tests.chaos.interrupting import interrupted_after, signals
from tests.chaos.reads import cold, differs, truth
from tests.chaos.state import Snapshot

TEXT = "When Mary and John went to the store, John gave a drink to"
pytestmark = pytest.mark.model


@pytest.fixture
def smollm() -> Scope:
    return llmscope.load()


def test_a_layer_ablated_through_data_is_seen(smollm: Scope) -> None:
    """F2: how notebooks ablate; " Mary" is 0.92 before and 0.57 after."""
    model: Any = smollm.model
    for text in (TEXT[:-3], TEXT):
        old = smollm.trace(text)
    assert old.next_token().top(1)[0].text == " Mary"
    model.model.layers[10].mlp.down_proj.weight.data.zero_()
    for text in (TEXT + " Mary", TEXT):
        new = smollm.trace(text)
        true = truth(model, new.ids)["logits"]
        assert differs({"": new.logits}, true) is None
    with pytest.raises(RuntimeError, match="changed"):
        old.hidden(3)


@pytest.mark.whole
def test_interrupts_leave_nothing(smollm: Scope, counts: Counter[str]) -> None:
    model: Any = smollm.model
    snapshot = Snapshot(model)
    true = {"": cold(model, smollm.tokenizer).trace(TEXT).logits}
    with signals():
        for number in range(12):
            scope = Scope(model, smollm.tokenizer)
            held = interrupted_after(number / 40, lambda scope=scope: scope.trace(TEXT).hidden(3))
            counts["signals that came in time"] += held is not None
            assert snapshot.differences() == []
            assert differs({"": scope.trace(TEXT).logits}, true) is None
