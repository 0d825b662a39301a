"""The chosen measure of an evaluation: a dot for each model, with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmscope.export.figures.page import Page, Panel
from llmscope.export.figures.style import ATTENTION, BODY, HAIR, INK, SMALL, SOFT, TITLE
from llmscope.kernel.evaluation import evaluated

if TYPE_CHECKING:
    from llmscope.state import ViewState

_ROW = 16.0  # points
_HEAD = 22.0
_SCALES = {"count": ((1e9, " B"), (1e6, " M"), (1e3, " k")), "bytes": ((1e9, " GB"), (1e6, " MB"))}
_UNITS = {"seconds": " s", "share": " %"}


def evaluation(page: Page, now: ViewState, room: float, _wide: bool) -> Panel:
    """Draw the measure that is plotted in the view, its models in their order."""
    found = evaluated(now.answers)
    names = [one["name"] for one in found["measures"]]
    at = names.index(now.traits["measure"]) if now.traits["measure"] in names else 0
    measure = found["measures"][at]
    rows = [(model["name"], *model["values"][at]) for model in found["models"]]
    if now.traits["ordering"] != "given":
        sign = 1 if now.traits["ordering"] == "ascending" else -1
        rows.sort(key=lambda row: (row[1] is None, sign * (row[1] or 0.0)))
    left = min(0.35 * room, 8 + max(page.measure(row[0]) for row in rows))
    right = 6 + max(page.measure(_shown(row[1], measure["unit"])) for row in rows)
    known = [one for row in rows for one in row[1:4] if one is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    pad = 0.06 * (high - low) or abs(high) * 0.1 or 1.0
    low, high = low - pad, high + pad
    height = _HEAD + _ROW * len(rows)

    def draw(x: float, y: float) -> None:
        sheet = page.sheet(x, y, room, height)
        title = measure["name"].removeprefix("task.").replace("_", " ")
        page.write(sheet, 0, 6, title, TITLE, INK, bold=True)
        better = {"less": "less is better", "more": "more is better"}.get(measure["better"], "")
        interval = {"95": "95 % intervals", "rounds": "slowest and quickest round"}
        said = ", ".join(filter(None, (better, interval.get(measure["interval"], ""))))
        page.write(sheet, room, 6, said, SMALL, SOFT, align="right")
        width = room - left - right

        def place(value: float) -> float:
            return left + width * (value - low) / (high - low)

        for number, (name, value, least, most, why) in enumerate(rows):
            middle = _HEAD + _ROW * (number + 0.5)
            page.write(sheet, 0, middle, page.fit(name, left - 6), BODY, INK)
            if value is None:
                page.write(sheet, left, middle, page.fit(why, width, SMALL), SMALL, SOFT)
                continue
            sheet.plot([left, left + width], [middle, middle], color=HAIR, lw=0.6, zorder=1)
            if least is not None:
                ends = [place(least), place(most)]
                sheet.plot(ends, [middle, middle], color=ATTENTION, lw=1.6, zorder=2)
            sheet.plot([place(value)], [middle], "o", color=ATTENTION, ms=4.5, zorder=3)
            shown = _shown(value, measure["unit"])
            page.write(sheet, room, middle, shown, BODY, INK, align="right")

    return Panel(room, height, draw)


def _shown(value: Any, unit: str) -> str:
    if value is None:
        return ""
    for size, name in _SCALES.get(unit, ()):
        if value >= size:
            return f"{value / size:.3g}{name}"
    return f"{100 * value if unit == 'share' else value:.4g}{_UNITS.get(unit, '')}"
