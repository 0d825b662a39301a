"""Heads over many texts: held to plain numpy on a trace's attention, and to a model set by hand."""

from __future__ import annotations

import math
import unicodedata

import numpy as np
import pandas as pd
import pytest
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers

import llmscope
from llmscope.corpus import Survey, measure, pairs
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
