"""What the attention panels paint and print, read back to be held against Python's numbers."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable

from playwright.sync_api import Locator

from tests.page.panels import Panels, exact

GROUND = 0.05  # the paler ground of a matrix, in the light theme

_ALPHA = """(canvas, [x, y]) => canvas.getContext("2d").getImageData(
    Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1).data[3] / 255"""
_INKED = """canvas => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 3; i < data.length; i += 4) count += data[i] > 0;
    return count;
}"""


def alpha(canvas: Locator, x: float, y: float) -> float:
    """How opaque a canvas is at a place, given as shares of its width and height."""
    return float(canvas.evaluate(_ALPHA, [x, y]))


def inked(canvas: Locator) -> int:
    """How many pixels of a canvas aren't empty."""
    return int(canvas.evaluate(_INKED))


def picture(canvas: Locator) -> str:
    """All pixels of a canvas, to be compared."""
    return str(canvas.evaluate("canvas => canvas.toDataURL()"))


def cell_alpha(panels: Panels, query: int, key: int, queries: int, keys: int) -> float:
    """How opaque a cell of a whole matrix is drawn: beside its middle, where a number stands."""
    canvas = panels.cells.locator("canvas")
    return alpha(canvas, (key + 0.25) / keys, (query + 0.25) / queries)


def over_ground(opacity: float) -> float:
    """How opaque a cell of this opacity looks over the paler ground."""
    return opacity + GROUND * (1 - opacity)


def eventually(check: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until `check` holds: a canvas is painted a frame after what it shows has changed."""
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "what was waited for did not come"
        time.sleep(0.03)


def number(text: str) -> float:
    """The number in what a panel printed."""
    found = re.search(r"[-−]?\d[\d.]*(e[-−+]?\d+)?", text)
    return float(found[0].replace("−", "-")) if found else math.nan


def expect_weight(where: Locator, weight: float) -> None:
    """Wait until an element prints this weight, to the three places that are printed."""
    end = time.monotonic() + 10
    while True:
        text = where.text_content() or ""
        if math.isclose(number(text), weight, rel_tol=6e-3, abs_tol=5.01e-4 * (weight > 5e-4)):
            return
        assert time.monotonic() < end, f"{text!r} is not {weight}"
        where.page.wait_for_timeout(30)


def shares(panel: Locator) -> list[float]:
    """The final share of each row, as said on hover."""
    return [exact(value) for value in panel.locator(".bars .value").all()]
