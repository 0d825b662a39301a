"""A model watched while it learns: what is kept, where, and that it is what a trace says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from llmscope.kernel.tiles import shades
from llmscope.scope import Scope
from llmscope.shared import SCORES
from llmscope.training import History, Watch
from tests import tiny
from tests.closeness import assert_close, assert_probabilities_close, assert_ranks_close

LEARNT = "The quick brown fox jumps over the lazy dog"
SHORT = 2.0**-11  # of a weight's distance to 0 and to 1, in 16 bits


def losses(model, tokenizer, steps, seed=0):
    """Train a model on one text, and yield step and loss after each update."""
    torch.manual_seed(seed)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    ids = torch.tensor([tokenizer(LEARNT)["input_ids"]])
    for step in range(steps):
        loss = model(ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        yield step, loss


def assert_kept(record, number, trace, positions):
    """Assert that a probe at a step is what a trace says."""
    logits = trace.logits
    if record.logprobs(number) is not None:
        assert_close(record.logprobs(number), trace.logprobs[1:])
        assert_ranks_close(record.ranks(number), logits[:-1], trace.ids[1:])
    told = record.next_token(number)
    for row, position in enumerate(positions):
        assert_close(told.logits[row], np.sort(logits[position])[::-1][: len(told.logits[row])])
        assert_close(told.logits[row], logits[position][told.ids[row]])
    if (lens_kept := record.lens(number)) is None:
        with pytest.raises(ValueError, match="There is no lens"):
            trace.lens(1, positions)
    else:
        lens, (ids, logprobs) = trace.lens(1, positions), lens_kept
        assert_close(logprobs, np.log(lens.probs[..., 0]).T, size=10.0)
        assert (ids == lens.ids[..., 0].T).mean() > 0.99
    for kind in trace.kinds:
        scores = record.scores(number, kind)
        frame = trace.head_scores(kind)
        for score, name in enumerate(SCORES):
            assert_close(scores[score].ravel(), frame[name].to_numpy())
        for layer, head in record.heads(number, kind):
            found, weights = (
                record.attention(number, layer, head, kind),
                trace.attention(layer, head, kind=kind),
            )
            assert (
                np.abs(found - weights) <= SHORT * np.minimum(weights, 1 - weights) + 1e-5
            ).all()


@pytest.fixture
def watched(tokenizer, tmp_path):
    """A watch of a tiny model in a plain loop, and copies of its weights by step."""
    model = tiny.MODELS["llama"]()
    watch = Watch(
        [LEARNT, "brown fox"], 3, model=model, tokenizer=tokenizer, folder=tmp_path / "run"
    )
    copies = {}
    for step, loss in losses(model, tokenizer, 8):
        watch.step(step, loss=loss, learning_rate=1e-2)
        copies[step] = {name: item.clone() for name, item in model.state_dict().items()}
    watch.end()
    return watch, copies


def test_what_is_kept_is_what_a_trace_says(watched, tokenizer):
    watch, copies = watched
    model = tiny.MODELS["llama"]()
    for step in watch.history.steps:
        model.load_state_dict(copies[step])
        scope = Scope(model, tokenizer)
        for number, text in enumerate((LEARNT, "brown fox")):
            trace = scope.trace(text)
            assert watch.history.probes[number].positions == (len(trace) - 1,)
            assert_kept(watch.history.at(step), number, trace, [len(trace) - 1])


def test_the_first_and_the_last_step_are_kept(watched):
    watch, _ = watched
    assert watch.history.steps == (0, 3, 6, 7)
    assert watch.history.state == "ended"
    assert watch.history.log["step"].tolist() == [*range(8)]
    assert watch.history.log["loss"][-1] < watch.history.log["loss"][0]


def test_a_folder_opens_as_it_was_written(watched, tmp_path):
    live, opened = watched[0].history, History(tmp_path / "run")
    assert opened.probes == live.probes
    assert opened.model == live.model
    assert (opened.steps, opened.bytes, opened.state) == (live.steps, live.bytes, "ended")
    for name, column in live.log.items():
        assert np.array_equal(opened.log[name], column, equal_nan=True)
    for probe in range(2):
        mine, other = live.at(3), opened.at(3)
        assert np.array_equal(mine.logprobs(probe), other.logprobs(probe))
        assert mine.matrices(probe)["names"] == other.matrices(probe)["names"]


def test_small_pictures_are_those_of_the_weights(watched):
    record = watched[0].history.at(6)
    weights = np.stack([record.attention(1, 2, head) for head in range(4)])
    assert np.array_equal(record.thumbnails(1, "self", 2), shades(weights))


def test_long_probes_keep_the_telling_heads(tokenizer, monkeypatch):
    monkeypatch.setattr("llmscope.training.measure.MOST_WEIGHTS", 100)
    model = tiny.MODELS["llama"]()
    watch = Watch([LEARNT], 1, model=model, tokenizer=tokenizer)
    for step, _ in losses(model, tokenizer, 3):
        watch.step(step)
    watch.end()
    history = watch.history
    record, (_, _, queries, keys) = history.at(2), history.probes[0].kinds["self"]
    assert 0 < len(record.heads(0)) < 12
    scores = record.scores(0)
    for score in scores[:4]:
        assert tuple(np.unravel_index(np.nanargmax(score), score.shape)) in record.heads(0)
    trace = Scope(model, tokenizer).trace(LEARNT)
    from llmscope.analysis.head_scores import overview

    expected = shades(overview(trace.recording, 1, "self")[0])
    assert np.abs(record.thumbnails(0, "self", 1).astype(int) - expected).max() <= 1
    assert expected.shape == (4, min(32, queries), min(32, keys))
    weights = record.attention(0, *record.heads(0)[0])
    assert_probabilities_close(weights.sum(1), np.ones(queries), terms=10**6)
