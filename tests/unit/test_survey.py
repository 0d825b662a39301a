"""Heads over many texts: held to plain numpy on a trace's attention, and to a model set by hand."""

from __future__ import annotations

import _thread
import gc
import math
import os
import threading
import time
import unicodedata
import weakref
from itertools import islice

import numpy as np
import pandas as pd
import pytest
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers

import llmscope
from llmscope.capture import Cancelled
from llmscope.corpus import CHINESE, ENGLISH, SENTENCES, Survey, measure, pairs
from llmscope.scope import Scope
from tests import handmade, tiny
from tests.closeness import TINY, assert_close, assert_probabilities_close

TEXTS = [
    "The dog, the dog, the dog sleeps.",
    "A quick brown fox jumps!",
    "def f(x): return x",
    "日本語 你好，世界。",
]
# Attention that is plain, windowed, capped, with sinks, unmasked, an encoder's, of own code.
MODELS = ["gpt2", "mistral", "gemma2", "gpt_oss", "bert", "t5", "bloom"]


def run(scope: Scope, texts=TEXTS, **options) -> Survey:
    return Survey(scope, texts, **options).run(progress=False)


@pytest.fixture
def make(tokenizer):
    return lambda name: Scope(tiny.MODELS[name](), tokenizer, name=name)


# ── the numbers ──────────────────────────────────────────────────────────────────────────────────


def by_numpy(scope: Scope, text: str) -> dict[tuple[int, int], dict[str, float]]:
    """Scores of each head by their formulas, one weight after another."""
    trace = scope.trace(text)
    kind = "encoder" if trace.source_tokens else "self"
    tokens = trace.source_tokens or trace.tokens
    causal = scope.facts.family == "causal"
    ids = [token.id for token in tokens]
    marks = [
        bool(one.text.strip())
        and not one.special
        and all(unicodedata.category(char)[0] == "P" for char in one.text.strip())
        for one in tokens
    ]
    count = len(tokens)
    found = {}
    for layer in trace.layers(kind):
        visible = trace.recording.layer(layer, kind).count_visible(np.arange(count))
        for head, weights in enumerate(trace.attention(layer, kind=kind).astype(float)):
            seen = np.broadcast_to(visible.numpy(), (trace.heads(layer, kind)[0], count))[head]
            score: dict[str, list[float]] = {name: [] for name in measure.SCORES}
            far, total = [], []
            for t in range(1, count):
                row = weights[t]
                score["previous"].append(row[t - 1])
                score["first"].append(row[0])
                score["self"].append(row[t])
                score["local"].append(sum(row[s] for s in range(count) if 1 <= abs(t - s) <= 5))
                after = [s for s in range(1, t) if ids[s - 1] == ids[t]]
                score["induction"] += [sum(row[after])] if after else []
                there = [s for s in range(count) if marks[s] and (s <= t or not causal)]
                score["punctuation"] += [sum(row[there])] if there else []
                score["activity"].append(max(row[1:]))
                if seen[t] > 1:
                    share = row[row > 0] / row.sum()
                    bits = -(share * np.log2(share)).sum()
                    score["entropy_bits"].append(bits)
                    score["entropy"].append(bits / math.log2(seen[t]))
                far += [abs(t - s) for s in range(count)]
                total += [*row]
            mean = np.average(far, weights=total)
            score["distance"] = [mean]
            spread = np.average((np.array(far) - mean) ** 2, weights=total)
            score["distance_spread"] = [spread**0.5]
            found[layer, head] = {
                name: np.mean(values) if values else np.nan for name, values in score.items()
            }
    return found


@pytest.mark.parametrize("name", MODELS)
def test_scores_equal_plain_numpy(make, name):
    scope = make(name)
    survey = run(scope)
    each = [by_numpy(scope, text) for text in TEXTS]
    for score in measure.SCORES:
        wanted = np.array([[one[head][score] for head in survey.heads] for one in each])
        size = np.nanmax(np.abs(wanted)) ** 2 if score == "distance_spread" else None
        assert_close(survey.of_texts(score), wanted, size=size, what=score)
        for statistic, of in [
            ("mean", np.nanmean),
            ("std", lambda a, axis: np.nanstd(a, axis, ddof=1)),
        ]:
            known = (~np.isnan(wanted)).sum(0)
            if (known > 1).all():
                found = survey.scores[score, statistic]
                assert_close(found, of(wanted, axis=0), size=size or np.nanmax(wanted), what=score)
                if statistic == "std":
                    sem = survey.scores[score, "sem"] * np.sqrt(known)
                    assert_close(sem, found, size=np.nanmax(wanted))


@pytest.mark.parametrize("name", ["gpt2", "bert", "mistral"])
def test_scores_of_the_overview_are_the_same(make, name):
    scope = make(name)
    survey = run(scope)
    means = sum(scope.trace(text).head_scores().set_index(["layer", "head"]) for text in TEXTS[1:2])
    for score in means:
        found = survey.of_texts(score).loc[1]
        assert_close(found, means[score], size=1.0, what=score)


def test_a_model_set_by_hand_scores_exactly_one():
    count = 20
    words = {"<s>": 0} | {f"w{n}": n for n in range(1, count)}
    plain = Tokenizer(models.WordLevel(words, unk_token="<s>"))
    plain.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=plain, bos_token="<s>")
    scope = Scope(handmade.induction(count, 2 * count), tokenizer, name="by hand")
    random = np.random.default_rng(0)
    strings = [random.permutation(np.arange(1, count))[:12] for _ in range(5)]
    texts = [" ".join(["<s>", *(f"w{n}" for n in [*one, *one])]) for one in strings]
    survey = run(scope, texts)
    assert survey.scores.loc[(0, 0), ("previous", "mean")] == 1.0
    assert survey.scores.loc[(1, 0), ("induction", "mean")] == 1.0
    assert survey.scores.loc[(1, 0), ("induction", "std")] == 0.0
    assert survey.headvis.loc[(0, 0), "previous"] == 1.0
    assert survey.headvis.loc[(1, 0), "induction"] == 1.0
    assert survey.headvis.loc[(1, 0), "induction_unthresholded"] == 1.0
    assert survey.scores.loc[(0, 1), ("induction", "mean")] < 0.1, "the other heads look at all"


@pytest.mark.parametrize("name", ["gpt2", "bert"])
def test_headvis_equals_plain_numpy(make, name):
    scope = make(name)
    found = run(scope).headvis
    sums = dict.fromkeys(found.columns, 0.0)
    counts = {"all": 0, "before": 0, "repeats": 0}
    for text in TEXTS:
        trace = scope.trace(text)
        weights = np.concatenate([trace.attention(layer) for layer in range(3)]).astype(float)
        t = np.arange(len(trace))
        far = np.abs(t[:, None] - t)
        sums["previous"] += weights[:, t[1:], t[:-1]].sum(1)
        sums["self"] += weights[:, t, t].sum(1)
        sums["distance"] += (weights * far).sum((1, 2))
        sums["distance_variance"] += (weights * far**2).sum((1, 2))
        sums["entropy"] -= (weights * np.log(np.where(weights > 0, weights, 1))).sum((1, 2))
        for q in t:
            after = [p + 1 for p in range(q) if trace.ids[p] == trace.ids[q]]
            seen = weights[:, q, after]
            sums["induction_unthresholded"] += seen.sum(1)
            sums["induction"] += np.where(seen >= 0.01, seen, 0).sum(1)
            counts["repeats"] += bool(after)
        counts["all"] += len(t)
        counts["before"] += len(t) - 1
    for metric in ("previous",):
        assert_close(found[metric], sums[metric] / counts["before"], size=1.0)
    for metric in ("induction", "induction_unthresholded"):
        assert_close(found[metric], sums[metric] / counts["repeats"], size=1.0)
    for metric in ("self", "distance", "entropy"):
        assert_close(found[metric], sums[metric] / counts["all"], size=10.0)
    mean = sums["distance"] / counts["all"]
    variance = sums["distance_variance"] / counts["all"] - mean**2
    assert_close(found["distance_variance"], variance, size=100.0)


def test_distances_and_pairs_equal_plain_numpy(scope):
    survey = run(scope)
    shares = np.zeros(len(measure.BINS))
    weight: dict[tuple[str, str], float] = {}
    for text in TEXTS:
        trace = scope.trace(text)
        weights = trace.attention(1, 2).astype(float)
        for t in range(1, len(trace)):
            for s in range(t + 1):
                shares[np.searchsorted(measure.BINS, t - s, side="right") - 1] += weights[t, s]
                if 0 < s < t and weights[t, s] >= measure.EDGE:
                    pair = (trace.tokens[t].id, trace.tokens[s].id)
                    weight[pair] = weight.get(pair, 0) + weights[t, s]
    found = survey.distances(1, 2)
    assert_close(found["share"], (shares / shares.sum())[: len(found)], size=1.0)
    assert shares[len(found) :].sum() == 0
    assert (found["to"] >= found["from"]).all() and list(found["from"][:3]) == [0, 1, 2]
    table = survey.pairs(1, 2, most=1000)
    assert_probabilities_close(table["weight"], sorted(weight.values(), reverse=True))
    assert table.attrs["missed"] == 0


def test_a_long_text_in_parts_has_the_same_numbers(make, monkeypatch):
    scope = make("gpt2")
    whole = run(scope)
    monkeypatch.setattr(measure, "_PLACES", 60)
    monkeypatch.setattr(measure, "_CELLS", 500)
    parts = run(scope)
    for score in measure.SCORES:
        assert_close(
            parts.of_texts(score), whole.of_texts(score), size=1e3 if "spread" in score else 10.0
        )
    assert_close(parts.headvis, whole.headvis, size=1000.0, terms=TINY)
    assert_close(parts.totals.distances, whole.totals.distances, size=100.0)
    pd.testing.assert_frame_equal(parts.pairs(1, 1), whole.pairs(1, 1), rtol=1e-4)


def test_pairs_that_fall_out_are_bounded(monkeypatch):
    monkeypatch.setattr(pairs, "KEPT", 3)
    monkeypatch.setattr(pairs, "_WAITING", 1)
    random = np.random.default_rng(0)
    found, true = pairs.Pairs(2), np.zeros((2, 6, 6))
    for _ in range(50):
        ids = random.integers(0, 6, 4).tolist()
        head, query, key = random.integers(0, [[2], [4], [4]], (3, 5)).astype(np.int32)
        weight = random.random(5).astype(np.float32)
        found.add(ids, measure.Edges(head, query, key, weight))
        np.add.at(true, (head, np.array(ids)[query], np.array(ids)[key]), weight)
    heads, queries, keys, _, weights = found.heaviest(3)
    off = true[heads, queries, keys] - weights
    assert (found.missed > 0).all()
    assert (off > -1e-9).all() and (off <= found.missed[heads] + 1e-9).all()
    assert np.bincount(heads).max() <= 3


def test_texts_are_ranked_by_how_strongly_a_head_acts(scope):
    texts = [
        *TEXTS,
        *(f"{word} dog sleeps" for word in ("The", "Quick", "Lazy", "An", "Over", "And")),
    ]
    survey = run(scope, texts)
    found = survey.strongest(2, 3)
    activity = survey.of_texts()[2, 3]
    assert list(found.index) == list(activity.sort_values(ascending=False, kind="stable").index)
    assert list(found["decile"]) == [*range(1, 11)]
    assert found["text"].iloc[0] == texts[found.index[0]]
    assert list(survey.strongest(2, 3, "previous")["previous"].diff().dropna() <= 0) == [True] * 9
    with pytest.raises(ValueError, match="score is one of previous"):
        survey.strongest(2, 3, "loudness")
    with pytest.raises(IndexError, match="There is no head 9·0 in tiny"):
        survey.strongest(9, 0)


def test_a_text_of_one_token_has_no_scores(scope):
    survey = run(scope, ["a", *TEXTS])
    assert survey.of_texts("previous").loc[0].isna().all()
    assert survey.scores["previous", "mean"].notna().all()


def test_edits_of_the_scope_count(scope):
    edited = run(scope.under([llmscope.ablate(head=(0, 1))]))
    plain = run(scope)
    assert_close(
        edited.of_texts().xs(0, level="layer", axis=1),
        plain.of_texts().xs(0, level="layer", axis=1),
    )
    assert not np.allclose(edited.of_texts(), plain.of_texts(), atol=1e-3)


# ── the texts ────────────────────────────────────────────────────────────────────────────────────


def test_two_hundred_sentences_ship():
    assert len(ENGLISH) == len(CHINESE) == 100
    assert len(set(SENTENCES)) == 200
    assert all(any("一" <= char <= "龥" for char in text) for text in CHINESE)
    assert all(max(text) < "一" for text in ENGLISH)


def test_texts_come_from_lists_files_and_columns(scope, tmp_path):
    file = tmp_path / "texts.txt"
    file.write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    column = pd.DataFrame({"text": TEXTS}, index=[7, 8, 9, 10])["text"]

    class Column:  # as that of `datasets`: no list, but of strings
        def __iter__(self):
            return iter(TEXTS)

    for given in (TEXTS, tuple(TEXTS), file, str(file), column, Column(), iter(TEXTS)):
        assert Survey(scope, given).texts == TEXTS


@pytest.mark.parametrize(
    ("texts", "error", "said"),
    [
        ([], ValueError, "There is no text to survey: the list is empty. Give a list of texts"),
        (["", " \n"], ValueError, "all of them are empty"),
        ([None, 3], ValueError, "all of them are empty, or no texts"),
        ("A sentence.", ValueError, r"There is no file 'A sentence.'.*Of one text: \[text\]"),
        (pd.DataFrame({"text": ["a"]}), TypeError, "reads one column, not a whole DataFrame"),
        ({"text": ["a"]}, TypeError, "one column, not a whole dict"),
        (3, TypeError, "A survey reads texts, not int"),
    ],
)
def test_what_is_no_texts_is_refused(scope, texts, error, said):
    with pytest.raises(error, match=said):
        Survey(scope, texts)


def test_a_file_that_is_no_text_is_refused(scope, tmp_path):
    file = tmp_path / "picture.png"
    file.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(ValueError, match="is no text file in UTF-8"):
        Survey(scope, file)


def test_texts_that_cannot_be_read_are_skipped_and_listed(scope):
    texts = ["", TEXTS[0], None, "dog " * 60, float("nan"), TEXTS[1]]
    survey = run(scope, texts)
    assert survey.read == 2 and survey.is_whole
    why = {one.index: one.why for one in survey.skipped}
    assert sorted(why) == [0, 2, 3, 4]
    assert why[0] == "It is empty." and why[2] == "It is no text but NoneType."
    assert "more than the 64 that tiny can read" in why[3]
    assert list(survey.of_texts().index) == [1, 5]


def test_where_none_can_be_read_it_says_the_first_reason(scope):
    with pytest.raises(
        ValueError, match=r"None of the 1 texts could be read; the first: .* more than the 64"
    ):
        run(scope, ["dog " * 60])


def test_a_model_without_attention_says_so(make):
    with pytest.raises(RuntimeError, match=r"mamba .*attention"):
        run(make("mamba"))


# ── ending and going on ──────────────────────────────────────────────────────────────────────────


def test_what_was_done_is_kept_when_it_is_cancelled(scope):
    survey = Survey(scope, TEXTS)
    asked = iter([False] * 10)
    with pytest.raises(Cancelled):
        for _ in survey.steps(lambda: next(asked, True)):
            pass
    assert 0 < survey.read < 4 and survey.progress.seconds_left > 0
    some = survey.scores
    assert some.notna().any(axis=None)
    survey.run(progress=False)
    assert_close(survey.of_texts(), run(scope).of_texts())
    assert survey.progress == (4, 4, 0.0)


def test_an_interrupt_ends_it_with_what_is_there(scope, monkeypatch):
    survey = Survey(scope, TEXTS)
    step = Survey._step

    def interrupted(self, index, cancelled):
        if index == 2:
            _thread.interrupt_main()
            while not cancelled():
                time.sleep(0.01)
        step(self, index, cancelled)

    monkeypatch.setattr(Survey, "_step", interrupted)
    assert survey.run(progress=False) is survey and survey.read == 2
    monkeypatch.setattr(Survey, "_step", step)
    assert survey.run(progress=False).read == 4
    assert_close(survey.of_texts(), run(scope).of_texts())


def test_an_interrupt_before_the_first_text_is_one(scope, monkeypatch):
    def interrupted(self, index, cancelled):
        _thread.interrupt_main()
        while not cancelled():
            time.sleep(0.01)
        raise Cancelled

    monkeypatch.setattr(Survey, "_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Survey(scope, TEXTS).run(progress=False)


def test_it_is_read_while_it_grows(scope):
    survey = Survey(scope, [f"The {n} dog and the dog" for n in range(12)])
    run = threading.Thread(target=survey.run, kwargs={"progress": False})
    run.start()
    seen = []
    while run.is_alive():
        if survey.read:
            seen.append(len(survey.pairs(1, 1, most=1000)))
            assert survey.scores["previous", "mean"].between(0, 1).all()
    run.join()
    assert seen == sorted(seen)
    once = Survey(scope, survey.texts).run(progress=False)
    pd.testing.assert_frame_equal(survey.pairs(1, 1), once.pairs(1, 1))


def test_what_is_read_first_runs_it(scope, capsys):
    assert len(Survey(scope, TEXTS).scores) == 12
    assert "0/4" in capsys.readouterr().err, "with progress"


def test_a_folder_goes_on_where_it_was_ended(scope, tmp_path, monkeypatch):
    whole = run(scope)
    first = Survey(scope, TEXTS, folder=tmp_path / "run")
    for _ in islice(first.steps(), 2):
        pass
    (tmp_path / "run" / "000002.new").write_bytes(b"half")  # as a killed run leaves it
    passes = []
    once = Survey._measure
    monkeypatch.setattr(
        Survey, "_measure", lambda self, *given: (passes.append(given), once(self, *given))[1]
    )
    second = run(scope, folder=tmp_path / "run")
    assert len(passes) == 2
    pd.testing.assert_frame_equal(second.scores, whole.scores)
    pd.testing.assert_frame_equal(second.pairs(1, 1), whole.pairs(1, 1))
    third = run(scope, folder=tmp_path / "run")
    assert len(passes) == 2 and third.heads == whole.heads
    pd.testing.assert_frame_equal(third.headvis, whole.headvis)


def test_a_broken_file_is_written_anew(scope, tmp_path):
    run(scope, folder=tmp_path / "run")
    file = tmp_path / "run" / "000001.npz"
    file.write_bytes(file.read_bytes()[:1000])
    again = run(scope, folder=tmp_path / "run")
    assert again.read == 4 and os.path.getsize(file) > 1000


def test_a_folder_of_something_else_is_refused(scope, make, tmp_path):
    run(scope, folder=tmp_path / "run")
    with pytest.raises(
        ValueError, match=r"another model, tiny, .* than this gpt2. Name another folder"
    ):
        Survey(make("gpt2"), TEXTS, folder=tmp_path / "run")
    with pytest.raises(ValueError, match="holds the survey of 4 other texts"):
        Survey(scope, TEXTS[:3], folder=tmp_path / "run")
    with pytest.raises(ValueError, match="under other edits"):
        Survey(scope.under([llmscope.ablate(head=(0, 1))]), TEXTS, folder=tmp_path / "run")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("chapter one")
    with pytest.raises(ValueError, match="holds something that is no survey"):
        Survey(scope, TEXTS, folder=tmp_path / "mine")


def test_a_changed_model_ends_it(scope):
    survey = Survey(scope, TEXTS)
    for _ in islice(survey.steps(), 2):
        pass
    next(scope.model.parameters()).data.mul_(1)
    with scope.runner.lock:
        import torch

        with torch.no_grad():
            next(scope.model.parameters()).mul_(1.5)
    with pytest.raises(RuntimeError, match="tiny was changed since this survey was begun"):
        survey.run(progress=False)
    assert survey.read == 2


def test_nothing_of_a_text_is_kept_but_its_scores(scope, monkeypatch):
    recordings = []
    once = measure.measure

    def watched(recording, *given):
        recordings.append(weakref.ref(recording))
        return once(recording, *given)

    monkeypatch.setattr("llmscope.corpus.survey.measure", watched)
    before = scope.cache_bytes
    survey = run(scope)
    gc.collect()
    assert len(recordings) == 4 and not any(one() for one in recordings)
    assert scope.cache_bytes == before, "nor in the cache of texts that begin alike"
    assert survey.read == 4
