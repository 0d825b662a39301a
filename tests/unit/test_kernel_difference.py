"""What a view is answered about the difference of two traces."""

from __future__ import annotations

import json

import numpy as np
import pytest

import llmscope
from llmscope.analysis import matrices as matrices_module
from llmscope.kernel import Handlers
from llmscope.kernel.protocol import parse
from llmscope.kernel.requests import PAUSE, RequestError
from llmscope.scope import Scope
from llmscope.text import labels
from tests.closeness import assert_close
from tests.reference import matrix_of
from tests.tiny import MODELS, TEXT
from tests.unit.test_kernel_attention import MATRICES, never, pooled

EDIT = {"do": "ablate", "part": ["mlp", 0, None, "self"], "by": "zero"}
UNDER = f"under/{json.dumps([[EDIT], f'text/{TEXT}'])}"


def ask(answers: Handlers, key: str):
    (part,) = (part for part in answers(parse(key), never) if part is not PAUSE)
    return part


@pytest.fixture
def compared(scope):
    """Handlers that know both traces, the names of the two, and the comparison itself."""
    answers = Handlers(scope)
    names = [ask(answers, key)["trace"] for key in (UNDER, f"text/{TEXT}")]
    trace = scope.trace(TEXT, edits=[llmscope.ablate(mlp=0)])
    return answers, "-".join(names), llmscope.Comparison(trace, scope.trace(TEXT))


@pytest.mark.parametrize("pool", ["max", "mean"])
@pytest.mark.parametrize("matrix", MATRICES)
def test_tiles_are_blocks_of_the_difference(compared, monkeypatch, matrix, pool):
    monkeypatch.setattr("llmscope.kernel.tiles.TILE", 8)
    monkeypatch.setattr(matrices_module, "_CELLS", 400)
    answers, name, comparison = compared
    whole, without = (matrix_of(trace, "self", matrix) for trace in (comparison.a, comparison.b))
    whole = whole - without
    assert np.abs(whole).max() > 1e-3
    for level in (0, 1, 3):
        for row in (0, 1) if level < 3 else (0,):
            tile = ask(answers, f"{name}/self/{matrix}/{level}.{row}.0.{pool}")
            expected = pooled(whole, 2**level, pool)[8 * row : 8 * row + 8, :8]
            # Differences travel as numbers at every level; half precision rounds by 2⁻¹¹.
            apart = np.abs(tile["weights"] - expected)
            if pool == "max":  # of either sign there may be one as far, but for rounding
                apart = np.minimum(apart, np.abs(tile["weights"] + expected))
            assert apart.max() <= 2**-11 * np.abs(expected).max() + 1e-5
            assert (np.sign(tile["weights"]) == np.sign(expected)).mean() > 0.9


@pytest.mark.parametrize("matrix", MATRICES)
def test_rows_and_columns_are_exact(compared, matrix):
    answers, name, comparison = compared
    whole, without = (matrix_of(trace, "self", matrix) for trace in (comparison.a, comparison.b))
    row = ask(answers, f"{name}/self/{matrix}/row.9")["weights"]
    column = ask(answers, f"{name}/self/{matrix}/column.4")["weights"]
    assert row.dtype == column.dtype == np.float32
    assert_close(row, (whole - without)[9], size=1)
    assert_close(column, (whole - without)[:, 4], size=1)


def test_the_chain_is_that_of_both(compared):
    answers, name, comparison = compared
    found = ask(answers, f"{name}/chain")
    assert np.array_equal(found["both"][0], comparison.a.logprobs, equal_nan=True)
    assert_close(found["both"][1], comparison.b.logprobs)
    assert_close(found["logprobs"], comparison.logprobs, size=10)
    assert_close(found["perplexities"], [comparison.a.perplexity, comparison.b.perplexity])


@pytest.mark.parametrize("block", [0, 4])
def test_the_lens_is_that_of_both(compared, block):
    answers, name, comparison = compared
    found = ask(answers, f"{name}/lens/block/{block}")
    expected = comparison.lens(positions=range(8 * block, min(8 * block + 8, len(comparison.a))))
    assert_close(found["divergence"], expected.divergence, size=1)
    named = np.array(found["labels"])[found["top"]]
    tokenizer = comparison.a.scope.tokenizer
    assert named[1, :, 0].tolist() == labels(tokenizer, expected.ids_a[1].tolist())
    assert named[3, :, 1].tolist() == labels(tokenizer, expected.ids_b[3].tolist())
    assert_close(found["probs"][..., 1], expected.probs_b)
    assert found["parting"].tolist() == expected.parting.tolist()
    with pytest.raises(RequestError, match="no position 40"):
        ask(answers, f"{name}/lens/block/5")


def test_heads_are_told_by_their_distance(compared):
    answers, name, comparison = compared
    found = ask(answers, f"{name}/distances/self")["distances"]
    assert_close(found, comparison.head_distances, size=1)


@pytest.mark.parametrize(
    "asked", ["logits/3", "thumbnails/self/1", "steps/self/1/2/3",
              "effects/heads/self/direct/7/-/3", "follows"],
)  # fmt: skip
def test_other_requests_are_refused_in_words(compared, asked):
    answers, name, _ = compared
    with pytest.raises(RequestError, match="attention, chain and lens"):
        ask(answers, f"{name}/{asked}")
    with pytest.raises(RequestError, match="no answer"):
        ask(answers, f"{name.partition('-')[0]}/distances/self")


@pytest.fixture
def texts(scope):
    """The same of two texts."""
    answers, two = Handlers(scope), (TEXT, TEXT.replace(" brown", "").replace("lazy", "sleepy old"))
    names = [ask(answers, f"text/{text}")["trace"] for text in two]
    return answers, "-".join(names), llmscope.Comparison(*map(scope.trace, two))


@pytest.mark.parametrize("matrix", MATRICES)
def test_two_texts_are_compared_where_their_tokens_are_aligned(texts, monkeypatch, matrix):
    monkeypatch.setattr("llmscope.kernel.tiles.TILE", 8)
    answers, name, comparison = texts
    pairs = comparison.pairs
    assert len(pairs) < min(len(comparison.a), len(comparison.b))
    one, other = (
        matrix_of(trace, "self", matrix)[np.ix_(at, at)]
        for trace, at in zip((comparison.a, comparison.b), pairs.T, strict=True)
    )
    expected = one - other
    assert_close(ask(answers, f"{name}/self/{matrix}/row.9")["weights"], expected[9], size=1)
    assert_close(ask(answers, f"{name}/self/{matrix}/column.4")["weights"], expected[:, 4], size=1)
    tile = ask(answers, f"{name}/self/{matrix}/0.1.0.max")["weights"]
    assert np.abs(tile - expected[8:16, :8]).max() <= 2**-11 * np.abs(expected).max() + 1e-5
    with pytest.raises(RequestError, match=f"no position {len(pairs)}"):
        ask(answers, f"{name}/self/{matrix}/row.{len(pairs)}")


def test_the_chain_of_two_texts_is_that_of_their_rows(texts):
    answers, name, comparison = texts
    found = ask(answers, f"{name}/chain")
    assert found["both"].shape == (2, len(comparison.tokens))
    assert_close(found["logprobs"], comparison.logprobs, size=10)
    found = ask(answers, f"{name}/distances/self")["distances"]
    assert_close(found, comparison.head_distances, size=1)
    found = ask(answers, f"{name}/lens/block/2")
    expected = comparison.lens(positions=range(16, 24))
    assert_close(found["divergence"], expected.divergence, size=1)
    with pytest.raises(RequestError, match="no trace t9"):
        ask(answers, f"{name.partition('-')[0]}-t9/chain")


def test_a_long_text_has_reduced_tiles_with_true_numbers(tokenizer):
    model = MODELS["llama"]()
    model.config.max_position_embeddings = 2048
    scope = Scope(model, tokenizer, name="tiny")
    text = TEXT * 16
    answers = Handlers(scope)
    keys = (f"under/{json.dumps([[EDIT], f'text/{text}'])}", f"text/{text}")
    name = "-".join(ask(answers, key)["trace"] for key in keys)
    traces = [answers.traces.named(one) for one in name.split("-")]
    whole = traces[0].attention(1, 2) - traces[1].attention(1, 2)
    assert len(whole) > 512
    for pool in ("max", "mean"):
        cells = ask(answers, f"{name}/self/head.1.2/1.0.0.{pool}")["weights"]
        expected = pooled(whole, 2, pool)
        assert cells.dtype == np.float16
        assert np.abs(cells - expected).max() <= 2**-11 * np.abs(expected).max() + 1e-5
