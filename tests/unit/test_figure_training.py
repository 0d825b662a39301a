"""The figure of a training draws the numbers that were kept."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.patches import Polygon, Rectangle

import llmscope
from llmscope.export.figures.style import HEADS, mix
from llmscope.export.figures.training import habits
from llmscope.shared import SCORES
from tests import trained


@pytest.fixture(scope="module")
def watch():
    return trained.of_sounds(20, 5)


@pytest.fixture(scope="module")
def drawn(watch):
    view = llmscope.TrainingView(watch, step=10, layer=1, head=3)
    figure = view.figure()
    yield figure
    view.close()


def of(figure, kind, start):
    """What is drawn of a kind, by its name; names begin with `start`."""
    return {
        str(one.get_gid()): one
        for one in figure.findobj(kind)
        if str(one.get_gid() or "").startswith(start)
    }


def test_the_loss_is_that_of_the_log_with_the_step_marked(drawn, watch):
    from matplotlib.lines import Line2D

    lines = of(drawn, Line2D, "")
    x, y = lines["loss 0"].get_xdata(), np.asarray(lines["loss 0"].get_ydata())
    losses = watch.history.log["loss"]
    assert len(y) == 21
    share = (y[0] - y) / (y[0] - y[-1])
    np.testing.assert_allclose(share, (losses[0] - losses) / (losses[0] - losses[-1]), atol=1e-5)
    assert lines["step"].get_xdata()[0] == pytest.approx(x[10])


def test_ribbons_are_as_wide_as_tokens_are_likely(drawn, watch):
    ribbons = of(drawn, Polygon, "ribbon ")
    told = watch.history.at(20).next_token(0)
    logits = told.logits[0].astype(np.float64)
    probs = np.exp(logits) / np.exp(logits).sum()
    labels = watch.history.labels(told.ids[0].tolist())
    widths = {}
    for name, ribbon in ribbons.items():
        edge = ribbon.get_xy()[:-1]  # closed
        right = edge[np.isclose(edge[:, 0], edge[:, 0].max())][:, 1]
        widths[name.removeprefix("ribbon ")] = float(np.ptp(right))
    for label, prob in zip(labels, probs, strict=True):
        if label in widths:
            share = widths[label] / widths[labels[0]]
            assert share == pytest.approx(prob / probs[0], abs=1e-3)
    assert labels[0] in widths


def test_heads_are_as_strong_as_their_scores_at_the_step(drawn, watch):
    scores = watch.history.at(10).scores(0)
    became = habits(watch.history.at(20).scores(0))
    cells = [one for one in drawn.findobj(Rectangle) if str(one.get_gid() or "") in {*SCORES}]
    assert len(cells) == 8
    for place, cell in enumerate(cells):
        layer, head = divmod(place, 4)
        name = str(became[layer, head])
        assert cell.get_gid() == name
        if name == "previous":
            strength = float(scores[SCORES.index("previous"), layer, head])
            np.testing.assert_allclose(cell.get_facecolor()[:3], mix(HEADS[0], strength))


def test_pictures_of_a_head_are_its_thumbnails(drawn, watch):
    from matplotlib.image import AxesImage

    images = of(drawn, AxesImage, "head ")
    assert list(images) == [f"head {step}" for step in watch.history.steps]
    for step in watch.history.steps:
        shades = watch.history.at(step).thumbnails(0, "self", 1)[3]
        np.testing.assert_allclose(images[f"head {step}"].get_array(), shades / 255, atol=1e-6)


def test_what_a_head_does_most_is_named():
    nan = np.nan
    #        previous first self induction local entropy
    rows = [
        (0.6, 0.1, 0.1, 0.0, 0.7, 0.2),
        (0.1, 0.1, 0.1, 0.0, 0.7, 0.2),
        (0.2, 0.2, 0.2, 0.1, 0.3, 0.9),
        (nan, 0.5, nan, nan, nan, 0.4),
        (nan, nan, nan, nan, nan, nan),
    ]
    scores = np.array(rows, np.float32).T[:, None]
    assert habits(scores).tolist() == [["previous", "local", "entropy", "first", ""]]


def test_a_training_that_kept_nothing_has_no_figure():
    watch = llmscope.training.Watch(["a"], model=trained.gpt2(), tokenizer=trained.words())
    with pytest.raises(ValueError, match="No step is kept yet"):
        llmscope.TrainingView(watch).figure()


def test_figures_of_other_models_and_widths(watch):
    seq2seq = trained.of_animals(4, 2)
    for view in (
        llmscope.TrainingView(seq2seq, kind="cross", probe=1),
        llmscope.TrainingView(watch, watch, run=1),
    ):
        for width in (None, 3.5):
            said = [one.get_text() for one in view.figure(width).findobj(match=_is_text)]
            assert any(text.startswith("Training of tiny") for text in said)
        view.close()


def _is_text(one):
    return hasattr(one, "get_text")
