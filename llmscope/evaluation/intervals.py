"""Intervals of 95 %: by a bootstrap over texts, and from standard errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

RESAMPLES = 2_000
SEED = 0
_NORMAL = 1.959963984540054  # of the standard normal distribution, between −z and z lie 95 %

Interval = tuple[float, float]


def bootstrap(
    above: Sequence[float],
    below: Sequence[float],
    of: Callable[[NDArray[np.float64]], NDArray[np.float64]] = lambda ratio: ratio,
) -> Interval | None:
    """Return the 95 % interval of ``of(sum(above) / sum(below))`` over texts.

    The percentile bootstrap of Efron (1979): as many texts are drawn with replacement,
    `RESAMPLES` times, with a seed of its own, so that it is the same each time and for each model.

    Parameters
    ----------
    above, below
        Of each text, what is summed above and below the fraction, such as bits and bytes.
    of
        What is made of the fraction.

    Returns
    -------
    tuple of float, or None
        Lower and upper bound; `None` for fewer than two texts.
    """
    if len(above) < 2:
        return None
    over, under = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    drawn = np.random.default_rng(SEED).integers(len(over), size=(RESAMPLES, len(over)))
    sums = under[drawn].sum(1)
    if not (sums > 0).all():
        return None
    low, high = np.quantile(of(over[drawn].sum(1) / sums), [0.025, 0.975])
    return float(low), float(high)


def from_error(value: float, error: float) -> Interval:
    """Return the 95 % interval of a mean by its standard error: value ± 1.96 · error."""
    return value - _NORMAL * error, value + _NORMAL * error
