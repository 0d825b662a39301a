"""States of a model: what passes write themselves, and what others change while a pass runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from llmscope.scope import Scope
from tests import tiny
from tests.closeness import assert_close

TEXT = "The quick brown fox"
STEADY = 6  # traces after which passes are known to write nothing


class Watched:
    """A tiny Llama, and what is done in the midst of its passes: in the MLP of its layer 1."""

    def __init__(self, tokenizer: Any) -> None:
        self.model: Any = tiny.MODELS["llama"]()
        self.inside: list[Callable[[Any], object]] = []
        kind: Any = type(self.model.model.layers[1].mlp)
        inside = self.inside

        class Mlp(kind):  # type: ignore[misc]
            def forward(self, x: torch.Tensor) -> Any:
                for work in inside:
                    work(self)
                return super().forward(x)

        self.model.model.layers[1].mlp.__class__ = Mlp
        self.scope = Scope(self.model, tokenizer)
        for letter in range(STEADY):
            self.scope.trace(TEXT[: letter + 2])

    def once(self, work: Callable[[], object]) -> None:
        """Do something in the midst of the next pass."""

        def do(_: Any) -> None:
            self.inside.clear()
            work()

        self.inside.append(do)

    def logits(self, ids: list[int]) -> torch.Tensor:
        """Logits (positions, vocabulary) of the model as it is now."""
        with torch.no_grad():
            logits: torch.Tensor = self.model(input_ids=torch.tensor([ids])).logits[0]
        return logits


@pytest.fixture
def watched(tokenizer: Any) -> Watched:
    return Watched(tokenizer)


def _write(model: Any) -> None:
    with torch.no_grad():
        model.model.layers[0].mlp.up_proj.weight.mul_(1.5)


def _replace(model: Any) -> None:
    up = model.model.layers[0].mlp.up_proj
    up.weight = nn.Parameter(up.weight.detach() * 1.5)


def _data(model: Any) -> None:
    weight = model.model.layers[0].mlp.up_proj.weight
    weight.data = weight.data * 1.5


def _swap(model: Any) -> None:
    layers = model.model.layers
    layers[0].mlp, layers[2].mlp = layers[2].mlp, layers[0].mlp


def _activation(model: Any) -> None:
    model.model.layers[0].mlp.act_fn = nn.Tanh()


@pytest.mark.parametrize("change", [_write, _replace, _data, _swap, _activation])
def test_a_pass_during_which_weights_or_modules_were_changed_runs_again(watched, change):
    watched.once(lambda: change(watched.model))
    trace = watched.scope.trace(TEXT[: STEADY + 2])
    assert not watched.inside and trace.is_current
    assert_close(trace.logits, watched.logits(trace.ids).numpy())


def _epsilon(model: Any) -> None:
    model.model.layers[0].input_layernorm.variance_epsilon = 1.0


@pytest.mark.parametrize("change", [_epsilon])
def test_what_else_is_changed_during_a_pass_makes_it_one_of_a_former_state(watched, change):
    watched.once(lambda: change(watched.model))
    trace = watched.scope.trace(TEXT[: STEADY + 2])
    assert not watched.inside and not trace.is_current
    with pytest.raises(RuntimeError, match="was changed"):
        trace.lens()
    new = watched.scope.trace(TEXT)
    assert new.is_current
    assert_close(new.logits, watched.logits(new.ids).numpy())


def test_what_passes_write_themselves_does_not_count_once_it_is_known(tokenizer):
    watched = Watched(tokenizer)
    watched.model.model.layers[1].mlp.calls = 0

    def count(mlp: Any) -> None:
        mlp.calls += 1

    watched.inside.append(count)
    for _ in range(2):  # the first pass that writes is taken for one that was changed by others
        watched.scope.trace(TEXT)
    traces = [watched.scope.trace(TEXT + end) for end in (" j", " ju", " jum")]
    assert all(trace.is_current for trace in traces)
    assert_close(traces[-1].logits, watched.logits(traces[-1].ids).numpy())


def test_a_buffer_or_parameter_of_a_module_that_had_none_is_noticed(watched):
    trace = watched.scope.trace(TEXT)
    mlp = watched.model.model.layers[0].mlp
    mlp.register_buffer("scale", torch.ones(1))
    assert not trace.is_current
    trace = watched.scope.trace(TEXT)
    mlp.register_parameter("shift", nn.Parameter(torch.ones(1)))
    assert not trace.is_current
