"""Evaluating models: numbers against transformers' own, intervals, bad input, and what is kept."""

from __future__ import annotations

import json
import math
import shutil
import threading

import numpy as np
import pytest
import torch
import transformers

import llmscope
from llmscope.capture import Cancelled
from llmscope.evaluation import Run, measure, process
from llmscope.evaluation import run as run_module
from llmscope.evaluation.evaluation import Evaluation, ModelResult
from llmscope.evaluation.intervals import bootstrap, from_error
from llmscope.evaluation.one import Job, measure_named, measure_scope
from llmscope.evaluation.scoring import rolling, score
from llmscope.evaluation.size import disk_bytes, memory_bytes, parameters
from llmscope.evaluation.texts import EvaluatedText, read_texts
from llmscope.scope import Scope
from tests import tiny
from tests.checkpoints import llama, save
from tests.closeness import assert_close

LONG = "The dog sleeps, and the quick fox jumps over it. " * 6  # more than the context of 64
TEXTS = [*tiny.CORPUS, LONG]


@pytest.fixture(scope="module")
def evaluation(tokenizer):
    scopes = {name: Scope(tiny.MODELS[name](), tokenizer) for name in ("llama", "gpt2")}
    scopes["edited"] = scopes["llama"].under([llmscope.ablate(head=(0, 1))])
    scopes["bert"] = Scope(tiny.MODELS["bert"](), tiny.word_piece())
    return measure(scopes, {"en": [TEXTS[0], LONG], "zh": TEXTS[1:2]})


def loss(model: torch.nn.Module, ids: list[int]) -> tuple[float, int]:
    """Return the sum of transformers' loss over all ids but the first, and how many these are."""
    given = torch.tensor([ids])
    with torch.no_grad():
        return float(model(input_ids=given, labels=given).loss) * (len(ids) - 1), len(ids) - 1


# ── numbers against transformers ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["gpt2", "llama", "bloom", "mamba"])
def test_perplexity_is_transformers_loss(name, tokenizer):
    model = tiny.MODELS[name]()
    found = score(Scope(model, tokenizer), tiny.TEXT)
    sums, count = loss(model, tokenizer.encode(tiny.TEXT))
    assert found.predicted == count
    assert_close(found.surprisal, sums)


def test_bits_are_transformers_loss_from_the_token_that_begins_texts(tokenizer):
    model = tiny.MODELS["llama"]()
    ids = tokenizer.encode(tiny.TEXT)
    found = score(Scope(model, tokenizer), tiny.TEXT)
    assert_close(found.bits, loss(model, [tokenizer.eos_token_id, *ids])[0] / math.log(2))


def test_a_long_text_is_read_in_windows_of_lm_eval(tokenizer):
    """One token before each window, as many as fit before the last: written out once more."""
    model = tiny.MODELS["gpt2"]()
    ids = [tokenizer.eos_token_id, *tokenizer.encode(LONG)]
    assert len(ids) > 130
    total, done = 0.0, 0
    while done < len(ids) - 1:
        size = min(64, len(ids) - 1 - done)
        end = done + size
        start = 0 if not done else done if size == 64 else end - 64
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids[start:end]])).logits[0].double()
        wanted = torch.tensor(ids[done + 1 : end + 1])
        rows = logits.log_softmax(-1)[-size:]
        total -= float(rows.gather(1, wanted[:, None]).sum())
        done = end
    found = score(Scope(model, tokenizer), LONG)
    assert found.windows > 1
    assert_close(found.bits, total / math.log(2))


def test_every_token_is_predicted_once_and_no_window_is_too_long():
    for count in range(2, 40):
        for context in range(2, 12):
            windows = list(rolling(count, context))
            predicted = [n for one in windows for n in range(one.first, one.stop + 1)]
            assert predicted == list(range(1, count))
            assert all(0 < one.stop - one.start <= context for one in windows)


def test_windows_may_be_shorter_than_the_context(tokenizer):
    scope = Scope(tiny.MODELS["llama"](), tokenizer)
    assert score(scope, tiny.TEXT, window=16).windows > score(scope, tiny.TEXT).windows == 1


def test_accuracy_counts_where_the_likeliest_token_comes_next(tokenizer):
    model = tiny.MODELS["llama"]()
    ids = tokenizer.encode("the the the the dog dog dog dog")
    with torch.no_grad():
        best = model(input_ids=torch.tensor([ids])).logits[0, :-1].argmax(-1).tolist()
    found = score(Scope(model, tokenizer), "the the the the dog dog dog dog")
    assert found.correct == sum(a == b for a, b in zip(best, ids[1:], strict=True))


@pytest.mark.parametrize("text", [tiny.TEXT, tiny.CORPUS[1]])
def test_tokens_that_are_kept_are_those_of_the_trace(scope, text):
    found = score(scope, text)
    trace = scope.trace(text)
    assert found.labels == [token.label for token in trace.tokens]
    assert found.each[0] is None
    assert np.allclose(found.each[1:], -trace.logprobs[1:] / math.log(2), atol=1e-4)


@pytest.mark.parametrize("window", [None, 16])
def test_pseudo_perplexity_masks_each_token_in_turn(window):
    scope = Scope(tiny.MODELS["bert"](), tiny.word_piece())
    text = "the dogs sleep, and the fox is sleeping"
    found = score(scope, text, window)
    if window is not None:
        assert found.windows > 1
        return
    trace = scope.trace(text)
    total = 0.0
    for place in range(1, len(trace) - 1):
        probs = trace.masked(place).distribution(place).probs
        total -= math.log(probs[trace.ids[place]])
    assert found.predicted == len(trace) - 2
    assert_close(found.surprisal, total)


def test_sizes_count_shared_weights_once(tmp_path):
    model = transformers.LlamaForCausalLM(llama())
    folder = save(tmp_path / "tiny", model)
    assert parameters(model) == sum(one.numel() for one in set(model.parameters()))
    assert memory_bytes(model) >= 4 * parameters(model)
    weights = folder / "model.safetensors"
    assert disk_bytes(llmscope.load(folder).model) == weights.stat().st_size
    assert disk_bytes(model) is None


# ── the table ───────────────────────────────────────────────────────────────────────────────────


def test_a_row_for_each_model_with_bounds_around_its_numbers(evaluation):
    table = evaluation.to_pandas().set_index("model")
    assert list(table.index) == ["llama", "gpt2", "edited", "bert"]
    assert (table.state == "done").all()
    for name in ("bits_per_byte", "read_tokens_per_second", "tokens_per_character"):
        known = table[name].notna()
        assert known.any()
        assert (table[f"{name}_low"] <= table[name])[known].all()
        assert (table[name] <= table[f"{name}_high"])[known].all()


def test_numbers_of_the_table_pool_all_texts(evaluation):
    llama = evaluation.models[0]
    bits = sum(one.bits for one in llama.scores)
    size = sum(text.bytes for text in evaluation.texts)
    assert evaluation.value(llama, "bits_per_byte").value == pytest.approx(bits / size)
    nats, count = (sum(getattr(s, n) for s in llama.scores) for n in ("surprisal", "predicted"))
    assert evaluation.value(llama, "perplexity").value == pytest.approx(math.exp(nats / count))


def test_tokens_per_character_are_given_for_each_language(evaluation, tokenizer):
    (chinese,) = (text.text for text in evaluation.texts if text.language == "zh")
    wanted = len(tokenizer.encode(chinese)) / len(chinese)
    found = evaluation.value(evaluation.models[0], "tokens_per_character.zh")
    assert found.value == pytest.approx(wanted)
    assert found.low is None  # one text has no interval


def test_what_a_model_has_no_number_for_says_why(evaluation):
    bert = evaluation.models[3]
    assert evaluation.value(bert, "perplexity").value is None
    assert "pseudo-perplexity" in evaluation.value(bert, "perplexity").why
    assert evaluation.value(bert, "pseudo_perplexity").value > 1
    assert "fresh process" in evaluation.value(evaluation.models[0], "peak_memory_bytes").why


def test_a_scope_under_edits_is_evaluated_under_them(evaluation):
    first, _, edited, _ = (evaluation.value(m, "bits_per_byte").value for m in evaluation.models)
    assert first != edited


def test_texts_have_numbers_of_their_own(evaluation):
    table = evaluation.texts_to_pandas()
    assert len(table) == 4 * 3
    own = table[table.model == "gpt2"]
    assert evaluation.of_text(evaluation.models[1], 1, "perplexity") == own.perplexity.iloc[1]


def test_a_text_longer_than_the_context_is_told(evaluation):
    assert any("longer than 64 tokens" in note for note in evaluation.models[0].notes)


# ── intervals ───────────────────────────────────────────────────────────────────────────────────


def test_the_bootstrap_finds_the_error_of_a_mean():
    sample = np.random.default_rng(1).normal(5, 2, 400)
    low, high = bootstrap(sample, np.ones(400))
    error = sample.std(ddof=1) / 20
    assert low == pytest.approx(sample.mean() - 1.96 * error, abs=0.05)
    assert high == pytest.approx(sample.mean() + 1.96 * error, abs=0.05)


def test_the_bootstrap_is_the_same_each_time_and_needs_two_texts():
    assert bootstrap([1, 2, 4], [1, 1, 2]) == bootstrap([1, 2, 4], [1, 1, 2])
    assert bootstrap([1], [1]) is None
    assert from_error(0.5, 0.1) == pytest.approx((0.304, 0.696), abs=1e-3)


# ── bad input ───────────────────────────────────────────────────────────────────────────────────


def test_no_models_and_no_texts_are_sentences(scope, tmp_path):
    with pytest.raises(ValueError, match="no model to evaluate"):
        Run([], TEXTS)
    with pytest.raises(ValueError, match="no texts"):
        Run(scope, [])
    with pytest.raises(ValueError, match="Text 1 is empty"):
        Run(scope, ["a", " "])
    with pytest.raises(TypeError, match="Text 0 is int"):
        Run(scope, [3])
    with pytest.raises(FileNotFoundError, match="There is no file"):
        Run(scope, str(tmp_path / "texts.txt"))
    with pytest.raises(TypeError, match="A model is"):
        Run([3], TEXTS)
    with pytest.raises(ValueError, match="window"):
        Run(scope, TEXTS, window=1)


def test_texts_are_read_from_files_and_languages(tmp_path):
    lines = tmp_path / "texts.txt"
    lines.write_text("one\n\ntwo\n")
    assert [one.text for one in read_texts(lines)] == ["one", "two"]
    table = tmp_path / "texts.jsonl"
    table.write_text('{"text": "eins", "language": "de"}\n"two"\n')
    assert read_texts(table) == [EvaluatedText("eins", "de"), EvaluatedText("two")]
    table.write_text("{\n")
    with pytest.raises(ValueError, match="Line 1"):
        read_texts(table)
    assert read_texts({"fr": ["un"]}) == [EvaluatedText("un", "fr")]


def test_models_of_the_same_name_have_rows_of_their_own(scope):
    names = [model.name for model in Run([scope, scope, "a/tiny", None], ["a"]).evaluation.models]
    assert names == ["tiny", "tiny (2)", "tiny (3)", "SmolLM2-135M-Instruct"]


# ── a run ───────────────────────────────────────────────────────────────────────────────────────


def test_stopping_keeps_what_was_measured(scope):
    found: list[dict] = []
    stop = threading.Event()

    def emit(event):
        found.append(event)
        if "text" in event:
            stop.set()

    with pytest.raises(Cancelled):
        measure_scope(scope, Job(tuple(TEXTS)), emit, stop.is_set)
    assert [one["text"] for one in found if "text" in one] == [0]

    run = Run([scope, scope], TEXTS)
    run.stop()
    run.wait(bar=False)
    assert [model.state for model in run.evaluation.models] == ["stopped", "stopped"]
    assert "Stopped" in run.evaluation.value(run.evaluation.models[0], "perplexity").why


def test_a_stopped_model_has_numbers_of_the_texts_that_it_read():
    model = ModelResult("a", "stopped", scores=[None, None])
    evaluation = Evaluation([EvaluatedText("ab"), EvaluatedText("c")], [model])
    assert evaluation.value(model, "tokens_per_character").value is None
    from llmscope.evaluation.scoring import TextScore

    model.scores[0] = TextScore(1, bits=4.0)
    assert evaluation.value(model, "bits_per_byte").value == 2.0


def test_a_model_is_measured_in_a_fresh_process(tmp_path, tokenizer):
    model = tiny.MODELS["llama"]()
    model.save_pretrained(tmp_path / "tiny")
    tokenizer.save_pretrained(tmp_path / "tiny")
    run = Run(tmp_path / "tiny", TEXTS[:2])
    progress = []
    run.start()
    while not run.is_over:
        run.wait_for(run.version, 1)
        progress.append(run.done)
    (found,) = run.wait(bar=False).models
    assert found.state == "done", found.error
    assert found.measured["peak_memory_bytes"].value > 0
    assert found.measured["load_seconds"].value > 0
    here = measure(Scope(model, tokenizer), TEXTS[:2])
    assert_close(
        run.evaluation.value(found, "bits_per_byte").value,
        here.value(here.models[0], "bits_per_byte").value,
    )
    assert progress == sorted(progress)
    assert run.done == 1


def test_a_model_that_fails_is_a_row(monkeypatch, tmp_path, scope):
    monkeypatch.setattr(run_module, "measure_in_process", measure_named)
    bad, good = measure([tmp_path / "gone", scope], TEXTS[:1]).models
    assert (bad.state, good.state) == ("failed", "done")
    assert "no file or folder" in bad.error


def test_a_process_that_ends_by_itself_is_an_error_in_words(monkeypatch):
    found: list[dict] = []
    monkeypatch.setattr(process.sys, "executable", shutil.which("false"))
    process.measure_in_process("a", Job(("a",)), found.append, lambda: False)
    assert "ended (1)" in found[-1]["error"]


def test_a_process_that_the_system_ends_is_told_so(monkeypatch, tmp_path):
    script = tmp_path / "killed"
    script.write_text('#!/bin/sh\nread line\nprintf \'{"stage": "load", "do\'\nkill -9 $$\n')
    script.chmod(0o755)
    found: list[dict] = []
    monkeypatch.setattr(process.sys, "executable", str(script))
    process.measure_in_process("a", Job(("a",)), found.append, lambda: False)
    assert "memory" in found[-1]["error"]


def test_a_process_is_ended_when_nobody_waits_any_more(monkeypatch, tmp_path):
    script = tmp_path / "slow"
    script.write_text("#!/bin/sh\nexec sleep 60\n")
    script.chmod(0o755)
    monkeypatch.setattr(process.sys, "executable", str(script))
    with pytest.raises(Cancelled):
        process.measure_in_process("a", Job(("a",)), lambda event: None, lambda: True)


def test_a_model_that_is_here_stays_as_it_was(scope):
    scope.model.train()
    limit, state = scope.cache_limit, torch.random.get_rng_state()
    before = json.dumps({name: str(one.sum()) for name, one in scope.model.state_dict().items()})
    measure(scope, [tiny.TEXT])
    after = json.dumps({name: str(one.sum()) for name, one in scope.model.state_dict().items()})
    assert before == after
    assert all(module.training for module in scope.model.modules())
    assert scope.cache_limit == limit
    assert torch.equal(torch.random.get_rng_state(), state)
