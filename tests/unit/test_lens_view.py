"""What a `LensView` is answered with, prints and exports: held to `Trace.lens`."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from traitlets import TraitError

from llmscope import LensView
from llmscope.capture import Cancelled
from llmscope.kernel import Handlers, TextInput
from llmscope.kernel.protocol import parse
from llmscope.kernel.requests import RequestError, Summary
from llmscope.scope import Scope
from llmscope.shared import LENS_BLOCK as BLOCK
from llmscope.text import labels
from tests.closeness import assert_close, assert_probabilities_close
from tests.in_node import array, ask, opened
from tests.tiny import MODELS, TEXT


def never() -> bool:
    return False


@pytest.fixture
def view(tokenizer):
    model = MODELS["llama"]()
    model.config.max_position_embeddings = 2048  # rotary: no weights depend on it
    shown = LensView(Scope(model, tokenizer, name="tiny").trace(TEXT))
    yield shown
    shown.close()


def held_to_the_trace(part, trace, stream: str, number: int) -> None:
    """A part of an answer says what the trace does, at the positions of its block."""
    rows = range(number * BLOCK, min(len(trace), (number + 1) * BLOCK))
    lens = trace.lens(positions=list(rows), stream=stream)
    names = [part["labels"][int(index)] for index in np.asarray(part["top"]).ravel()]
    assert names == labels(trace.scope.tokenizer, lens.ids.ravel().tolist())
    assert_probabilities_close(part["probs"], lens.probs)
    facts = [lens.entropy, lens.divergence, lens.ranks, lens.true_probs]
    for column, expected in enumerate(facts):
        assert_close(part["facts"][..., column], expected)


@pytest.mark.parametrize("name", ["llama", "bert", "t5", "mamba"])
def test_blocks_are_those_of_the_trace(name, tokenizer):
    scope = Scope(MODELS[name](), tokenizer)
    target = "it sleeps" if scope.facts.family == "encoder-decoder" else None
    trace = scope.trace(TEXT, target=target)
    answers = Handlers(scope, trace)
    *_, answer = answers(Summary(TextInput.of(trace)), never)
    for number in range(-(-len(trace) // BLOCK)):
        *_, part = answers(parse(f"{answer['trace']}/lens/block/{number}"), never)
        held_to_the_trace(part, trace, "block", number)
    for key in ("block/99", "block/-1", "both/0"):
        with pytest.raises(RequestError):
            list(answers(parse(f"{answer['trace']}/lens/{key}"), never))


def test_a_block_that_nobody_waits_for_ends(scope):
    trace = scope.trace(TEXT)
    answers = Handlers(scope, trace)
    *_, answer = answers(parse(f"text/{trace.text}"), never)
    stale = threading.Event()
    stale.set()
    with pytest.raises(Cancelled):
        list(answers(parse(f"{answer['trace']}/lens/block/0"), stale.is_set))


def test_it_begins_with_the_models_answer_and_refuses_what_there_is_not(view):
    assert (view.layer, view.position, view.lens, view.stream) == (2, -1, "probability", "block")
    for name, value in (("lens", "loudness"), ("stream", "both"), ("layer", 3)):
        with pytest.raises(TraitError):
            setattr(view, name, value)
    with pytest.raises(TypeError, match="measure"):
        LensView(view.trace, measure="rank")


def shades(view) -> np.ndarray:
    """How far each printed cell is from white, layers from the last, (rows, positions)."""
    boxes = [box for box in view.figure().findobj(Rectangle) if box.get_gid() == "cell"]
    found = np.array([1 - box.get_facecolor()[2] for box in boxes])
    return found.reshape(-1, len(view.trace))


def test_a_figure_prints_the_words_and_the_shades(view):
    view.text = "The quick brown fox"
    lens = view.trace.lens(top=1)
    words = [text.get_text() for text in view.figure().findobj(Text)]
    assert {"Logit lens", "emb.", "0", "1", "2"} <= set(words)
    assert set(labels(view.scope.tokenizer, lens.ids[3, :, 0].tolist())) <= set(words)
    bits = np.log2(view.scope.facts.vocabulary)
    ranks = np.where(lens.ranks < 0, 0, 1 - np.log2(1 + np.maximum(lens.ranks, 0)) / bits)
    for measure, expected in (
        ("probability", lens.probs[..., 0]),
        ("entropy", lens.entropy / bits),
        ("divergence", np.minimum(1, lens.divergence / bits)),
        ("rank", ranks),
    ):
        view.lens = measure
        found = shades(view)
        # A shade goes from white to one ink.
        ink = found.ravel() @ expected.ravel() / (expected.ravel() @ expected.ravel())
        assert_close(found, ink * expected)
        assert ink > 0.1


def test_a_figure_of_a_long_text_says_how_wide_it_must_be(view):
    view.text = TEXT * 2
    with pytest.raises(ValueError, match=r"give a width of \d+\.\d inches"):
        view.figure()
    view.figure(width=20)
    view.text = TEXT * 8
    with pytest.raises(ValueError, match="trace a shorter text"):
        view.figure()


def test_text_in_a_figure_is_no_formula(view):
    view.text = r"$\frac{1}{2}$ <b>"
    view.figure().savefig("/dev/null", format="svg")
    assert not any(text.get_parse_math() for text in view.figure().findobj(Text) if text.get_text())


def test_a_page_answers_as_the_kernel_does(view, tmp_path):
    page = view.to_html()
    count = -(-len(view.trace) // BLOCK)
    keys = [f"t1/lens/block/{number}" for number in range(count)]
    *answers, other = ask(page.html, [*keys, "t1/lens/mlp/0"], tmp_path)
    for number, answer in enumerate(answers):
        part = answer["part"]
        part = {name: array(item) if "data" in item else item for name, item in part.items()}
        held_to_the_trace(part, view.trace, "block", number)
    assert other["words"].startswith("This lens takes the model: the page holds whole layers at")
    assert "Logit lens: whole layers at tokens 0 to 34; numbers as the model gives them." in (
        page.notes
    )
    (shown,) = opened(page.html)["views"]
    assert (shown["traits"]["lens"], shown["traits"]["stream"]) == ("probability", "block")


def test_a_page_holds_the_stream_on_screen_where_it_was_asked_to(view, tmp_path):
    view.stream, view.position = "mlp", 30
    keys = [f"t1/lens/mlp/{number}" for number in range(5)]
    held = ask(view.to_html(positions=[1]).html, [*keys, "t1/lens/block/0"], tmp_path)
    assert [answer["words"] is None for answer in held] == [True, False, False, True, False, False]
    with pytest.raises(IndexError, match="no position 99"):
        view.to_html(positions=[99])


def test_a_page_says_why_a_model_has_no_lens(tokenizer, tmp_path):
    headless = LensView(Scope(MODELS["bert_encoder"](), tokenizer, name="vectors").trace(TEXT))
    (answer,) = ask(headless.to_html().html, ["t1/lens/block/0"], tmp_path)
    assert answer["words"] == "vectors has no language-model head: it gives no probabilities."
    with_halves = LensView(Scope(MODELS["mamba"](), tokenizer).trace(TEXT), stream="attention")
    (answer,) = ask(with_halves.to_html().html, ["t1/lens/attention/0"], tmp_path)
    assert answer["words"] == "Layer 0 has no halves to read: it has no attention."
