"""What a view is answered about attention."""

from __future__ import annotations

import numpy as np
import pytest

from llmscope.analysis import matrices as matrices_module
from llmscope.analysis.head_scores import overview
from llmscope.capture import Cancelled
from llmscope.kernel import Handlers, TextInput
from llmscope.kernel import attention as attention_module
from llmscope.kernel.attention import AttentionHandlers
from llmscope.kernel.protocol import parse
from llmscope.kernel.requests import PAUSE, RequestError
from llmscope.kernel.tiles import shades
from llmscope.scope import Scope
from llmscope.shared import SCORES
from tests.closeness import assert_close, assert_probabilities_close
from tests.reference import matrix_of
from tests.tiny import MODELS, TEXT

PLAIN = ["head.1.2", "mean.0.1+2.3+2.0", "max.0.1+2.3", "difference.0.1+2.3", "rollout.2"]
MATRICES = [*PLAIN, *(f"sinkless.{name}" for name in PLAIN)]


def never() -> bool:
    return False


def ask(answers: Handlers, key: str):
    (part,) = (part for part in answers(parse(key), never) if part is not PAUSE)
    return part


@pytest.fixture
def small(monkeypatch):
    """Tiles of 8 cells a side, and rows in chunks of a few."""
    monkeypatch.setattr("llmscope.kernel.tiles.TILE", 8)
    monkeypatch.setattr(matrices_module, "_CELLS", 400)


def pooled(whole: np.ndarray, block: int, pool: str) -> np.ndarray:
    """Each block of a matrix by one number, written out plainly."""
    rows, keys = (-(-side // block) for side in whole.shape)
    found = np.zeros((rows, keys), dtype=np.float32)
    for i in range(rows):
        for j in range(keys):
            part = whole[i * block : (i + 1) * block, j * block : (j + 1) * block]
            farthest = part.flat[np.abs(part).argmax()]
            found[i, j] = part.mean() if pool == "mean" else farthest
    return found


@pytest.mark.parametrize("pool", ["max", "mean"])
@pytest.mark.parametrize("matrix", MATRICES)
def test_tiles_are_blocks_of_the_matrix(scope, small, matrix, pool):
    answers, trace = Handlers(scope), scope.trace(TEXT)
    name = ask(answers, f"text/{TEXT}")["trace"]
    whole = matrix_of(trace, "self", matrix)
    for level in (0, 1, 2):
        expected = pooled(whole, 2**level, pool)
        for row in range(-(-len(expected) // 8)):
            for column in range(-(-len(expected) // 8)):
                part = ask(answers, f"{name}/self/{matrix}/{level}.{row}.{column}.{pool}")
                cut = expected[row * 8 : row * 8 + 8, column * 8 : column * 8 + 8]
                if level == 0 or "difference" in matrix:
                    assert part["weights"].dtype == np.float16
                    np.testing.assert_allclose(part["weights"], cut, atol=5e-4)
                else:
                    assert part["shades"].dtype == np.uint8
                    given = part["shades"].astype(int) - shades(cut)
                    assert np.abs(given).max() <= 1
    with pytest.raises(RequestError, match=r"no tile 0\.7\.7"):
        ask(answers, f"{name}/self/{matrix}/0.7.7.max")


@pytest.mark.parametrize("matrix", MATRICES)
def test_rows_and_columns_are_exact(scope, small, matrix):
    answers, trace = Handlers(scope), scope.trace(TEXT)
    name = ask(answers, f"text/{TEXT}")["trace"]
    whole = matrix_of(trace, "self", matrix)
    row = ask(answers, f"{name}/self/{matrix}/row.5")["weights"]
    column = ask(answers, f"{name}/self/{matrix}/column.5")["weights"]
    assert (row.dtype, column.dtype) == (np.float32, np.float32)
    assert_probabilities_close(row, whole[5])
    assert_probabilities_close(column, whole[:, 5])


@pytest.mark.parametrize("matrix", ["head.1.2", "mean.0.1+2.3", "rollout.2"])
def test_what_a_matrix_lacks_is_refused_before_it_is_computed(scope, monkeypatch, matrix):
    answers, length = Handlers(scope), len(scope.trace(TEXT))
    name = ask(answers, f"text/{TEXT}")["trace"]
    monkeypatch.setattr(attention_module, "rollout_onward", None)
    monkeypatch.setattr(matrices_module.MatrixStack, "bands", None)
    for line in ("row", "column"):
        for index in (length, 999_999_999):
            with pytest.raises(RequestError, match=f"no position {index}: there are {length}"):
                ask(answers, f"{name}/self/{matrix}/{line}.{index}")
    for tile in ("0.1.0", "0.0.1", "1.0.0", "40.0.0", "999999999.0.0"):
        with pytest.raises(RequestError, match=f"no tile {tile}"):
            ask(answers, f"{name}/self/{matrix}/{tile}.max")


def test_weights_of_longer_texts_travel_at_half_precision(scope, monkeypatch):
    monkeypatch.setattr("llmscope.kernel.tiles.TILE", 8)
    answers, trace = Handlers(scope), scope.trace(TEXT)
    name = ask(answers, f"text/{TEXT}")["trace"]
    weights = ask(answers, f"{name}/self/head.1.2/0.0.0.max")["weights"]
    assert np.array_equal(weights, trace.attention(1, 2)[:8, :8].astype(np.float16))


def test_all_three_kinds_are_answered(tokenizer):
    answers = Handlers(Scope(MODELS["t5"](), tokenizer))
    summary = ask(answers, f"text/{TEXT}")
    trace = answers.traces.trace(TextInput(TEXT))
    assert summary["kinds"] == {kind: [[n, 4, 4] for n in range(3)] for kind in trace.kinds}
    for kind in ("self", "encoder", "cross"):
        weights = ask(answers, f"{summary['trace']}/{kind}/head.1.2/0.0.0.max")["weights"]
        assert weights.shape == (trace.queries(kind), trace.keys(kind))
        assert_probabilities_close(weights, trace.attention(1, 2, kind=kind))
        part = ask(answers, f"{summary['trace']}/thumbnails/{kind}/1")
        assert part["scores"].shape == (4, len(SCORES))


@pytest.mark.local
def test_thumbnails_are_shades_with_the_scores_of_each_head(scope):
    answers, trace = Handlers(scope), scope.trace(TEXT)
    name = ask(answers, f"text/{TEXT}")["trace"]
    part = ask(answers, f"{name}/thumbnails/self/1")
    table = trace.head_scores()
    assert part["shades"].dtype == np.uint8
    assert np.array_equal(part["shades"], shades(overview(trace.recording, 1, "self")[0]))
    assert np.array_equal(part["scores"], table[table.layer == 1][list(SCORES)].to_numpy())


def test_a_head_that_was_seen_is_there_already(scope, monkeypatch):
    answers = Handlers(scope)
    name = ask(answers, f"text/{TEXT}")["trace"]
    first = ask(answers, f"{name}/self/head.1.2/0.0.0.max")["weights"]
    monkeypatch.setattr(attention_module, "tile", None)
    assert np.array_equal(ask(answers, f"{name}/self/head.1.2/0.0.0.mean")["weights"], first)


@pytest.mark.local
def test_what_is_kept_stays_below_a_number_of_bytes(scope, monkeypatch):
    trace = scope.trace(TEXT)
    one = trace.attention(0, 0).nbytes
    answers = AttentionHandlers(limit=2 * one)
    for layer in (0, 1, 2, 1):
        answers.matrix((trace,), parse(f"t1/self/head.{layer}.0/0.0.0.max"), never)
        assert 0 < answers.cached_bytes <= 2 * one
    monkeypatch.setattr(attention_module, "tile", None)
    for layer in (2, 1):  # those that were requested last
        answers.matrix((trace,), parse(f"t1/self/head.{layer}.0/0.0.0.max"), never)
    with pytest.raises(TypeError):
        answers.matrix((trace,), parse("t1/self/head.0.0/0.0.0.max"), never)
    monkeypatch.undo()
    tiny = AttentionHandlers(limit=one - 1)
    part = tiny.matrix((trace,), parse("t1/self/head.1.2/0.0.0.max"), never)
    assert_close(part["weights"], trace.attention(1, 2))
    assert tiny.cached_bytes == 0


def test_a_rollout_of_a_long_text_is_refused_in_words(scope, monkeypatch):
    monkeypatch.setattr(attention_module, "ROLLOUT", 8)
    answers = Handlers(scope)
    name = ask(answers, f"text/{TEXT}")["trace"]
    with pytest.raises(ValueError, match=r"up to 8 tokens.*trace\.rollout"):
        ask(answers, f"{name}/self/rollout.1/0.0.0.max")


@pytest.mark.parametrize("which", ["0.0.0.max", "column.3"])
@pytest.mark.parametrize("matrix", ["head.1.2", "max.0.1+2.3", "rollout.1"])
def test_a_matrix_that_nobody_waits_for_is_left(scope, small, matrix, which):
    answers = Handlers(scope)
    name = ask(answers, f"text/{TEXT}")["trace"]
    with pytest.raises(Cancelled):
        list(answers(parse(f"{name}/self/{matrix}/{which}"), lambda: True))


def test_what_is_not_there_is_named(scope):
    answers = Handlers(scope)
    name = ask(answers, f"text/{TEXT}")["trace"]
    with pytest.raises(IndexError, match="no head 9"):
        ask(answers, f"{name}/self/head.0.9/0.0.0.max")
    with pytest.raises(ValueError, match="no cross attention"):
        ask(answers, f"{name}/cross/head.0.0/0.0.0.max")
    for key in ("other/head.0.0/0.0.0.max", "self/head.0.0/0.0.0.median", "self/sum.0.0/row.1"):
        with pytest.raises(RequestError):
            ask(answers, f"{name}/{key}")
