"""How close two float32 numbers must be that are computed in different ways, on any processor.

A float32 number is rounded by up to half of ``EPS`` = 2⁻²³ of its size at every operation. How
many operations come one after another, and in which order, is up to the processor: one with
AVX-512 sums 16 numbers at once, one with AVX2 sums 8, and oneDNN and MKL cut matrices as suits
the caches. So two right answers differ, by an amount that has nothing to do with a fixed number
such as 1e-5. It is made of three things:

- ``EPS``;
- the **size** of what was added up. A score of 300 is rounded by a hundred times as much as one of
  3, and a small difference of two large numbers by as much as these. By default it is the largest
  number of the row (the last axis): a row comes out of one matrix product or one sum, so that each
  of its numbers is rounded as the largest of them is, while another row may be a thousand times
  as large (the first token of many models is).
- the number of **terms** that were added up on the way. Rounding errors are up and down at random,
  so that n of them come to about √n of one; only in the worst case to n.

``SLACK`` · ``EPS`` · √terms · size is what is allowed. On top of this, a probability is the
exponential of a logit: its *relative* error is the absolute error of the logits, twice (its own,
and that of the sum that it is divided by), which is why each weight is held to its own size and
not only the large ones. An entropy or a divergence is a sum of probability times log-probability
over the vocabulary: its terms are the vocabulary, its size is that of the log-probabilities.

Where an expected value can be computed in float64 at little cost, compare with that: then one of
the two roundings is gone.

What is told apart is kept far from this: whatever the terms, no more than ``MOST`` of the size is
ever allowed, less than a third of what a wrong scale of 1.001 makes. A mask, a head or a position
that is wrong makes a difference of the size itself.

Don't use this for what a screen prints in three digits, for 8-bit shades, or for published values:
their tolerance is that of the print. Nor for what has to be equal bit for bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

EPS = 2.0**-23
SLACK = 4  # measured with `python -m tests.cpus`: the worst of all comparisons takes 1.2
MOST = 3e-4

# Terms on the way through a model: in each layer some eight products, each over its width. Those of
# tests/tiny.py are random, and make the most of every error; a trained layer that adds a little to
# a large residual stream passes on the error of one sum, as measured.
TINY = 3 * 8 * 48
SMOLLM = 30 * 576
LOGITS = 4.0  # size that logits are taken to have at least


def relative_tolerance(terms: int) -> float:
    """Return what part of their size two numbers may differ by that are sums of `terms`."""
    return min(MOST, SLACK * EPS * float(np.sqrt(terms)))


def relative_difference(
    actual: ArrayLike, expected: ArrayLike, *, size: ArrayLike | None = None
) -> float:
    """Return the largest difference, in parts of its row's size; infinity for different shapes."""
    found, wanted = _float64(actual), _float64(expected)
    if found.shape != wanted.shape:
        return float("inf")
    return float(_parts(found, wanted, _size(wanted) if size is None else size).max(initial=0))


def assert_close(
    actual: ArrayLike,
    expected: ArrayLike,
    *,
    terms: int = TINY,
    size: ArrayLike | None = None,
    what: str = "",
) -> None:
    """Assert that two arrays are the same numbers but for float32 rounding.

    Parameters
    ----------
    actual, expected
        Arrays of one shape, or one number for all. NaN and infinity have to be at the same places.
    terms
        How many numbers were added up on the way, at most.
    size
        Size of what was added up, for all or broadcast to `expected`; by default the largest number
        of each row of `expected`. Give it where the result is small because things cancel.
    what
        Said when it fails.
    """
    found, wanted = _float64(actual), _float64(expected)
    _assert(found, wanted, _size(wanted) if size is None else size, relative_tolerance(terms), what)


def assert_probabilities_close(
    actual: ArrayLike,
    expected: ArrayLike,
    *,
    terms: int = TINY,
    logits: float | None = None,
    what: str = "",
) -> None:
    """Assert that two arrays are the same probabilities, each to a part of its own size.

    This holds for all that is made of probabilities by adding and multiplying alone: means and
    maxima of heads, rollout. What is exactly 0, as behind a mask, has to be 0 in both.

    Parameters
    ----------
    terms
        How many numbers were added up on the way to the logits and in the softmax, at most.
    logits
        Size of the logits; by default as much as the probabilities are apart, at least ``LOGITS``.
    """
    found, wanted = _float64(actual), _float64(expected)
    if logits is None:
        some = wanted[wanted > 0]
        logits = max(LOGITS, float(np.log(some.max() / some.min()))) if some.size else LOGITS
    tolerance = min(MOST, 2 * relative_tolerance(terms) * logits)
    smallest = float(np.finfo(np.float32).tiny)  # what is below may be flushed to 0
    _assert(found, wanted, np.where(wanted, wanted, smallest) + smallest, tolerance, what)


def assert_product_close(actual: ArrayLike, matrix: ArrayLike, vector: ArrayLike) -> None:
    """Assert that `actual` is ``matrix @ vector``, which is computed in float64 here.

    The size is that of the products before they cancel, for each number its own.
    """
    left, right = _float64(matrix), _float64(vector)
    size = np.abs(left) @ np.abs(right)
    assert_close(actual, left @ right, terms=left.shape[-1], size=size)


def assert_ranks_close(
    ranks: ArrayLike, scores: ArrayLike, ids: ArrayLike, *, terms: int = TINY
) -> None:
    """Assert that `ranks` (rows,) are those of the tokens `ids` (rows,) in `scores` (rows, tokens).

    Tokens whose scores are the same but for rounding may be on either side.
    """
    found, every = np.asarray(ranks), _float64(scores)
    own = np.take_along_axis(every, np.asarray(ids)[:, None], axis=1)
    near = relative_tolerance(terms) * _size(every)
    first, last = (every > own + near).sum(1), (every > own - near).sum(1) - 1
    assert ((first <= found) & (found <= last)).all(), f"{found} is not in {first} to {last}"


def _float64(values: ArrayLike) -> NDArray[np.float64]:
    detached: Any = values.detach() if hasattr(values, "detach") else values
    return np.asarray(detached, dtype=np.float64)


def _size(wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the largest finite number of each row (…, 1)."""
    finite = np.abs(np.where(np.isfinite(wanted), wanted, 0))
    return finite.max(axis=-1, keepdims=True, initial=0) if finite.ndim else finite


def _parts(
    found: NDArray[np.float64], wanted: NDArray[np.float64], size: ArrayLike
) -> NDArray[np.float64]:
    """Return the differences in parts of `size`; infinity where only one is NaN or infinite."""
    same = (found == wanted) | (np.isnan(found) & np.isnan(wanted))
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = np.abs(found - wanted) / np.broadcast_to(np.abs(_float64(size)), wanted.shape)
    return np.where(same, 0, np.where(np.isnan(parts), np.inf, parts))


def _assert(
    found: NDArray[np.float64],
    wanted: NDArray[np.float64],
    size: ArrayLike,
    tolerance: float,
    what: str,
) -> None:
    if not wanted.ndim:
        wanted = np.broadcast_to(wanted, found.shape)
    assert found.shape == wanted.shape, f"{what} {found.shape} is not {wanted.shape}"
    parts = _parts(found, wanted, size)
    worst = np.unravel_index(int(parts.argmax()), parts.shape) if parts.size else ()
    assert not parts.size or parts[worst] <= tolerance, (
        f"{what} {int((parts > tolerance).sum())} of {parts.size} numbers differ by more than "
        f"{tolerance:.2g} of their size; most at {tuple(map(int, worst))}: {found[worst]!r}, "
        f"expected {wanted[worst]!r}, {parts[worst]:.2g} of the size"
    )
