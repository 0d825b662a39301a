"""How figures look: the inks of the views on white, and figures as the views write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import FuncNorm, LinearSegmentedColormap, to_rgb

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

INK, SOFT, FAINT, HAIR = "#1b1d2a", "#565b6b", "#6d7283", "#d5d8e2"
ATTENTION, LIKELY, BASE = "#3b3fb6", "#d9730d", "#c3c7d1"
LIKELY_TEXT = "#b95c00"
# As in frontend/src/host/theme.ts.
HEADS = (
    "#0072b2",
    "#d55e00",
    "#008c66",
    "#be5a96",
    "#c88c00",
    "#46a0d7",
    "#882255",
    "#787828",
)
GROUND = 0.05  # how opaque the ground is on which weights can stand
SHADE = 0.62  # how opaque a weight of 1 is behind text
TITLE, BODY, SMALL = 9.0, 8.0, 7.0  # points
TICKS = (1.0, 0.1, 0.5, 0.01)  # of a colour scale, those first that must not be missed
SCALES = {"sqrt": "√ scale", "linear": "linear scale", "log": "log scale"}
_DECADES = 4  # weights of 10^-4 and less are blank on the logarithmic scale


def opacity(weights: ArrayLike, scale: str) -> NDArray[np.float64]:
    """Tell how opaque weights are drawn, from 0 to 1."""
    opaque: NDArray[np.float64] = np.minimum(1.0, np.abs(np.asarray(weights, dtype=float)))
    if scale == "sqrt":
        opaque = np.sqrt(opaque)
    elif scale == "log":
        opaque = 1 + np.log10(np.maximum(opaque, 10.0**-_DECADES)) / _DECADES
    return opaque


def weight_at(opaque: ArrayLike, scale: str) -> NDArray[np.float64]:
    """Give the weights that are drawn so opaque."""
    weights: NDArray[np.float64] = np.asarray(opaque, dtype=float)
    if scale == "sqrt":
        weights = weights**2
    elif scale == "log":
        weights = np.where(weights == 0, 0.0, 10 ** ((weights - 1) * _DECADES))
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
    """Give an ink as it looks on white, without transparency."""
    red, green, blue = (1 - opaque * (1 - part) for part in to_rgb(ink))
    return red, green, blue


def ramp(signed: bool = False) -> LinearSegmentedColormap:
    """Go from the ground to the ink of attention; `signed`, from one head's ink to another's."""
    ground = mix(ATTENTION, GROUND)
    inks = [to_rgb(HEADS[1]), ground, to_rgb(HEADS[0])] if signed else [ground, to_rgb(ATTENTION)]
    return LinearSegmentedColormap.from_list("weights", inks, N=1025)


def percent(share: float) -> str:
    """Write a share as a percentage in three true figures."""
    if share == 0:
        return "0"
    value = share * 100
    if value < 1e-4:
        return f"{value:.2e} %".replace("e-0", "e-").replace("-", "−")
    if share < 1 and value >= 99.95:
        return f"{_below(100, value, 1)} %"
    return f"{value:#.3g}".rstrip(".") + " %"


def weight(value: float) -> str:
    """Write an attention weight."""
    if value == 0:
        return "0"
    if value < 0.0005:
        return f"{value:.2e}".replace("e-0", "e-").replace("-", "−")
    return _below(1, value, 4) if 0.9995 <= value < 1 else f"{value:.3f}"


def number(value: float) -> str:
    """Write a number of either sign in two decimals."""
    return f"{value:.2f}".replace("-", "−") if np.isfinite(value) else "−∞"


def _below(whole: float, value: float, least: int) -> str:
    """Write `value` with as many digits as it takes to tell it from the whole."""
    for digits in range(least, 11):
        if float(f"{value:.{digits}f}") < whole:
            return f"{value:.{digits}f}"
    return f"> {whole - 1e-10:.10f}"
