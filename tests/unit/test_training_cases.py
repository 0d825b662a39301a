"""What a watch says of what can't be watched, and that it never ends a training."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
import transformers as tf

from llmscope.kernel.training_requests import TrainingLens
from llmscope.scope import Scope
from llmscope.training import History, Watch
from llmscope.training.answers import TrainingAnswers
from tests import tiny
from tests.unit.test_training import LEARNT, assert_kept, losses


def watched(model, tokenizer, probes, steps=4, every=1, **options):
    """Train a model in a plain loop under a watch; return its history."""
    watch = Watch(probes, every, model=model, tokenizer=tokenizer, **options)
    for step, loss in losses(model, tokenizer, steps):
        watch.step(step, loss=loss)
    watch.end()
    return watch.history


# ── models and texts ─────────────────────────────────────────────────────────────────────────────


def test_weights_that_are_no_numbers_are_told_and_not_kept(tokenizer, tmp_path):
    model = tiny.MODELS["llama"]()
    watch = Watch(["The"], 1, model=model, tokenizer=tokenizer, folder=tmp_path / "run")
    for step, loss in losses(model, tokenizer, 6):
        if step == 3:
            with torch.no_grad():
                next(model.parameters()).fill_(math.nan)
        watch.step(step, loss=loss)
    watch.end()
    for history in (watch.history, History(tmp_path / "run")):
        assert history.steps == (0, 1, 2)
        assert np.isnan(history.log["loss"]).tolist() == [False] * 4 + [True] * 2
        (note,) = history.notes
        assert note.startswith("At step 3, numbers that the model computes are infinite or none")


def test_a_probe_longer_than_the_context_is_cut(tokenizer):
    model = tiny.MODELS["gpt2"]()
    history = watched(model, tokenizer, ["The quick brown fox. " * 20, "short"])
    (note,) = history.notes
    assert "reads 64: the rest was cut off" in note
    assert len(history.at(0).logprobs(0)) == 63
    assert history.probes[0].positions == (63,)


def test_a_model_without_attention_is_watched_without_it(tokenizer):
    model = tiny.MODELS["mamba"]()
    history = watched(model, tokenizer, ["The quick brown fox"])
    (note,) = history.notes
    assert "has no attention" in note
    assert history.probes[0].kinds == {}
    with pytest.raises(ValueError, match="no self attention of probe 0"):
        history.at(0).scores()
    trace = Scope(model, tokenizer).trace("The quick brown fox")
    assert_kept(history.at(-1), 0, trace, [len(trace) - 1])


@pytest.mark.parametrize("name", ["gemma2", "gpt_oss", "bloom", "albert", "bert_encoder", "bart"])
def test_other_families(name, tokenizer):
    model = tiny.MODELS[name]()
    if name.startswith(("albert", "bert")):
        tokenizer = tiny.word_piece()
    probe = ("The quick", "brown fox") if name == "bart" else "the dogs sleep"
    watch = Watch([probe], 1, model=model, tokenizer=tokenizer)
    watch.step(0)
    watch.end()
    record, scope = watch.history.at(0), Scope(model, tokenizer)
    assert watch.history.notes == ()
    if name == "bert_encoder":
        trace = scope.trace(probe)
        assert record.next_token() is None
        assert record.logprobs() is None
        weights = record.attention(0, 1, 2)
        assert np.abs(weights - trace.attention(1, 2)).max() < 5e-4
        return
    trace = scope.trace(probe[0], target=probe[1]) if name == "bart" else scope.trace(probe)
    positions = watch.history.probes[0].positions
    assert len(positions) == 1
    assert_kept(record, 0, trace, list(positions))


def test_pairs_of_a_masked_model_are_two_sentences(tokenizer):
    words = tiny.word_piece()
    torch.manual_seed(0)
    config = tf.BertConfig(**tiny._COMMON | {"vocab_size": len(words)})
    model = tf.BertForPreTraining(config)
    watch = Watch([("the [MASK]", "dogs [MASK]")], 1, model=model, tokenizer=words)
    watch.step(0)
    watch.end()
    (probe,) = watch.history.probes
    trace = Scope(model, words).trace("the [MASK]", pair="dogs [MASK]")
    assert probe.positions == trace.gaps == (2, 6)
    assert probe.summary["second"] == 4
    assert_kept(watch.history.at(0), 0, trace, [2, 6])
    (note,) = watch.history.notes
    assert note.startswith("There is no lens: the head of BertForPreTraining")
    answers = TrainingAnswers([watch.history])
    (part,) = answers.answers[TrainingLens](TrainingLens(0, 0, 2), lambda: False)
    assert part["ids"].shape == (0, 0), "the panel says so, and no error does"


def test_chat_messages_go_through_the_template(tokenizer):
    tokenizer.chat_template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
    model = tiny.MODELS["llama"]()
    messages = [{"role": "user", "content": "The fox"}]
    history = watched(model, tokenizer, [messages])
    assert history.probes[0].label == "The fox"
    assert set(history.probes[0].summary["roles"]) == {"user"}
    trace = Scope(model, tokenizer).trace(messages)
    assert_kept(history.at(-1), 0, trace, [len(trace) - 1])
    tokenizer.chat_template = None


def test_chosen_heads_and_positions(tokenizer):
    model = tiny.MODELS["llama"]()
    history = watched(model, tokenizer, [LEARNT], positions=[0, -2], heads=[(2, 1), (0, 3)])
    record, trace = history.at(-1), Scope(model, tokenizer).trace(LEARNT)
    assert record.heads() == [(0, 3), (2, 1)]
    assert_kept(record, 0, trace, [0, len(trace) - 2])
    assert record.thumbnails(0, "self", 1).shape[0] == 4, "of heads that aren't kept, too"
    with pytest.raises(IndexError, match=r"head \(1, 1\) aren't kept"):
        record.attention(0, 1, 1)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"heads": [(7, 1)]}, IndexError, r"no head \(7, 1\)"),
        ({"positions": [99]}, IndexError, "no position 99"),
        ({"probes": [("a", "b")]}, ValueError, "reads one text, from left to right"),
        ({"probes": [[{"role": "user", "content": "a"}]]}, ValueError, "no chat template"),
        ({"probes": [""]}, ValueError, "empty"),
    ],
)
def test_what_can_not_be_watched_is_refused_before_the_training(options, error, says, tokenizer):
    options = {"probes": ["The quick"], **options}
    watch = Watch(**options, model=tiny.MODELS["llama"](), tokenizer=tokenizer)
    with pytest.raises(error, match=says):
        watch.step(0)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"probes": "The"}, TypeError, "a list of texts"),
        ({"probes": []}, ValueError, "no probe"),
        ({"probes": [3]}, TypeError, "int is no probe"),
        ({"probes": [{"role": "user", "content": "a"}]}, TypeError, "one probe"),
        ({"probes": ["a"] * 65}, ValueError, "64 can be watched"),
        ({"every": 0}, ValueError, "at least 1"),
        ({"every": "often"}, ValueError, "'often'"),
        ({"max_mb": 0}, ValueError, "more than 0"),
        ({"max_overhead": 2}, ValueError, "a share of the time"),
        ({"heads": [3]}, TypeError, "a list of pairs"),
    ],
)
def test_options_that_no_watch_can_have(options, error, says):
    with pytest.raises(error, match=says):
        Watch(**{"probes": ["The"], **options})


# ── folders ──────────────────────────────────────────────────────────────────────────────────────


def test_another_training_in_a_folder_is_refused(tokenizer, tmp_path):
    llama, gpt2 = tiny.MODELS["llama"], tiny.MODELS["gpt2"]
    folder = tmp_path / "run"
    watched(llama(), tokenizer, ["The"], folder=folder)
    with pytest.raises(ValueError, match="training of another model, LlamaForCausalLM"):
        Watch(["The"], model=gpt2(), tokenizer=tokenizer, folder=folder).step(9)
    with pytest.raises(ValueError, match="written with other probes"):
        Watch(["A"], model=llama(), tokenizer=tokenizer, folder=folder).step(9)
    with pytest.raises(ValueError, match="up to step 3, and this one begins anew"):
        Watch(["The"], model=llama(), tokenizer=tokenizer, folder=folder).step(0)
    again = Watch(["The"], 1, model=llama(), tokenizer=tokenizer, folder=folder)
    again.step(2)
    assert again.history.steps == (0, 1, 2), "what was after it is gone"
    assert again.history.log["step"].tolist() == [0, 1, 2]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    with pytest.raises(ValueError, match="something that is no training"):
        Watch(["The"], model=llama(), tokenizer=tokenizer, folder=tmp_path / "mine").step(0)
    with pytest.raises(ValueError, match="holds no training"):
        History(tmp_path / "mine")
    about = folder / "watch.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"form": 99}))
    with pytest.raises(ValueError, match="another version"):
        History(folder)


def test_what_goes_wrong_in_a_watch_is_told_and_the_training_goes_on(tokenizer, monkeypatch):
    model = tiny.MODELS["llama"]()

    def fails(self):
        raise RuntimeError("out of memory")

    watch = Watch(["The"], 1, model=model, tokenizer=tokenizer)
    for step, loss in losses(model, tokenizer, 4):
        if step == 2:
            monkeypatch.setattr("llmscope.training.measure.Prober.read", fails)
        watch.step(step, loss=loss)
    watch.end()
    assert watch.history.steps == (0, 1)
    assert watch.history.notes == ("Step 2 isn't kept (RuntimeError: out of memory).",)
    assert len(watch.history.log["step"]) == 4


def test_a_step_that_no_view_can_name_is_not_kept(tokenizer):
    watch = Watch(["The"], 1, model=tiny.MODELS["llama"](), tokenizer=tokenizer)
    for step in (0, 6_999_999, 7_000_000):
        watch.step(step)
    assert watch.history.steps == (0, 6_999_999)
    assert watch.history.notes == ("Steps are kept from 0 to 6,999,999; not 7,000,000.",)


def test_vocabularies_are_told_apart(tokenizer):
    llama = watched(tiny.MODELS["llama"](), tokenizer, ["The"])
    gpt2 = watched(tiny.MODELS["gpt2"](), tokenizer, ["The"])
    bert = watched(tiny.MODELS["bert_encoder"](), tiny.word_piece(), ["the"], steps=0)
    assert llama.vocabulary == gpt2.vocabulary != bert.vocabulary
    assert llama.labels([tokenizer("The")["input_ids"][0], 10**6]) == ["The", "⟨1000000⟩"]


def test_a_temporary_folder_goes_with_the_watch(tokenizer):
    history = watched(tiny.MODELS["llama"](), tokenizer, ["The"])
    folder = history.folder
    assert history.at(0).step == 0
    del history
    import gc

    gc.collect()
    assert not folder.exists()


# ── beside a plain loop ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.whole)])
def test_a_plain_loop_in_autocast_is_as_without_a_watch(compiled, tokenizer):
    ends = []
    for is_watched in (False, True):
        torch.manual_seed(0)
        model = tf.LlamaForCausalLM(tf.LlamaConfig(**tiny._GROUPED, attention_dropout=0.2)).train()
        model.model.layers[1].eval()
        run = torch.compile(model, backend="aot_eager") if compiled else model
        watch = Watch([LEARNT], 1, model=run, tokenizer=tokenizer) if is_watched else None
        optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
        ids = torch.tensor([tokenizer(LEARNT)["input_ids"]])
        for step in range(3):
            with torch.autocast("cpu", torch.bfloat16):
                loss = run(input_ids=ids, labels=ids).loss
                loss.backward()
                if watch is not None:
                    watch.step(step, loss=loss)  # before the update: gradients are there
                    assert torch.is_autocast_enabled("cpu")
                    assert torch.is_grad_enabled()
                optimizer.step()
                optimizer.zero_grad()
        state = torch.get_rng_state()
        modes = [module.training for module in model.modules()]
        ends.append(([*model.parameters()], state, modes))
        if watch is not None:
            trace = Scope(model, tokenizer).trace(LEARNT)
            watch.step(3)
            assert_kept(watch.history.at(3), 0, trace, [len(trace) - 1])
    assert all(map(torch.equal, ends[0][0], ends[1][0]))
    assert torch.equal(ends[0][1], ends[1][1])
    assert ends[0][2] == ends[1][2]


def test_a_table_has_a_row_for_each_step(tokenizer):
    model = tiny.MODELS["llama"]()
    watch = Watch([LEARNT, "The"], 2, model=model, tokenizer=tokenizer)
    for step, loss in losses(model, tokenizer, 4):
        watch.step(step, loss=loss, accuracy=torch.tensor(0.5), note="no number")
    watch.end()
    table = watch.to_pandas()
    assert table["step"].tolist() == [0, 1, 2, 3]
    assert table["accuracy"].tolist() == [0.5] * 4
    assert "note" not in table
    trace = Scope(model, tokenizer).trace(LEARNT)
    last = table.iloc[-1]
    assert last["surprisal_0"] == pytest.approx(-trace.logprobs[1:].mean() / math.log(2), rel=1e-4)
    told = trace.next_token()
    assert last["prob_0"] == pytest.approx(told.probs.max(), rel=1e-4)
    assert last["entropy_0"] == pytest.approx(told.entropy, rel=1e-3)
    assert table["likeliest_1"].notna().tolist() == [True, False, True, True]
