"""What is in a figure, and the figures that are tested."""

from __future__ import annotations

import re

import numpy as np
from matplotlib.collections import QuadMesh
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from llmscope import AttentionView, Explorer, NextTokenView, TokensView

UGLY = "def f(x):\n\treturn '$a$' $x_1$ 你好 👩‍👩‍👧🎉 <script>alert(1)</script> العربية naïve "
UGLY += "\ue123 a·b"
FIGURES = {
    "matrix": (AttentionView, {}),
    "pinned": (AttentionView, {"position": 5, "threshold": 0.05, "hide_sink": True}),
    "to": (AttentionView, {"position": 2, "direction": "to", "color_scale": "log"}),
    "mean": (AttentionView, {"heads": [(0, 1), (2, 3)], "combine": "mean"}),
    "difference": (AttentionView, {"heads": [(0, 1), (2, 3)], "combine": "difference"}),
    "rollout": (AttentionView, {"combine": "rollout", "layer": 2, "color_scale": "linear"}),
    "arcs": (AttentionView, {"mode": "arcs"}),
    "arcs of heads": (AttentionView, {"mode": "arcs", "heads": [(0, 1), (1, 0), (2, 2)]}),
    "pinned arcs": (AttentionView, {"mode": "arcs", "position": 4}),
    "steps": (AttentionView, {"mode": "steps", "position": 9}),
    "next token": (NextTokenView, {"temperature": 1.5, "top_k": 3}),
    "tokens": (TokensView, {"layer": 1}),
    "explorer": (Explorer, {"layer": 1, "head": 1, "top_k": 4}),
    "explorer, narrow": (Explorer, {"mode": "arcs", "position": 5, "order": "vllm", "min_p": 0.1}),
}


def axes_of(figure, artist):
    """The largest set of axes that holds an artist of this type."""
    found = [axes for axes in figure.axes if axes.findobj(artist)]
    return max(found, key=lambda axes: np.prod(axes.get_window_extent().size))


def cells(figure):
    return axes_of(figure, QuadMesh).findobj(QuadMesh)[0]


def texts(figure):
    return [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]


def words(figure, gid):
    return [text.get_text() for text in figure.findobj(Text) if text.get_gid() == gid]


def boxes(figure, gid):
    return [box for box in figure.findobj(Rectangle) if box.get_gid() == gid]


def plain(trace_tokens):
    return [re.sub("^·(?=.)", "", token.label) for token in trace_tokens]
