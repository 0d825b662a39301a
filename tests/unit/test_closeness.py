"""Rounding passes, in whatever order a processor adds up; an error of a thousandth does not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.closeness import (
    SMOLLM,
    TINY,
    assert_close,
    assert_probabilities_close,
    assert_product_close,
    assert_ranks_close,
    relative_difference,
)

TERMS = 2048


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def one_by_one(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """A product whose terms are added in order, each sum rounded: the worst way to do it."""
    return np.cumsum(matrix * vector, axis=-1, dtype=np.float32)[:, -1]


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("scale", [1e-6, 1, 300])
def test_one_product_in_another_order_is_the_same(scale):
    matrix, vector = scale * numbers(64, TERMS), numbers(TERMS)
    slow = one_by_one(matrix, vector)
    backwards = one_by_one(matrix[:, ::-1], vector[::-1])
    assert not np.array_equal(slow, backwards)
    for found in (slow, backwards, matrix @ vector):
        assert_product_close(found, matrix, vector)
        assert_close(found, matrix.astype(np.float64) @ vector, terms=TERMS)
    if scale == 300:
        assert np.abs(slow - backwards).max() > 1e-3, "no number for all sizes would do"


@pytest.mark.parametrize("terms", [1, TINY, SMOLLM, 10**9])
@pytest.mark.parametrize("scale", [1e-6, 1, 300])
def test_an_error_of_a_thousandth_is_none_of_rounding(scale, terms):
    expected = scale * numbers(8, 32).astype(np.float64)
    assert_close(expected.astype(np.float32), expected, terms=terms)
    worst = np.unravel_index(np.abs(expected).argmax(), expected.shape)
    wrong = expected.copy()
    wrong[worst] *= 1.001
    for other in (1.001 * expected, expected[::-1], expected[:, ::-1], -expected, wrong):
        with pytest.raises(AssertionError, match="of 256 numbers differ"):
            assert_close(other, expected, terms=terms)


def test_a_row_is_held_to_its_own_size():
    expected = numbers(2, 16) * [[1e5], [1]]
    wrong = expected.copy()
    wrong[1] *= 1.001
    assert_close(wrong, expected, size=np.abs(expected).max())
    with pytest.raises(AssertionError, match=r"most at \(1, "):
        assert_close(wrong, expected)


def test_what_cancels_is_held_to_the_size_of_what_did():
    large = np.float32(1e4) + numbers(64)
    difference = large - np.float32(1e4)
    with pytest.raises(AssertionError):
        assert_close(difference, numbers(64), terms=1)
    for size in (1e4, torch.tensor(1e4), large):
        assert_close(difference, numbers(64), terms=1, size=size)


def test_probabilities_are_held_to_their_own_size_and_masks_to_nothing():
    logits = 4 * numbers(8, 50)
    logits[:, 20:] -= 20
    expected = softmax(logits.astype(np.float64))
    assert_probabilities_close(softmax(logits), expected)
    small = expected.copy()
    small[0, 30] *= 1.001
    assert abs(small - expected).max() < 1e-9, "lost beside the others"
    hidden, seen = expected.copy(), expected.copy()
    hidden[0, 30], seen[0, 31] = 0, 1e-6
    for wrong in (small, hidden, seen, expected[::-1], softmax(1.001 * logits)):
        with pytest.raises(AssertionError):
            assert_probabilities_close(wrong, expected)
    assert_probabilities_close(np.zeros(3), np.zeros(3))
    with pytest.raises(AssertionError):
        assert_probabilities_close([1e-12, 0, 0], np.zeros(3))


def test_only_tokens_that_are_as_likely_may_change_ranks():
    scores = np.array([[3.0, 2.0, 2.0 + 1e-6, 1.0]])
    for rank in (1, 2):
        assert_ranks_close([rank], scores, [1])
    for rank in (0, 3):
        with pytest.raises(AssertionError):
            assert_ranks_close([rank], scores, [1])


def test_nan_infinity_and_shapes_are_no_rounding():
    assert_close([np.nan, -np.inf, 1], [np.nan, -np.inf, 1])
    for wrong in ([0, -np.inf, 1], [np.nan, np.inf, 1], [np.nan, -np.inf, np.nan]):
        with pytest.raises(AssertionError):
            assert_close(wrong, [np.nan, -np.inf, 1])
    with pytest.raises(AssertionError, match="is not"):
        assert_close(np.ones(3), np.ones((1, 3)))
    assert relative_difference(np.ones(3), np.ones(2)) == np.inf
    assert relative_difference([1, 2.5], [1, 2]) == 0.25
