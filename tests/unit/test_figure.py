"""Matrices and arcs are held to the arrays that they draw."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.image import AxesImage

import llmscope
from llmscope import AttentionView
from llmscope.export.figures.style import (
    ATTENTION,
    GROUND,
    HEADS,
    mix,
    opacity,
    weight_at,
)
from llmscope.scope import Scope
from tests.figures import FIGURES, axes_of, boxes, cells, plain, texts
from tests.tiny import MODELS, TEXT, word_piece

INDIGO = to_rgba(ATTENTION)


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
    light = json.loads(Path(llmscope.__file__).with_name("shared.json").read_bytes())["colors"]
    assert list(HEADS) == light["light"]["heads"]


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
    # Those of the last query as they are, of the others a quarter; of the first key two fifths.
    seen = opacity(weights, "sqrt") * (0.8 if heads else 1)
    seen[:, :-1] *= 0.25
    seen[:, :, 0] *= 0.4
    assert colors[:, 3] == pytest.approx(np.sort(seen[drawn]))
    # A second mark, beside the colours.
    styles = found.get_linestyle()
    dashes = {
        tuple(to_rgb(color)): bool(dash) for color, (_, dash) in zip(colors, styles, strict=True)
    }
    assert list(dashes.values()).count(False) == 1
    # The width is the weight's own.
    wide = 0.5 + (12.5 / (10 if heads else 6) - 0.5) * opacity(weights[drawn], "sqrt")
    assert np.sort(found.get_linewidths()) == pytest.approx(np.sort(wide))


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
