"""A sheet of white paper: panels laid out on it in points, from the top left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from llmscope.export.figures.fonts import printable, properties
from llmscope.export.figures.style import BODY, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

POINTS = 72  # an inch
MARGIN = 6.0  # points
_DPI = 144
_FINE = 720  # dots an inch, at which text is measured


@dataclass(frozen=True)
class Panel:
    """Something to be drawn: how large it is, in points, and what draws it with its corner at."""

    width: float
    height: float
    draw: Callable[[float, float], None]


class Print(Figure):
    """A figure that shows itself in a notebook, also where no plotting backend was chosen."""

    def savefig(self, fname: Any, **options: Any) -> None:
        """Save it as matplotlib does, but with fonts that can be searched and edited in PDF and PS.

        Type 3 fonts, which are matplotlib's own choice, are refused by many publishers. A
        `PdfPages` embeds all its fonts when it is closed, as `rcParams` then say.
        """
        with matplotlib.rc_context():
            if not isinstance(fname, PdfPages):
                matplotlib.rcParams["pdf.fonttype"] = matplotlib.rcParams["ps.fonttype"] = 42
            super().savefig(fname, **options)

    def _repr_png_(self) -> tuple[bytes, dict[str, float]]:
        data = BytesIO()
        self.savefig(data, format="png")
        width, height = self.get_size_inches()
        return data.getvalue(), {"width": width * 96, "height": height * 96}


class Page:
    """Makes one figure.

    Attributes
    ----------
    figure
        The figure; it belongs to no window and to no list of pyplot's.
    """

    def __init__(self) -> None:
        self.figure = Print(dpi=_DPI, facecolor="white")
        FigureCanvasAgg(self.figure)
        self._ruler: Any = RendererAgg(1, 1, _FINE)  # type: ignore[no-untyped-call]

    def measure(self, text: str, size: float = BODY, bold: bool = False) -> float:
        """Return the width of `text` in points."""
        shown = "".join(printable(text, bold))
        font = properties(shown, size, bold)
        width, _, _ = self._ruler.get_text_width_height_descent(shown, font, ismath=False)
        return float(width) * POINTS / _FINE

    def fit(self, text: str, most: float, size: float = BODY, bold: bool = False) -> str:
        """Return `text` as it can be printed, shortened to `most` points with an ellipsis."""
        kept = printable(text, bold)
        if self.measure("".join(kept), size, bold) <= most:
            return "".join(kept)
        while kept and self.measure("".join(kept) + "…", size, bold) > most:
            kept.pop()
        return "".join(kept) + "…"

    def wrap(self, text: str, most: float, size: float = BODY) -> list[str]:
        """Break a sentence into lines of at most so many points."""
        lines = [""] if text else []
        for word in text.split():
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and self.measure(longer, size) > most:
                lines.append(word)
            else:
                lines[-1] = longer
        return lines

    def lay_out(self, panel: Panel, width: float | None) -> Figure:
        """Cut the sheet to the size of `panel`, or to `width` in points, and draw it."""
        across = panel.width + 2 * MARGIN if width is None else width
        down = panel.height + 2 * MARGIN
        self.figure.set_size_inches(across / POINTS, down / POINTS)
        panel.draw(MARGIN, MARGIN)
        return self.figure

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Place axes without lines and ticks; all in points."""
        across, down = self.figure.get_size_inches() * POINTS
        place = (left / across, 1 - (top + height) / down, width / across, height / down)
        axes = self.figure.add_axes(place)
        axes.set_facecolor("none")
        for side in axes.spines.values():
            side.set_visible(False)
        axes.tick_params(length=0, pad=3, labelsize=BODY)
        axes.set_xticks([])
        axes.set_yticks([])
        return axes

    def sheet(self, left: float, top: float, width: float, height: float) -> Axes:
        """Place axes that count points, down from the top left."""
        axes = self.axes(left, top, width, height)
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)
        return axes

    def dress(self, label: Text, size: float = BODY, ink: Any = INK, bold: bool = False) -> Text:
        """Set a label in fonts that have its characters; what it says is text, never markup."""
        shown = "".join(printable(label.get_text(), bold))
        label.set_text(shown)
        label.set_fontproperties(properties(shown, size, bold))
        label.set_color(ink)
        label.set_parse_math(False)
        return label

    def write(
        self,
        axes: Axes,
        x: float,
        y: float,
        text: str,
        size: float = BODY,
        ink: Any = INK,
        bold: bool = False,
        align: str = "left",
    ) -> Text:
        """Write one line on a sheet, with its middle at `y`."""
        label = axes.text(x, y + 0.36 * size, text, ha=align, va="baseline")
        return self.dress(label, size, ink, bold)
