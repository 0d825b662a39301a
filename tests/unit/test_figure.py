"""Figures are held to the arrays that they draw, and to what a page of paper takes."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from itertools import combinations, pairwise
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Bbox

import llmscope
from llmscope import AttentionView, Explorer, NextTokenView, TokensView
from llmscope.export.figures.fonts import printable
from llmscope.export.figures.style import (
    ATTENTION,
    BASE,
    GROUND,
    HEADS,
    LIKELY,
    SHADE,
    mix,
    opacity,
    percent,
    weight,
    weight_at,
)
from llmscope.scope import Scope
from tests.closeness import assert_close, assert_probabilities_close
from tests.tiny import MODELS, TEXT, word_piece

INDIGO = to_rgba(ATTENTION)
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


@pytest.fixture
def scope(tokenizer):
    model = MODELS["llama"]()
    model.config.max_position_embeddings = 2048  # rotary: no weights depend on it
    return Scope(model, tokenizer, name="tiny")


@pytest.fixture
def show(scope):
    """Open views that are closed at the end."""
    opened = []

    def make(kind=AttentionView, text=TEXT, of=scope, **traits):
        view = kind(of, text, **traits) if kind is Explorer else kind(of.trace(text), **traits)
        opened.append(view)
        return view

    yield make
    for view in opened:
        view.close()


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


# ── the matrix ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["matrix", "pinned", "to", "mean", "difference", "rollout"])
def test_a_matrix_holds_the_weights_on_screen(show, name):
    kind, traits = FIGURES[name]
    view = show(kind, text="The quick brown fox", **traits)
    expected = view.attention
    figure = view.figure()
    drawn = cells(figure).get_array()
    ahead = np.triu(np.ones_like(expected, dtype=bool), 1)
    assert np.array_equal(drawn.data, expected)
    assert np.array_equal(drawn.mask, ahead | (np.abs(expected) < view.threshold))


@pytest.mark.parametrize("scale", ["sqrt", "linear", "log"])
@pytest.mark.parametrize("combine", ["none", "difference"])
def test_cells_have_the_inks_of_the_screen(show, scale, combine):
    view = show(heads=[(0, 1), (2, 3)], combine=combine, color_scale=scale)
    figure = view.figure()
    figure.canvas.draw()
    mesh = cells(figure)
    colors = mesh.get_facecolors().reshape(*view.attention.shape, 4)
    signed = combine == "difference"
    ground = np.array(mix(ATTENTION, GROUND))
    for query, key in [(3, 1), (5, 5), (7, 0), (9, 4)]:
        value = view.attention[query, key]
        ink = (HEADS[0] if value > 0 else HEADS[1]) if signed else ATTENTION
        opaque = opacity(value, scale)
        expected = (1 - opaque) * ground + opaque * np.array(to_rgb(ink))
        np.testing.assert_allclose(colors[query, key, :3], expected, atol=0.01)
    assert not colors[0, 1:, 3].any()


def test_scales_go_both_ways_and_heads_have_their_colours():
    shares = np.linspace(0, 1, 11)
    for scale in ("sqrt", "linear", "log"):
        np.testing.assert_allclose(opacity(weight_at(shares, scale), scale), shares, atol=1e-12)
    assert opacity([1e-5, 1e-4, 1e-2, 1], "log").tolist() == [0, 0, 0.5, 1]
    theme = Path(llmscope.__file__).parent / "frontend" / "src" / "theme.ts"
    light = theme.read_text().split("dark: {")[0].split("heads: [")[1]
    inks = [tuple(map(int, rgb)) for rgb in re.findall(r"\[(\d+), (\d+), (\d+)\]", light)]
    assert [tuple(round(255 * part) for part in to_rgb(ink)) for ink in HEADS] == inks


def test_rows_and_columns_have_their_tokens_and_the_pinned_one_is_framed(show):
    view = show(text="The quick brown fox", position=3)
    figure = view.figure()
    axes = axes_of(figure, QuadMesh)
    expected = plain(view.trace.tokens)
    assert [label.get_text() for label in axes.get_yticklabels()] == expected
    assert [label.get_text() for label in axes.get_xticklabels()] == expected
    assert axes.get_yticklabels()[3].get_weight() == "bold"
    (frame,) = boxes(figure, "pinned")
    assert (frame.get_xy(), frame.get_width(), frame.get_height()) == ((0, 3), 4, 1)
    view.direction = "to"
    (frame,) = boxes(view.figure(), "pinned")
    assert (frame.get_xy(), frame.get_width()) == ((3, 3), 1)
    assert frame.get_height() == len(expected) - 3
    view.position, view.direction = -1, "from"
    assert not boxes(view.figure(), "pinned")


def test_who_sees_both_sides_has_no_blank_triangle():
    scope = Scope(MODELS["bert"](), word_piece())
    view = AttentionView(scope.trace("the dogs sleep"), layer=1)
    drawn = cells(view.figure()).get_array()
    assert not np.ma.getmaskarray(drawn).any()
    assert np.array_equal(drawn.data, view.attention)
    view.close()


def test_cross_attention_has_two_sides(tokenizer):
    trace = Scope(MODELS["t5"](), tokenizer).trace(TEXT, target="it sleeps")
    view = AttentionView(trace, kind="cross", layer=1)
    figure = view.figure()
    axes = axes_of(figure, QuadMesh)
    assert np.array_equal(cells(figure).get_array().data, view.attention)
    assert [label.get_text() for label in axes.get_yticklabels()] == plain(trace.tokens)
    assert {label.get_text() for label in axes.get_xticklabels()} <= set(plain(trace.source_tokens))
    assert any("decoder → encoder" in text.get_text() for text in texts(figure))
    view.close()


def test_a_longer_text_is_an_image_with_every_weight_and_fewer_labels(show):
    view = show(text=" ".join([TEXT] * 8), position=50)
    figure = view.figure()
    axes = axes_of(figure, AxesImage)
    (image,) = axes.findobj(AxesImage)
    assert np.array_equal(image.get_array().data, view.attention)
    assert image.get_interpolation() == "none"
    pixels = axes.get_window_extent().width
    assert pixels >= view.attention.shape[1]
    assert 50.5 in axes.get_yticks()
    assert 20 < len(axes.get_yticks()) < len(view.trace.tokens)


def test_a_text_too_long_for_paper_is_refused_in_words(show):
    view = show(text="é" * 600)
    with pytest.raises(ValueError, match=r"too large to print: 1,024 .* Trace a shorter text"):
        view.figure()
    view.mode = "arcs"
    with pytest.raises(ValueError, match=r'too long to print: 256 .* view.mode = "matrix"'):
        view.figure()


# ── arcs ─────────────────────────────────────────────────────────────────────────────────────


def curves(figure):
    return next(c for c in figure.findobj(PathCollection) if c.get_gid() == "arcs")


@pytest.mark.parametrize("threshold", [0, 0.2])
@pytest.mark.parametrize("heads", [[], [(0, 1), (1, 0), (2, 2)]])
def test_arcs_draw_each_weight_above_the_threshold(show, threshold, heads):
    view = show(mode="arcs", heads=heads, threshold=threshold)
    found = curves(view.figure())
    weights = view.attention if heads else view.attention[None]
    drawn = weights >= max(threshold, 0.01)
    assert len(found.get_paths()) == drawn.sum()
    colors = found.get_edgecolors()
    inks = [to_rgb(ink) for ink in (HEADS[: len(heads)] if heads else [ATTENTION])]
    for ink, of_head in zip(inks, drawn, strict=True):
        assert np.isclose(colors[:, :3], ink).all(axis=1).sum() == of_head.sum()
    strongest = opacity(weights.max(), "sqrt") * (0.8 if heads else 1)
    assert colors[-1, 3] == pytest.approx(float(strongest))
    assert (np.diff(colors[:, 3]) >= 0).all()


@pytest.mark.parametrize("direction", ["from", "to"])
def test_a_pinned_token_has_only_its_own_arcs(show, direction):
    view = show(mode="arcs", position=4, direction=direction)
    figure = view.figure()
    line = view.attention[4] if direction == "from" else view.attention[:, 4]
    paths = curves(figure).get_paths()
    assert len(paths) == (line >= 0.01).sum()
    own = 0 if direction == "from" else -1
    assert len({path.vertices[own, 1] for path in paths}) == 1
    assert len({path.vertices[-1 - own, 1] for path in paths}) == len(paths)
    assert len(boxes(figure, "pinned")) == 1


# ── the other panels ─────────────────────────────────────────────────────────────────────────


def test_steps_print_the_numbers_on_the_way(show):
    view = show(mode="steps", layer=1, head=2, position=8)
    found = view.trace.steps(1, 2, 8)
    figure = view.figure()
    said = [text.get_text() for text in texts(figure)]
    for key in range(9):
        assert f"{found.product[key]:.2f}".replace("-", "−") in said
        assert f"{found.scaled[key]:.2f}".replace("-", "−") in said
        assert weight(float(found.weights[key])) in said
    widths = [bar.get_width() for bar in figure.findobj(Rectangle) if bar.get_facecolor() == INDIGO]
    assert_probabilities_close(widths, found.weights[:9])
    (formula,) = (text for text in texts(figure) if text.get_gid() == "formula")
    assert formula.get_parse_math()


def test_steps_of_a_long_text_add_up_what_no_row_shows(show):
    view = show(mode="steps", layer=1, head=2)
    weights = view.trace.steps(1, 2, -1).weights
    figure = view.figure()
    bars = [bar.get_width() for bar in figure.findobj(Rectangle) if bar.get_facecolor() == INDIGO]
    assert len(bars) == 13
    assert_close(sum(bars), 1)
    assert_probabilities_close(bars[-1], np.sort(weights)[:-12].sum())


@pytest.mark.parametrize("name", ["gemma2", "gpt_oss", "bloom"])
def test_steps_name_what_the_model_has_besides(name, tokenizer):
    view = AttentionView(Scope(MODELS[name](), tokenizer).trace(TEXT), mode="steps", position=5)
    if name == "bloom":
        with pytest.raises(ValueError, match="there are no steps to show"):
            view.figure()
    else:
        (formula,) = words(view.figure(), "formula")
        assert {"gemma2": r"\tanh", "gpt_oss": "e^{z}"}[name] in formula
    view.close()


def test_bars_are_the_probabilities_before_and_after(show):
    view = show(NextTokenView, temperature=1.5, top_k=3, position=6)
    dist = view.distribution
    top = dist.top(10)
    figure = view.figure()
    bars = figure.findobj(lambda one: isinstance(one, Rectangle) and one.axes is not None)
    for ink, expected in ((LIKELY, [r.prob for r in top]), (BASE, [r.base for r in top])):
        drawn = [bar.get_width() for bar in bars if bar.get_facecolor() == to_rgba(ink)]
        assert [width for width in drawn if width <= 1] == expected  # the legend's is wider
    assert words(figure, "value") == [percent(row.prob) for row in top]
    said = [text.get_text() for text in texts(figure)]
    assert said.count("cut by top-k") == 7
    assert "temperature 1.5 · top-k 3" in said
    assert f"{len(dist.base) - 10} more" in said
    rest = percent(float(np.sort(dist.base)[:-10].sum(dtype=float)))
    assert f"the model's own: {rest}" in said
    assert f"entropy {dist.entropy:.2f} bits" in said


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0, "0"), (1, "100 %"), (0.9229, "92.3 %"), (0.99999, "99.999 %"), (0.00001234, "0.00123 %")],
)
def test_percentages_have_three_true_figures(share, shown):
    assert percent(share) == shown


def test_small_numbers_are_written_as_on_screen():
    assert percent(1e-9) == "1.00e−7 %"
    assert [weight(value) for value in (0, 0.81049, 1, 0.99996, 2.5e-5)] == [
        "0",
        "0.810",
        "1.000",
        "0.99996",
        "2.50e−5",
    ]


def test_a_text_is_shaded_by_attention_and_underlined_by_probability(show):
    view = show(TokensView, layer=1, head=2, position=9, threshold=0.1)
    trace, figure = view.trace, view.figure()
    assert "".join(words(figure, "token")).replace("·", "") == TEXT.replace(" ", "")
    line = view.attention[9]
    shades = np.where(line >= 0.1, opacity(line, "sqrt"), 0)
    drawn = boxes(figure, "shade")
    assert len(drawn) == len(trace)
    for box, shade in zip(drawn, shades, strict=True):
        assert box.get_facecolor()[:3] == pytest.approx(mix(ATTENTION, SHADE * shade))
    likely = boxes(figure, "likely")
    for line, box, logprob in zip(likely, drawn[1:], trace.logprobs[1:], strict=True):
        assert line.get_width() == pytest.approx((box.get_width() - 1) * np.exp(logprob))
    assert len(boxes(figure, "focus")) == 1


def test_a_text_is_wrapped_and_keeps_its_lines(show):
    figure = show(TokensView, text=" ".join([TEXT] * 6)).figure(width=3)
    heights = {box.get_y() for box in boxes(figure, "shade")}
    assert len(heights) > 6
    figure = show(TokensView, text="a b\nc d\n\n  e").figure()
    assert len({box.get_y() for box in boxes(figure, "shade")}) == 4
    assert words(figure, "token").count("↵") == 3


def test_a_line_does_not_end_within_a_word(show):
    figure = show(TokensView, text=" ".join(["elephants"] * 20)).figure(width=2)
    pieces = [text for text in figure.findobj(Text) if text.get_gid() == "token"]
    lines: dict[float, str] = {}
    for text in pieces:
        lines[text.get_position()[1]] = lines.get(text.get_position()[1], "") + text.get_text()
    assert len(lines) > 3
    assert len(pieces) > 20
    for line in lines.values():
        assert line.strip("·").startswith("el")
        assert line.strip("·").endswith("ts")


def test_special_tokens_stand_in_the_text(tokenizer):
    view = TokensView(Scope(MODELS["bert"](), word_piece()).trace("the dogs sleep"))
    shown = words(view.figure(), "token")
    assert (shown[0], shown[-1]) == ("[CLS]", "[SEP]")
    view.close()


def test_the_explorer_has_all_of_it(show):
    view = show(Explorer, text="The quick brown fox", layer=1, head=3, top_k=4)
    figure = view.figure()
    assert np.array_equal(cells(figure).get_array().data, view.attention)
    said = [text.get_text() for text in texts(figure)]
    assert {"Layer 1 · Head 3", "Next token", "tiny"} <= set(said)
    assert words(figure, "suggestion") == [view.distribution.top(1)[0].text]
    assert len(words(figure, "value")) == 10
    narrow = view.figure(width=4)
    assert narrow.get_figwidth() == 4
    assert narrow.get_figheight() > figure.get_figheight()


def test_without_attention_or_head_a_figure_says_so(tokenizer):
    for name, kind, said in (
        ("mamba", AttentionView, "no attention"),
        ("bert_encoder", NextTokenView, "no language-model head"),
    ):
        view = kind(Scope(MODELS[name](), tokenizer).trace(TEXT))
        assert said in " ".join(text.get_text() for text in texts(view.figure()))
        view.close()
    view = Explorer(Scope(MODELS["mamba"](), tokenizer), TEXT)
    assert len(words(view.figure(), "value")) == 10
    view.close()


# ── on paper ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", [TEXT, UGLY], ids=["plain", "ugly"])
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_saved_whole(show, name, text):
    kind, traits = FIGURES[name]
    figure = show(kind, text=text, **traits).figure(4 if "narrow" in name else None)
    for suffix, magic in (("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")):
        data = io.BytesIO()
        figure.savefig(data, format=suffix)  # a warning is an error here
        assert data.getvalue().startswith(magic)
        assert b"<script" not in data.getvalue()
    page = figure.bbox.padded(1)
    for label in texts(figure):
        assert label.get_fontsize() >= 7
        box = label.get_window_extent()
        assert page.x0 <= box.x0, label
        assert box.x1 <= page.x1, label
        assert page.y0 <= box.y0, label
        assert box.y1 <= page.y1, label
    upright = [label.get_window_extent() for label in texts(figure) if not label.get_rotation()]
    for one, other in combinations(upright, 2):
        shared = Bbox.intersection(one, other)
        assert shared is None or min(shared.size) < 3


@pytest.mark.parametrize("text", [TEXT, " ".join([TEXT] * 6), UGLY])
def test_labels_of_a_matrix_do_not_overlap(show, text):
    figure = show(text=text, position=3).figure()
    figure.canvas.draw()
    axes = figure.axes[1]
    rows = sorted(
        (label.get_window_extent() for label in axes.get_yticklabels()), key=lambda b: b.y0
    )
    assert len(rows) > 5
    for below, above in pairwise(rows):
        assert above.y0 - below.y0 >= 7 / 72 * figure.dpi
    places = axes.transData.transform([(x, 0) for x in axes.get_xticks()])[:, 0]
    assert (np.diff(sorted(places)) / np.sqrt(2) >= 7 / 72 * figure.dpi).all()


def test_what_a_token_says_is_never_markup(show):
    for kind in (AttentionView, TokensView):
        figure = show(kind, text="pay $x_1$ & <b>$").figure()
        own = [text for text in texts(figure) if "$" in text.get_text()]
        assert own
        assert not any(text.get_parse_math() for text in own)


def test_characters_that_no_font_has_are_named_by_their_numbers(show):
    assert printable("a\ue123")[1] == "⟨U+E123⟩"
    assert any("⟨U+E123⟩" in word for word in words(show(TokensView, text=UGLY).figure(), "token"))


def test_text_from_right_to_left_is_set_so(show):
    figure = show(TokensView, text="a א b").figure()
    places = {
        t.get_text(): t.get_position()[0] for t in figure.findobj(Text) if t.get_gid() == "token"
    }
    assert next(iter(places)) == "a"
    figure = show(TokensView, text="العربية").figure()
    pieces = [t for t in figure.findobj(Text) if t.get_gid() == "token"]
    assert len(pieces) > 1
    assert all(a.get_position()[0] > b.get_position()[0] for a, b in pairwise(pieces))


def settings():
    """All of matplotlib's but the backend, which is chosen when somebody looks."""
    return {key: matplotlib.rcParams[key] for key in matplotlib.rcParams if key != "backend"}


def test_the_style_of_the_notebook_stays_and_does_not_matter(show):
    view = show(position=3)
    plain_picture = io.BytesIO()
    view.figure().savefig(plain_picture, format="png")
    hostile = {"text.usetex": True, "axes.facecolor": "black", "text.color": "red"}
    hostile |= {"font.size": 30, "image.cmap": "jet", "xtick.bottom": True, "axes.grid": True}
    with matplotlib.rc_context(hostile):
        before = settings()
        figure = view.figure()
        assert settings() == before
        picture = io.BytesIO()
        figure.savefig(picture, format="png")
    assert picture.getvalue() == plain_picture.getvalue()


def test_nothing_is_left_with_pyplot():
    code = """
import sys, torch
from llmscope import AttentionView
from llmscope.scope import Scope
from tests.tiny import MODELS, byte_level
view = AttentionView(Scope(MODELS["llama"](), byte_level()).trace("the dog"))
data, size = view.figure()._repr_png_()
assert data.startswith(b"\\x89PNG") and size["width"] > 100
assert "matplotlib.pyplot" not in sys.modules
import matplotlib.pyplot as plt
assert plt.get_fignums() == []
view.figure()
assert plt.get_fignums() == []
"""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_figure_is_as_wide_as_asked_and_says_what_it_cannot_do(show):
    view = show()
    assert view.figure(width=4).get_figwidth() == 4
    with pytest.raises(ValueError, match="width is in inches"):
        view.figure(width=400)
    with pytest.raises(TypeError):
        view.figure(widht=4)
    with pytest.raises(ValueError, match="too narrow"):
        show(text=UGLY).figure(width=1)
    for mode in ("arcs", "steps"):
        view.mode = mode
        with pytest.raises(ValueError, match="too narrow"):
            view.figure(width=1)
    with pytest.raises(ValueError, match="too narrow"):
        show(NextTokenView).figure(width=1.2)
