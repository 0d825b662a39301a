"""Figures are held to what a page of paper takes."""

from __future__ import annotations

import io
import subprocess
import sys
from itertools import combinations, pairwise
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from llmscope import AttentionView, NextTokenView, TokensView
from llmscope.export.figures.fonts import printable
from tests.figures import FIGURES, UGLY, texts, words
from tests.page.pdf import Pdf
from tests.tiny import TEXT


def test_fonts_in_a_pdf_are_those_that_publishers_take(show, tmp_path):
    ugly = io.BytesIO()
    show(AttentionView, text=UGLY).figure().savefig(ugly, format="pdf")
    figure = show(AttentionView).figure()
    figure.savefig(tmp_path / "by path.pdf")
    for data in (ugly.getvalue(), (tmp_path / "by path.pdf").read_bytes()):
        assert Pdf(data).font_types == {"Type0", "CIDFontType2"}
        assert b"/FontFile2" in data
    with PdfPages(tmp_path / "pages.pdf") as pages:
        pages.savefig(figure)
    assert Pdf((tmp_path / "pages.pdf").read_bytes()).font_types == {"Type3"}  # as rcParams say
    figure.savefig(tmp_path / "page.eps")
    assert b"/FontType 42" in (tmp_path / "page.eps").read_bytes()


# Of figures that are drawn by the same code, one; and but for two, the harder text alone.
PLAIN = ("matrix", "explorer, narrow")
HARD = ("matrix", "pinned", "pinned arcs", "steps", "next token", "tokens", "explorer, narrow")
SAVED = [
    pytest.param(name, text, id=f"{name}-{kind}", marks=[] if name in some else pytest.mark.whole)
    for kind, text, some in (("plain", TEXT, PLAIN), ("ugly", UGLY, HARD))
    for name in FIGURES
]


@pytest.mark.parametrize(("name", "text"), SAVED)
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
