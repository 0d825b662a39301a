"""Combined heads, rollout and scores against their formulas, written out plainly."""

from __future__ import annotations

import numpy as np
import pytest

from llmscope.analysis import head_scores as head_scores_module
from llmscope.analysis import matrices as matrices_module
from llmscope.analysis.head_scores import overview
from llmscope.capture import Cancelled
from llmscope.scope import Scope
from llmscope.shared import SCORES
from tests import reference
from tests.closeness import assert_close, assert_probabilities_close, relative_tolerance
from tests.reference import assert_matrix_close, matrix_of, own_attention
from tests.tiny import MODELS, TEXT

MATRICES = ["head.1.2", "mean.0.1+1.3+1.0", "max.0.1+1.3", "difference.0.1+1.3", "rollout.1"]
MATRICES += [f"sinkless.{name}" for name in MATRICES]
REPEATING = "the dog sleeps and the dog sleeps, the the end"
# Sliding window, soft cap, sinks, relative bias, cross-attention, ALiBi, both directions, plain.
MECHANISMS = ["llama", "mistral", "gemma2", "gpt_oss", "t5", "bloom", "bert", "albert", "gptj"]


@pytest.fixture(params=[2**21, 40])
def cells(request, monkeypatch):
    """All rows at once, and one or a few at a time."""
    monkeypatch.setattr(matrices_module, "_CELLS", request.param)


def traced(name: str, tokenizer, text: str = TEXT):
    model = MODELS[name]()
    target = "it sleeps, it sleeps" if model.config.is_encoder_decoder else None
    return Scope(model, tokenizer).trace(text, target=target)


@pytest.mark.parametrize("name", MECHANISMS)
def test_every_matrix_is_made_of_the_models_own_weights(name, tokenizer, cells):
    trace = traced(name, tokenizer)
    for kind, layers in own_attention(MODELS[name](), trace.recording.inputs).items():
        for matrix in MATRICES:
            if kind == "cross" and "rollout" in matrix:
                with pytest.raises(ValueError, match="cross-attention joins two"):
                    matrix_of(trace, kind, matrix)
                continue
            expected = reference.matrix(layers, matrix)
            found = matrix_of(trace, kind, matrix)
            assert_matrix_close(found, expected, matrix)
            some = matrix_of(trace, kind, matrix, rows=[2, -1])
            assert_matrix_close(some, expected[[2, -1]], matrix)


def test_combined_heads_are_found_by_their_methods(scope):
    trace = scope.trace(TEXT)
    heads = [(0, 1), (2, 3)]
    for how in ("mean", "max", "difference"):
        expected = matrix_of(trace, "self", f"{how}.0.1+2.3")
        assert np.array_equal(trace.combined(heads, how), expected)
    some = trace.rollout(2, rows=[4])
    assert_probabilities_close(some, matrix_of(trace, "self", "rollout.2")[[4]])
    assert not trace.combined([(0, 2), (0, 2)], "difference").any()
    for name in ("sum.1.2", "head.1", "head", "mean.1.2.3", "head.1.2+1.3", "rollout.1.2"):
        with pytest.raises((KeyError, ValueError)):
            matrix_of(trace, "self", name)


def test_what_cannot_be_combined_is_refused_in_words(scope):
    trace = scope.trace(TEXT)
    with pytest.raises(ValueError, match="mean, max, difference; not by 'sum'"):
        trace.combined([(0, 1)], "sum")
    with pytest.raises(ValueError, match="two heads, not of 3"):
        trace.combined([(0, 1), (0, 2), (0, 3)], "difference")
    with pytest.raises(ValueError, match="at least one head"):
        trace.combined([])
    with pytest.raises(IndexError, match="layer 1 has 0 to 3"):
        trace.combined([(1, 4)])
    with pytest.raises(IndexError, match="layers 0 to 2"):
        trace.combined([(3, 0)])


def plain_scores(trace, weights: np.ndarray, visible: np.ndarray, kind: str) -> dict[str, float]:
    """The formulas of docs/attention.md for one head (queries, keys), cell by cell."""
    ids = [t.id for t in (trace.source_tokens if kind == "encoder" else trace.tokens)]
    queries, keys = weights.shape
    if kind == "cross":
        read, inside = range(queries), range(0)
    else:
        read = inside = range(1, queries)
    entropies = []
    for t in read:
        row = weights[t][weights[t] > 0].astype(np.float64) / weights[t].sum(dtype=np.float64)
        if visible[t] > 1:
            entropies.append(-(row * np.log2(row)).sum() / np.log2(visible[t]))
    after = {t: [s for s in range(1, t) if ids[s - 1] == ids[t]] for t in inside}
    mean = lambda numbers: np.mean(numbers) if numbers else np.nan  # noqa: E731
    return {
        "previous": mean([weights[t, t - 1] for t in inside]),
        "first": mean([weights[t, 0] for t in read]),
        "self": mean([weights[t, t] for t in inside]),
        "induction": mean([weights[t, after[t]].sum() for t in inside if after[t]]),
        "local": mean(
            [
                sum(weights[t, s] for s in range(max(0, t - 5), min(keys, t + 6)) if s != t)
                for t in inside
            ]
        ),
        "entropy": mean(entropies),
    }


@pytest.mark.parametrize("name", MECHANISMS)
def test_scores_of_heads_follow_their_formulas(name, tokenizer, cells):
    trace = traced(name, tokenizer, REPEATING)
    for kind in trace.kinds:
        queries = np.arange(trace.queries(kind))
        causal = kind == "self" and trace.scope.facts.family != "masked"
        visible = queries + 1 if causal else np.full(len(queries), trace.keys(kind))
        table = trace.head_scores(kind)
        assert list(table.columns) == ["layer", "head", *SCORES]
        assert len(table) == sum(trace.heads(layer, kind)[0] for layer in trace.layers(kind))
        own = own_attention(MODELS[name](), trace.recording.inputs)[kind]
        for row in table.to_dict("records"):
            layer, head = int(row["layer"]), int(row["head"])
            seen = visible
            if name == "mistral" or (name in ("gemma2", "gpt_oss") and layer % 2 == 0):
                seen = np.minimum(visible, 4)
            expected = plain_scores(trace, own[layer][head], seen, kind)
            for score, number in expected.items():
                assert_close(row[score], number, size=1, what=score)
            assert 0 <= row["entropy"] <= 1 + relative_tolerance(len(trace))


def test_scores_that_make_no_sense_are_not_numbers(scope, tokenizer):
    short = scope.trace([5, 6, 7]).head_scores()
    assert short["induction"].isna().all()
    assert not short.drop(columns="induction").isna().any(axis=None)
    assert scope.trace([5]).head_scores()[list(SCORES)].isna().all(axis=None)
    crossed = traced("t5", tokenizer).head_scores("cross")
    assert crossed[["previous", "self", "induction", "local"]].isna().all(axis=None)
    assert not crossed[["first", "entropy"]].isna().any(axis=None)


@pytest.mark.local
def test_pictures_hold_the_greatest_weight_of_each_block(scope, cells):
    trace = scope.trace("ab " * 16)
    pictures, _ = overview(trace.recording, 1, "self")
    count = len(trace)
    side = min(count, 32)
    assert pictures.shape == (4, side, side)
    edges = [count * i // side for i in range(side + 1)]
    whole = trace.attention(1)
    for row in range(side):
        for key in range(side):
            block = whole[:, edges[row] : edges[row + 1], edges[key] : edges[key + 1]]
            assert_probabilities_close(pictures[:, row, key], block.max(axis=(1, 2)))


@pytest.mark.local
def test_of_a_long_text_evenly_spaced_queries_are_read(scope, cells, monkeypatch):
    monkeypatch.setattr(head_scores_module, "ROWS", 9)
    trace = scope.trace("ab " * 16)
    read = np.linspace(0, len(trace) - 1, 9).round().astype(int)
    pictures, scores = overview(trace.recording, 2, "self")
    assert pictures.shape[1] == 9
    whole = trace.attention(2, rows=read.tolist())
    assert_probabilities_close(scores[:, SCORES.index("first")], whole[:, 1:, 0].mean(axis=1))
    edges = [len(trace) * i // pictures.shape[2] for i in range(pictures.shape[2])]
    assert_probabilities_close(pictures, np.maximum.reduceat(whole, edges, axis=2))


@pytest.mark.local
def test_reading_that_nobody_waits_for_ends_between_rows(scope, monkeypatch):
    monkeypatch.setattr(matrices_module, "_CELLS", 40)
    asked = []

    def soon() -> bool:
        asked.append(None)
        return len(asked) > 2

    with pytest.raises(Cancelled):
        overview(scope.trace(TEXT).recording, 0, "self", soon)
    assert len(asked) == 3


@pytest.mark.local
def test_a_read_after_the_weights_changed_raises(scope):
    import torch

    trace = scope.trace(TEXT)
    with torch.no_grad():
        scope.model.lm_head.weight[0, 0] += 1
    for read in (
        lambda: trace.combined([(0, 0)]),
        lambda: trace.rollout(0),
        lambda: trace.head_scores(),
    ):
        with pytest.raises(RuntimeError, match="Trace the text again"):
            read()


def test_no_rows_are_no_rows(scope):
    trace = scope.trace(TEXT)
    assert trace.attention(0, rows=[]).shape == (4, 0, len(trace))
    assert trace.combined([(0, 0)], rows=[]).shape == (0, len(trace))
    with pytest.raises(IndexError):
        trace.attention(0, rows=[len(trace)])
