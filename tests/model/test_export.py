"""Exported pages of SmolLM2."""

from __future__ import annotations

import numpy as np
import pytest

from llmscope import AttentionView, LensView
from llmscope.export import estimate
from llmscope.kernel import Handlers
from llmscope.kernel.protocol import parse
from tests.in_node import array, ask

STORY = "When Mary and John went to the store, John gave a drink to Mary. "


@pytest.mark.parametrize(
    "choice",
    [
        {},
        {"layers": [24]},
        {"precision": "float32"},
        {"positions": [3], "prompts": ["The cat sat"]},
    ],
)
@pytest.mark.parametrize("times", [1, pytest.param(5, marks=pytest.mark.whole)])
def test_the_estimate_is_near(smollm, choice, times):
    view = smollm.explore(STORY * times, layer=24, head=4)
    expected, true = estimate(view, **choice), view.to_html(**choice).size
    # The program is known beforehand; what is left holds within a third.
    assert expected.total == pytest.approx(true, abs=0.33 * (true - expected.program))
    view.close()


@pytest.mark.parametrize("times", [1, pytest.param(5, marks=pytest.mark.whole)])
def test_the_estimate_of_a_lens_is_near(smollm, times):
    view = LensView(smollm.trace(STORY * times))
    expected, true = estimate(view), view.to_html().size
    assert expected.total == pytest.approx(true, abs=0.33 * (true - expected.program))
    view.close()


def test_a_long_matrix_is_cut_to_tiles_as_in_the_kernel(smollm, tmp_path):
    trace = smollm.trace(STORY * 40)
    assert len(trace) > 520
    view = AttentionView(trace, layer=24, head=4)
    page = view.to_html(heads=[(1, 1)])
    assert "head 1·1, head 24·4" in " ".join(page.notes)
    answers = Handlers(smollm, trace)
    list(answers(parse(f"text/{trace.text}"), lambda: False))
    keys = [f"t1/self/head.1.1/{place}" for place in ("0.1.0.max", "1.0.0.mean", "1.0.0.max")]
    keys += ["t1/self/difference.24.4+1.1/1.0.0.max", "t1/thumbnails/self/1"]
    for key, found in zip(keys, ask(page.html, keys, tmp_path), strict=True):
        (true,) = answers(parse(key), lambda: False)
        for field, value in true.items():
            got = array(found["part"][field])
            assert got.shape == value.shape
            off = np.abs(np.abs(got) - np.abs(value.astype(np.float64)))
            assert np.nanmax(off) <= (1 if field == "shades" else 1e-3)
    view.close()
