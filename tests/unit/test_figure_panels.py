"""Figures of the other panels are held to the numbers that they print."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from llmscope import AttentionView, Explorer, NextTokenView, TokensView
from llmscope.export.figures.style import (
    ATTENTION,
    BASE,
    EFFECT,
    LESS,
    LIKELY,
    MORE,
    SHADE,
    mix,
    opacity,
    percent,
    weight,
)
from llmscope.scope import Scope
from tests.closeness import assert_close, assert_probabilities_close
from tests.figures import boxes, cells, texts, words
from tests.tiny import MODELS, TEXT, word_piece

INDIGO = to_rgba(ATTENTION)


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
    assert f"{len(dist.base) - 10} others" in said
    rest = percent(float(np.sort(dist.base)[:-10].sum(dtype=float)))
    assert f"before sampling: {rest}" in said
    assert f"entropy {dist.entropy:.2f} bits" in said


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


def test_a_text_is_shaded_by_effects_on_a_token(show):
    view = show(TokensView, effect_of=("a", "b"), shade="effect", position=9)
    found = view.trace.effects("a", "b", position=9, of="tokens", method="occlusion").values
    figure = view.figure()
    drawn = boxes(figure, "shade")
    assert len(drawn) == len(view.trace)
    for box, effect in zip(drawn, found, strict=True):
        ink = mix(MORE if effect > 0 else LESS, EFFECT * (abs(effect) / np.abs(found).max()) ** 0.5)
        assert box.get_facecolor()[:3] == pytest.approx(ink, abs=2e-3)
    (said,) = (one.get_text() for one in texts(figure) if "true effect" in one.get_text())
    assert "the logit of “a” less that of “b”" in said
    assert min(found) < 0 < max(found)
