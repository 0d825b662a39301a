"""What a page is answered of a training is what was kept of it."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import llmscope
from llmscope.export import encoding
from llmscope.kernel import training_requests as ask
from llmscope.kernel.requests import RequestError
from llmscope.kernel.step_input import StepInput
from llmscope.shared import SCORES
from llmscope.training import answers as answers_module
from llmscope.training.answers import TrainingAnswers
from llmscope.training.numbers import evenly
from tests import tiny, trained
from tests.closeness import assert_close


@pytest.fixture(scope="module")
def watch():
    """A training with few tokens known exactly."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(encoding, "LIKELIEST", 12)
        watch = trained.of_sounds(40, 10)
    return watch


@pytest.fixture
def training(watch):
    return TrainingAnswers([watch.history])


def asked(training, request, cancelled=lambda: False):
    *_, part = training.answers[type(request)](request, cancelled)
    return part


def test_all_is_known_of_a_run(training, watch):
    (run,) = asked(training, ask.Training())["runs"]
    history = watch.history
    assert run["name"] == "tiny GPT-2"
    assert run["steps"].tolist() == [0, 10, 20, 30, 40] == [*history.steps]
    assert (run["state"], run["notes"], run["bytes"]) == ("ended", [], history.bytes)
    assert run["model"]["model"]["layers"] == 2
    probe = run["probes"][1]
    assert probe["tokens"][:3] == ["the", "·small", "·duck"]
    assert (probe["positions"], probe["kinds"]) == ([9], {"self": [2, 4]})
    assert run["log"]["step"].tolist() == [*range(41)]
    assert_close(run["log"]["loss"], history.log["loss"].astype(np.float32))
    assert np.isnan(run["log"]["grad_norm"][0]) and not np.isnan(run["log"]["grad_norm"][1:]).any()


def test_a_step_holds_what_a_trace_of_the_same_weights_says(training, watch):
    part = asked(training, ask.TrainingStep(0, 40))
    scope = llmscope.Scope(watch_model(watch), trained.words())
    for number, text in enumerate(trained.PROBES):
        trace = scope.trace(text)
        name = StepInput(0, 40, number).trace_name
        told = part["answers"][f"step/0/40/{number}"]
        assert (told["trace"], told["text"]) == (name, text)
        assert [row[0] for row in told["tokens"]] == list(trace.ids)
        chain = part["answers"][f"{name}/chain"]
        assert_close(chain["logprobs"], trace.logprobs)
        assert chain["ranks"].tolist() == trace.ranks.tolist()
        assert chain["perplexity"] == pytest.approx(trace.perplexity, rel=1e-4)
        (weights,) = [one for one in part["matrices"] if one["trace"] == name]
        assert weights["names"] == [f"head.{layer}.{head}" for layer in (0, 1) for head in range(4)]
        rows, columns = np.tril_indices(len(trace))
        found = encoding.decoded(weights["codes"])
        expected = np.concatenate([trace.attention(layer)[:, rows, columns] for layer in (0, 1)])
        assert np.abs(found - expected).max() < encoding.WEIGHT_ERROR
        for layer in (0, 1):
            scores = part["answers"][f"{name}/thumbnails/self/{layer}"]["scores"]
            heads = trace.head_scores()
            expected = heads[heads.layer == layer][[*SCORES]].to_numpy(np.float32)
            assert_close(scores, expected)
        (told,) = [one for one in part["logits"] if one["trace"] == name]
        logits = trace.logits_at(-1)
        assert told["positions"] == [len(trace) - 1]
        assert told["vocabulary"] == len(logits)
        assert_close(told["logits"][0], np.sort(logits)[::-1][:12])
        known = dict(zip(part["labels"]["ids"], part["labels"]["labels"], strict=True))
        best = int(told["ids"][0, 0])
        assert known[best] == llmscope.text.labels(scope.tokenizer, [best])[0]


def test_the_next_token_over_steps_is_that_of_each_step(training, watch):
    part = asked(training, ask.TrainingAcross(0, 0, 3))
    assert part["steps"].tolist() == [0, 10, 20, 30, 40]
    assert part["labels"] == watch.history.labels(part["ids"].tolist())
    most = np.nanmax(part["probs"], 0)
    assert (np.diff(most) <= 0).all() and len(most) <= 40
    assert np.isnan(part["probs"]).any() and not np.isnan(part["probs"]).all(0).any()
    for row, step in enumerate(part["steps"].tolist()):
        told = watch.history.at(step).next_token(0)
        exact = told.ids[0].tolist()
        rest = encoding.spread(told.highest[0], told.lowest[0], told.counts[0])
        probs = softmax(np.concatenate([told.logits[0], rest]).astype(np.float64))
        for token, prob in zip(part["ids"].tolist(), part["probs"][row], strict=True):
            if token in exact:
                assert prob == pytest.approx(probs[exact.index(token)], rel=1e-5)
            else:
                assert np.isnan(prob)
        assert set(exact[:8]) <= set(part["ids"].tolist())
        assert part["entropy"][row] == pytest.approx(-(probs * np.log2(probs)).sum(), rel=1e-5)


def test_the_entropy_is_that_of_the_whole_vocabulary(training, watch):
    scope = llmscope.Scope(watch_model(watch), trained.words())
    true = scope.trace(trained.PROBES[0]).distribution(-1).entropy
    assert asked(training, ask.TrainingAcross(0, 0, 3))["entropy"][-1] == pytest.approx(true, 2e-3)


def test_heads_and_layers_over_steps_are_those_of_each_step(training, watch):
    history = watch.history
    heads = asked(training, ask.TrainingHeads(0, 1, "self"))
    assert heads["scores"].shape == (5, 6, 2, 4)
    pictures = asked(training, ask.TrainingHead(0, 1, "self", 1, 3))
    lens = asked(training, ask.TrainingLens(0, 1, 9))
    labels = dict(zip(lens["labels"]["ids"], lens["labels"]["labels"], strict=True))
    for row, step in enumerate(history.steps):
        record = history.at(step)
        np.testing.assert_array_equal(heads["scores"][row], record.scores(1))
        np.testing.assert_array_equal(pictures["shades"][row], record.thumbnails(1, "self", 1)[3])
        ids, logprobs = record.lens(1)
        np.testing.assert_array_equal(lens["ids"][row], ids[0])
        np.testing.assert_array_equal(lens["logprobs"][row], logprobs[0])
        own = record.next_token(1).ids[0, 0]
        assert ids[0, -1] == own and labels[own] == history.labels([own])[0]


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (ask.TrainingStep(0, 11), "Step 11 isn't kept"),
        (ask.TrainingStep(1, 10), "There is no run 1"),
        (ask.TrainingAcross(0, 2, 3), "There is no probe 2: there are 2"),
        (ask.TrainingAcross(0, 0, 2), "kept at 3: not at 2"),
        (ask.TrainingLens(0, 0, 2), "kept at 3: not at 2"),
        (ask.TrainingHeads(0, 0, "cross"), "no cross-attention"),
        (ask.TrainingHead(0, 0, "self", 2, 0), "no head 2·0"),
        (ask.TrainingHead(0, 0, "self", 0, 4), "no head 0·4"),
    ],
)
def test_what_was_not_kept_is_refused_in_words(training, request_, said):
    with pytest.raises(RequestError, match=said):
        asked(training, request_)


def test_of_a_long_log_some_rows_are_told_as_they_are(training, monkeypatch):
    whole = asked(training, ask.Training())["runs"][0]["log"]
    monkeypatch.setattr(answers_module, "_ROWS", 6)
    log = asked(training, ask.Training())["runs"][0]["log"]
    assert len(log["step"]) < 12
    assert {0, 10, 20, 30, 40} <= set(log["step"].tolist())
    np.testing.assert_array_equal(log["loss"], whole["loss"][log["step"]])


def test_a_training_is_followed_until_it_is_over():
    tokenizer = trained.words()
    watch = llmscope.training.Watch(["the old cow"], 2, model=trained.gpt2(), tokenizer=tokenizer)
    training = TrainingAnswers([watch.history])
    parts = []

    def follow():
        for part in training.answers[ask.TrainingRun](ask.TrainingRun(), lambda: False):
            parts.append((time.perf_counter(), part["runs"][0]))

    thread = threading.Thread(target=follow)
    thread.start()
    begun = time.perf_counter()
    for step in range(40):
        watch.step(step, loss=1.0)
        time.sleep(0.02)
        if step == 30:
            asked(training, ask.TrainingStop())
        if watch.should_stop:
            break
    watch.end()
    thread.join(10)
    seconds = time.perf_counter() - begun
    assert not thread.is_alive()
    states = [run["state"] for _, run in parts]
    assert states[0] == "waiting" and states[-1] == "stopped" and "training" in states
    assert parts[-1][1]["steps"].tolist() == [*range(0, 31, 2)]
    assert 3 <= len(parts) <= 3 + seconds / 0.5


def test_nobody_is_told_any_more_once_cancelled():
    watch = llmscope.training.Watch(["a"], model=trained.gpt2(), tokenizer=trained.words())
    over = threading.Event()
    parts = TrainingAnswers([watch.history]).answers[ask.TrainingRun](
        ask.TrainingRun(), over.is_set
    )
    assert next(parts)["runs"][0]["state"] == "waiting"
    over.set()
    assert list(parts) == []


def test_two_runs_over_other_tokens_are_refused(watch):
    other = llmscope.training.Watch(["a"], model=tiny.MODELS["gpt2"](), tokenizer=tiny.byte_level())
    training = TrainingAnswers([watch.history, other.history])
    assert len(asked(training, ask.Training())["runs"]) == 2  # nothing is known of it yet
    other.step(0, loss=1.0)
    with pytest.raises(ValueError, match="have other tokens"):
        asked(training, ask.Training())


def test_fewer_steps_are_spread_evenly_and_keep_what_is_in_focus(training):
    assert evenly([*range(100)], 4) == [0, 33, 66, 99]
    some = training.thinned(3, [(0, 10)])
    assert some.steps(0) == (0, 10, 40)
    (run,) = asked(some, ask.Training())["runs"]
    assert run["steps"].tolist() == [0, 10, 40]
    assert run["notes"] == ["Held here are 3 of 5 steps that were kept."]
    assert asked(some, ask.TrainingAcross(0, 0, 3))["steps"].tolist() == [0, 10, 40]
    with pytest.raises(RequestError, match="isn't kept"):
        asked(some, ask.TrainingStep(0, 20))
    assert training.thinned(5) is training


def test_a_run_that_kept_nothing_yet_says_so():
    watch = llmscope.training.Watch(["a"], model=trained.gpt2(), tokenizer=trained.words())
    training = TrainingAnswers([watch.history])
    (run,) = asked(training, ask.Training())["runs"]
    assert (run["state"], run["steps"].tolist(), run["probes"]) == ("waiting", [], [])
    with pytest.raises(RequestError, match="There is no probe 0"):
        asked(training, ask.TrainingAcross(0, 0, 0))


def test_steps_that_are_dropped_meanwhile_are_left_out(watch, monkeypatch):
    history = watch.history
    gone = SimpleNamespace(
        steps=(*history.steps, 99), probes=history.probes, at=history.at, labels=history.labels
    )
    assert asked(TrainingAnswers([gone]), ask.TrainingAcross(0, 0, 3))["steps"].tolist() == [
        *history.steps
    ]


def watch_model(watch) -> torch.nn.Module:
    return watch._model


def softmax(logits):
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()
