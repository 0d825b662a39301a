"""A write to weights that PyTorch doesn't count is seen in a sample of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from llmscope.capture import sample as module
from llmscope.capture import version
from llmscope.capture.sample import GROUPS, SHARES, WeightSample, seen
from llmscope.scope import Scope
from tests import tiny

SHAPES = [(64, 64), (8, 24), (576, 1536), (1536, 576), (1000, 64), (64,), (4, 32, 16), (), (0, 8)]


@pytest.fixture(autouse=True, params=[module._SMALL, 0], ids=["small", "large"])
def size(request, monkeypatch):
    """Views of a small model's weights are kept, those of a large one aren't."""
    monkeypatch.setattr(module, "_SMALL", request.param)


def places(shape: tuple[int, ...], share: int) -> np.ndarray:
    """A matrix that is True where a share looks."""
    looked = np.zeros(int(np.prod(shape)), dtype=bool)
    looked[seen(shape, share)] = True
    return looked.reshape(-1, shape[-1]) if shape else looked.reshape(1, 1)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if 0 not in shape])
def test_a_share_comes_through_eight_rows_or_columns_and_all_of_them_through_each(shape):
    shares = [places(shape, share) for share in range(SHARES)]
    assert np.any(shares, axis=0).any(axis=0).all() and np.any(shares, axis=0).any(axis=1).all()
    if min(shares[0].shape) < SHARES:
        return
    for looked in shares:
        for lines in (looked.any(axis=0), looked.any(axis=1)):
            assert np.lib.stride_tricks.sliding_window_view(lines, SHARES).any(axis=1).all()


def made() -> list[torch.Tensor]:
    torch.manual_seed(0)
    kinds = [torch.float32, torch.bfloat16, torch.float16, torch.float64, torch.float8_e4m3fn]
    found = [torch.randn(shape).to(kind) for shape in SHAPES for kind in kinds]
    found.append(torch.randn(3, 64, 64)[1])  # which isn't at the beginning of its memory
    return found


@pytest.mark.parametrize("number", range(len(made())))
def test_what_is_written_is_seen(number):
    sample, weights = WeightSample(), made()
    assert not sample.differs([*weights, None], "versions")
    assert not sample.differs([*weights, None], "versions")
    weight = weights[number]
    if weight.numel():
        weight.view(-1, weight.shape[-1] if weight.ndim else 1).view(torch.uint8)[:, 0] += 1
        seen_after = [sample.differs([*weights, None], "versions") for _ in range(SHARES)]
        assert seen_after.count(True) == 1
    assert not any(sample.differs([*weights, None], "versions") for _ in range(SHARES))


def test_looks_at_one_group_each_come_through_all_parameters_in_turns():
    sample, weights = WeightSample(), [torch.zeros(64, 64) for _ in range(2 * GROUPS + 1)]
    sample.differs(weights, "versions")
    for weight in weights:
        weight += 1
        found = [sample.differs(weights, "versions", groups=1) for _ in range(2 * GROUPS)]
        assert found.count(True) == 1 and found.index(True) < GROUPS


def test_looks_at_one_group_each_come_through_each_row():
    sample, weights = WeightSample(), [torch.zeros(64, 64) for _ in range(GROUPS)]
    sample.differs(weights, "versions")
    for row in range(0, 64, 9):
        weights[row % GROUPS][row] += 1
        found = [sample.differs(weights, "versions", groups=1) for _ in range(GROUPS * SHARES)]
        assert found.count(True) == 1


def test_after_a_second_all_are_looked_at(tokenizer, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(version.time, "monotonic", lambda: now[0])
    scope = Scope(tiny.MODELS["llama"](), tokenizer)
    text = "The"
    for _ in range(5):
        before = scope.trace(text := text + "e")
        now[0] += 2 * version._SECONDS
    for layer in scope.model.model.layers:
        layer.mlp.up_proj.weight.data.numpy()[:] *= 1.5
        scope.trace(text := text + "e")
        assert not before.is_current
        before = scope.trace(text)
        now[0] += 2 * version._SECONDS


def test_what_is_counted_is_not_looked_for():
    sample, weights = WeightSample(), made()
    sample.differs(weights, 1)
    weights[0][0] += 1
    assert not sample.differs(weights, 2)
    assert not any(sample.differs(weights, 2) for _ in range(SHARES))


def test_what_is_not_in_memory_is_passed_over():
    away = torch.empty(8, 8, device="meta")
    turned = torch.randn(8, 16).T
    sample = WeightSample()
    assert not any(sample.differs([away, turned, None], 0) for _ in range(SHARES + 1))
