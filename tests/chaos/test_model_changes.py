"""A trace never mixes two models, and a new trace is of the model as it is now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from llmscope.scope import Scope
from llmscope.trace import Trace
from tests.chaos.changes import CHANGES
from tests.chaos.reads import LONGER, READS, TEXT, Arrays, cold, differs, truth


@dataclass
class Changed:
    """A model that was changed after `untouched` and `seen` were traced."""

    model: Any
    scope: Scope
    untouched: Trace  # nothing of it was read before the change
    seen: Trace  # some of it was
    before: dict[str, Arrays]  # what could be read then
    eps: float


@pytest.fixture
def changed(
    request: pytest.FixtureRequest, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Changed]:
    """Read a text letter by letter, so that the cache is in use, and change the model."""
    change = CHANGES[request.param]
    outer = change.make()
    scope = Scope(outer, tokenizer, name="tiny")
    model: Any = scope.model
    model.set_attn_implementation("eager")  # so that the model itself gives attention
    for text in (TEXT[:20], TEXT[:30]):
        scope.trace(text)
    untouched, seen = scope.trace(TEXT), scope.trace(TEXT)
    for name in ("hidden", "lens", "attention"):
        READS[name](seen)
    reference = cold(model, tokenizer).trace(TEXT)
    before = {name: read(reference) for name, read in READS.items() if name in _readable(model)}
    assert_true(before, truth(model, reference.ids), 2.0**-23)
    change.do(model, outer, monkeypatch)
    after = torch.finfo(next(model.parameters()).dtype).eps
    yield Changed(model, scope, untouched, seen, before, after)
    monkeypatch.undo()


def _readable(model: Any) -> list[str]:
    # DeepSeek's halves and Gemma's MLP half are refused, in words.
    refused = {"deepseek_v3": set(), "gemma2": {"lens mlp"}}.get(model.config.model_type, set())
    return [name for name in READS if name not in refused]


def assert_true(found: dict[str, Arrays], true: dict[str, Arrays], eps: float) -> None:
    wrong = {name: differs(found[name], item, eps) for name, item in true.items()}
    assert not any(wrong.values()), wrong


@pytest.mark.parametrize(
    "texts",
    [(TEXT, LONGER), (LONGER, TEXT[:20] + " cat")],
    ids=["the same first", "a longer one first"],
)
@pytest.mark.parametrize("changed", CHANGES, indirect=True)
def test_new_traces_are_of_the_model_as_it_is_now(
    changed: Changed, texts: tuple[str, ...], tokenizer: Any
) -> None:
    for text in texts:
        trace = changed.scope.trace(text)
        true = truth(changed.model, trace.ids)
        layers = len(true["hidden"][""])
        found = {"logits": {"": trace.logits}}
        found["hidden"] = {"": _stacked(trace.hidden, layers)}
        if "attention" in true:
            found["attention"] = {"": _stacked(trace.attention, layers - 1)}
        assert_true(found, true, changed.eps)
        fresh = cold(changed.model, tokenizer).trace(text)
        for name in ("lens", "steps"):
            assert differs(READS[name](trace), READS[name](fresh), changed.eps) is None, name


def _stacked(read: Any, count: int) -> Any:
    return np.stack([read(layer) for layer in range(count)])


@pytest.mark.parametrize("changed", CHANGES, indirect=True)
def test_old_traces_give_the_old_numbers_or_none(changed: Changed) -> None:
    wrong = {}
    for kind in ("untouched", "seen"):
        for name in changed.before:
            try:
                found = READS[name](getattr(changed, kind))
            except RuntimeError:
                continue
            except Exception as error:
                wrong[f"{name} of what was {kind}"] = repr(error)
                continue
            reason = differs(found, changed.before[name])
            if reason is not None:
                wrong[f"{name} of what was {kind}"] = reason
    assert not wrong


@pytest.mark.whole
def test_every_change_changes_what_the_model_says(
    tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else nothing is tested; but for what should change nothing."""
    same = []
    for name, change in CHANGES.items():
        outer = change.make()
        scope = Scope(outer, tokenizer)
        model: Any = scope.model
        model.set_attn_implementation("eager")
        ids = tokenizer(TEXT)["input_ids"]
        before = truth(model, ids)["logits"]
        change.do(model, outer, monkeypatch)
        if differs(truth(model, ids)["logits"], before) is None:
            same.append(name)
        monkeypatch.undo()
    assert same == ["train()"]  # a scope reads in evaluation mode
