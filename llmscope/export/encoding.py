"""Arrays made small for a page; `frontend/src/sources/page` reads them.

Weights take 16 bits: the distance to 0 or to 1, whichever is less, as a number of 5 bits of
exponent and 10 of fraction, and a bit that says which. So small weights keep their figures, and so
does what a large one leaves to the others.

Of the next token, the likeliest come as they are. The others are many, and each of them is nothing
much: they come as a histogram of their logits. `spread` makes logits of it again, and `error` says
what they are off by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Precision = Literal["float16", "float32"]
# Bytes of a page for each weight, compressed and written as base64.
PER_WEIGHT: dict[Precision, float] = {"float16": 1.75 * 4 / 3, "float32": 3.4 * 4 / 3}
LIKELIEST = 1000  # tokens of each position that come as they are
BINS = 512
TEMPERATURES = (0.1, 0.2, 0.5, 1.0, 1.5, 2.0)  # at which `error` looks
WEIGHT_ERROR = 2.0**-11  # of the distance to 0 and to 1, in 16 bits
_LEAST = 95 << 10  # sign and exponent of 2^-32, which means 0


def checked_precision(precision: str) -> Precision:
    """Return `precision`, or raise ValueError for an unknown one."""
    if precision not in get_args(Precision):
        known = " or ".join(map(repr, get_args(Precision)))
        raise ValueError(f"precision is {known}, not {precision!r}")
    return precision  # type: ignore[return-value]


def coded(weights: NDArray[np.float32], precision: Precision) -> NDArray[np.uint8]:
    """Encode weights (…,) between 0 and 1 as bytes (width, …), the most significant one first."""
    if precision == "float32":
        codes = weights.astype(np.float32).view(np.uint32)
        width = 4
    else:
        weights = np.clip(weights, 0, 1)
        upper = weights > 0.5
        near = np.where(upper, 1 - weights, weights).astype(np.float32)
        bits = near.view(np.uint32)
        rounded = (bits >> 13) + ((bits >> 12) & 1)
        size = np.maximum(rounded.astype(np.int64) - _LEAST, 0)
        codes = (size | (upper.astype(np.int64) << 15)).astype(np.uint32)
        width = 2
    planes = [(codes >> (8 * byte)).astype(np.uint8) for byte in reversed(range(width))]
    return np.stack(planes)


def decoded(codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the weights (…,) that 16 bits of `coded` (2, …) stand for."""
    code = codes[0].astype(np.uint32) << 8 | codes[1]
    size = code & 0x7FFF
    near = np.where(size, (size + _LEAST) << 13, 0).astype(np.uint32).view(np.float32)
    return np.where(code >> 15, 1 - near, near)


class NextTokens(NamedTuple):
    """The next token at some positions.

    Attributes
    ----------
    ids, logits
        (positions, likeliest), the likeliest first.
    highest, lowest
        Logits (positions,) of the others.
    counts
        How many of the others are in each bin (positions, bins), from the highest down. Those of
        logit −∞ are in none.
    """

    ids: NDArray[np.int32]
    logits: NDArray[np.float32]
    highest: NDArray[np.float32]
    lowest: NDArray[np.float32]
    counts: NDArray[np.int32]


def summarised(rows: list[NDArray[np.float32]]) -> NextTokens:
    """Summarise logits (vocabulary,) of some positions."""
    parts = []
    for logits in rows:
        order = np.argsort(-logits, kind="stable")
        ranked = logits[order]
        others = ranked[LIKELIEST:]
        others = others[np.isfinite(others)]
        highest, lowest = (others[0], others[-1]) if len(others) else (0.0, 0.0)
        bins = (highest - others.astype(np.float64)) / ((highest - lowest) or 1) * BINS
        counts = np.bincount(np.minimum(bins.astype(int), BINS - 1), minlength=BINS)
        parts.append((order[:LIKELIEST], ranked[:LIKELIEST], highest, lowest, counts))
    ids, likeliest, highest_, lowest_, counts_ = zip(*parts, strict=True)
    return NextTokens(
        np.stack(ids).astype(np.int32),
        np.stack(likeliest).astype(np.float32),
        np.array(highest_, np.float32),
        np.array(lowest_, np.float32),
        np.stack(counts_).astype(np.int32),
    )


def largest_error(rows: list[NDArray[np.float32]], summary: NextTokens) -> float:
    """Return the largest `error` of a summary of logits (vocabulary,)."""
    errors = [0.0]
    for number, logits in enumerate(rows):
        of_others = (item[number] for item in (summary.highest, summary.lowest, summary.counts))
        rebuilt = np.concatenate([summary.logits[number], spread(*of_others)])
        errors.append(error(np.sort(logits)[::-1], rebuilt))
    return max(errors)


def spread(highest: Any, lowest: Any, counts: NDArray[Any]) -> NDArray[np.float32]:
    """Return logits of the others, the greatest first: spread evenly within each bin."""
    bins = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(bins)) - np.repeat(np.cumsum(counts) - counts, counts)
    inside = (place + 0.5) / np.repeat(counts, counts)
    span = float(highest) - float(lowest)
    logits: NDArray[np.float32] = highest - (bins + inside) / len(counts) * span
    return logits.astype(np.float32)


def error(
    ranked: NDArray[np.float32],
    rebuilt: NDArray[np.float32],
    temperatures: tuple[float, ...] = TEMPERATURES,
) -> float:
    """Return the largest error of probabilities, of one token or of any number of the likeliest.

    Parameters
    ----------
    ranked, rebuilt
        Logits, the greatest first; those of −∞ may be missing.
    temperatures
        Where errors are measured.

    Returns
    -------
    float
        The largest difference of cumulated probabilities, from 0 to 1.
    """
    finite = ranked[: len(rebuilt)].astype(np.float64)
    largest = 0.0
    for temperature in temperatures:
        sums = []
        for logits in (finite, rebuilt.astype(np.float64)):
            weights = np.exp((logits - logits[0]) / temperature)
            reached = np.cumsum(weights)
            sums.append(reached / reached[-1])
        largest = max(largest, float(np.abs(sums[0] - sums[1]).max()))
    return largest
