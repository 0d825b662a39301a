"""How large pages without a kernel are: ours, bertviz's and plotly's, of the same text."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from platformdirs import user_cache_path

from llmscope import AttentionView, LensView, NextTokenView, TokensView, to_html
from llmscope.export import estimate
from llmscope.export.program import packed_script, page_program
from tests.bench.passes import load, text_of
from tests.bench.table import kb, show

TOKENS = 32
VIEWS = (AttentionView, NextTokenView, TokensView)
_PLOTLY = ("plotly==7.1.0", "narwhals==2.29.0")


# bertviz leaves its files open.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_sizes_of_pages():
    scope = load()
    text = text_of(scope, TOKENS)
    trace = scope.trace(text)
    assert len(trace) == TOKENS
    explorer = scope.explore(text)
    page = explorer.to_html()
    rows = [
        ["llmscope: Explorer", kb(page.size), "270 heads, next token at every position", "none"],
        ["estimated before", kb(estimate(explorer).total), "", ""],
    ]
    holds = {
        AttentionView: "270 heads",
        NextTokenView: "next token at every position",
        LensView: "the lens of all 30 layers",
    }
    for view, what in holds.items():
        name = f"llmscope: {view.__name__}"
        rows.append([name, kb(view(trace).to_html().size), what, "none"])
    print("\n", page.notes)

    ours = trace.bertviz("model", limit=270 * TOKENS**2).page.size
    rows.append(['trace.bertviz("model")', kb(ours), "270 heads", "none"])

    import bertviz

    labels = [token.label for token in trace.tokens]
    weights = [torch.tensor(trace.attention(layer))[None] for layer in trace.layers()]
    for view in (bertviz.model_view, bertviz.head_view):
        html = view(weights, labels, html_action="return").data
        rows.append([f"bertviz: {view.__name__}", kb(len(html.encode())), "270 heads", "3 scripts"])

    figures = plotly_figures(trace, weights)
    for name, (figure, what) in figures.items():
        html = figure.to_html(include_plotlyjs=True)
        rows.append([f"plotly: {name}", kb(len(html.encode())), what, "none"])
    heads = [f"SmolLM2-135M, {TOKENS} tokens", "page", "holds", "asks of the network"]
    show("Pages without a kernel", heads, rows)


def test_sizes_of_long_texts():
    scope = load()
    rows = []
    for tokens in (32, 128, 512):
        trace = scope.trace(text_of(scope, tokens))
        views = [scope.explore(trace.text), *(view(trace) for view in VIEWS)]
        rows.append([str(tokens), *(kb(view.to_html().size) for view in views)])
    heads = ["tokens", "Explorer", *(view.__name__ for view in VIEWS)]
    show("Default pages", heads, rows)


def test_sizes_of_many_views():
    """One page, and as many outputs of `static`; before, each had its program unpacked."""
    scope = load()
    trace = scope.trace(text_of(scope, TOKENS))
    rows = []
    for count in (1, 5, 10, 20):
        views = [AttentionView(trace, layer=layer, head=4) for layer in range(count)]
        outputs = [view.static(heads=[(view.layer, 4)]) for view in views]
        page = to_html(views, heads=[])
        saved = len(script := page_program(views[0].state().panels).script)
        saved -= len(packed_script(script))
        alone = sum(output.page.size for output in outputs)
        rows.append([str(count), kb(page.size), kb(alone), kb(alone + count * saved)])
    show("Many views", ["views", "to_html([…])", "outputs of static()", "before"], rows)


def plotly_figures(trace, weights):
    folder = user_cache_path("llmscope") / "bench" / "plotly"
    if not (folder / "plotly").exists():
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps")
        subprocess.run([*pip, "--target", str(folder), *_PLOTLY], check=True)
    sys.path.append(str(folder))
    import plotly.graph_objects as go

    heads = [go.Heatmap(z=head.numpy(), visible=False) for layer in weights for head in layer[0]]
    probs = [trace.next_token(position=i).probs for i in range(TOKENS)]
    every = go.Figure([go.Bar(y=p, visible=False) for p in probs])
    return {
        "heat maps": (go.Figure(heads), "270 heads"),
        "bars": (every, "next token at every position"),
    }
