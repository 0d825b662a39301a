"""How figures look: the inks of the views on white, and figures as the views write them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import FuncNorm, LinearSegmentedColormap, to_rgb

from llmscope.shared import DASHES, DECADES, PRINT

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

INK, SOFT, FAINT, HAIR = (PRINT[name] for name in ("ink", "soft", "faint", "hair"))
ATTENTION, LIKELY, BASE = (PRINT[name] for name in ("attention", "likely", "base"))
MORE, LESS = PRINT["more"], PRINT["less"]
LIKELY_TEXT = PRINT["likely_text"]
HEADS: tuple[str, ...] = tuple(PRINT["heads"])
LINES = tuple((0, dash or None) for dash in DASHES)  # of heads, as matplotlib has styles of lines
GROUND = 0.05  # how opaque the ground is on which weights can stand
SHADE = 0.62  # how opaque a weight of 1 is behind text
EFFECT = 0.55  # and the greatest effect
TITLE, BODY, SMALL = 9.0, 8.0, 7.0  # points
TICKS = (1.0, 0.1, 0.5, 0.01)  # of a colour scale, those first that must not be missed
SCALES = {"sqrt": "√ scale", "linear": "linear scale", "log": "log scale"}
_THREE_DIGITS = Context(prec=3, rounding=ROUND_HALF_UP)


def opacity(weights: ArrayLike, scale: str) -> NDArray[np.float64]:
    """Return how opaque weights are drawn, from 0 to 1."""
    opaque: NDArray[np.float64] = np.minimum(1.0, np.abs(np.asarray(weights, dtype=float)))
    if scale == "sqrt":
        opaque = np.sqrt(opaque)
    elif scale == "log":
        opaque = 1 + np.log10(np.maximum(opaque, 10.0**-DECADES)) / DECADES
    return opaque


def weight_at(opaque: ArrayLike, scale: str) -> NDArray[np.float64]:
    """Return the weights that are drawn so opaque."""
    weights: NDArray[np.float64] = np.asarray(opaque, dtype=float)
    if scale == "sqrt":
        weights = weights**2
    elif scale == "log":
        weights = np.where(weights == 0, 0.0, 10 ** ((weights - 1) * DECADES))
    return weights


def norm(scale: str, signed: bool = False) -> Any:
    """Take weights to places on a colour map; `signed` ones from -1."""
    return FuncNorm(
        (
            lambda weights: np.sign(weights) * opacity(weights, scale),
            lambda places: np.sign(places) * weight_at(np.abs(places), scale),
        ),
        vmin=-1 if signed else 0,
        vmax=1,
    )


def mix(ink: str, opaque: float) -> tuple[float, float, float]:
    """Return an ink as it looks on white, without transparency."""
    red, green, blue = (1 - opaque * (1 - part) for part in to_rgb(ink))
    return red, green, blue


def ramp(signed: bool = False) -> LinearSegmentedColormap:
    """Go from the ground to the ink of attention; `signed`, from one end to the other."""
    ground = mix(ATTENTION, GROUND)
    inks = [to_rgb(LESS), ground, to_rgb(MORE)] if signed else [ground, to_rgb(ATTENTION)]
    return LinearSegmentedColormap.from_list("weights", inks, N=1025)


def percent(share: float) -> str:
    """Format a share as a percentage in three significant digits."""
    if share == 0:
        return "0"
    value = float(share) * 100
    if value < 1e-4:
        return f"{_exponential(value)} %"
    if share < 1 and value >= 99.95:
        return f"{_below(100, value, 1)} %"
    # From the shortest decimal that is this number, as `Intl.NumberFormat` rounds.
    rounded = _THREE_DIGITS.plus(Decimal(repr(value)))
    return f"{rounded.quantize(Decimal(1).scaleb(rounded.adjusted() - 2)):f} %"


def points(change: float) -> str:
    """Format a change of a probability in percentage points, with its sign, as the page does."""
    size = 100 * abs(float(change))
    digits = 0 if size == 0 else 2 if size < 10 else 1
    shown = f"{size:.0e}".replace("e-0", "e-") if 0 < size < 0.005 else _fixed(size, digits)
    return f"{'−' if change < 0 else '+' if change > 0 else ''}{shown} pp"


def weight(value: float) -> str:
    """Format an attention weight."""
    if value < 0:
        return f"−{weight(-value)}"
    if value == 0:
        return "0"
    if value < 0.0005:
        return _exponential(float(value))
    return _below(1, value, 4) if 0.9995 <= value < 1 else _fixed(value, 3)


def number(value: float) -> str:
    """Write a number of either sign in two decimals."""
    return f"{value:.2f}".replace("-", "−") if np.isfinite(value) else "−∞"


def _exponential(value: float) -> str:
    """Format as `Number.toExponential(2)` does: ties go up."""
    return f"{_THREE_DIGITS.plus(Decimal(value)):.2e}"


def _fixed(value: float, digits: int) -> str:
    """Format as `Number.toFixed` does: ties go up."""
    return f"{Decimal(float(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):f}"


def _below(whole: float, value: float, least: int) -> str:
    """Format `value` with as many digits as it takes to tell it from the whole."""
    for digits in range(least, 11):
        if float(shown := _fixed(value, digits)) < whole:
            return shown
    return f"> {_fixed(whole - 1e-10, 10)}"
