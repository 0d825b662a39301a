"""Figures of the default model, as the plan's own sentence has them."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import QuadMesh

from llmscope import AttentionView, NextTokenView

MARY = "When Mary and John went to the store, John gave a drink to"


def test_mary_in_print(smollm, tmp_path):
    trace = smollm.trace(MARY)
    view = AttentionView(trace, layer=24, head=4)
    figure = view.figure()
    drawn = max((mesh.get_array() for mesh in figure.findobj(QuadMesh)), key=np.size)
    assert np.array_equal(drawn.data, trace.attention(24, 4))
    assert drawn[-1, 1] == pytest.approx(0.811, abs=0.01)
    next_token = NextTokenView(trace)
    said = [text.get_text() for axes in next_token.figure().axes for text in axes.texts]
    assert "·Mary" in said
    first = trace.next_token().top(1)[0]
    assert f"{100 * first.prob:.1f} %" in said
    figure.savefig(tmp_path / "mary.pdf")
    view.close()
    next_token.close()
