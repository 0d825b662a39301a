"""What was logged while a model learned: a row for each step, in columns."""

from __future__ import annotations

import json
import math
from array import array
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

Row = dict[str, float]
NAMES = ("step", "loss", "learning_rate", "grad_norm", "eval_loss", "seconds")  # always there


def numbers_of(logged: Mapping[str, Any]) -> Row:
    """Return what of a trainer's log is a number."""
    row: Row = {}
    for name, item in logged.items():
        if item is None or isinstance(item, bool | str):
            continue
        if hasattr(item, "item") and getattr(item, "size", None) != 0:
            try:
                item = item.item()  # of a tensor or an array with one number
            except (RuntimeError, ValueError):
                continue
        if isinstance(item, Real):
            row[str(name)] = float(item)
    return row


def line(row: Row) -> str:
    """Return a row as a line of JSON, numbers that JSON doesn't have as text."""
    plain = {name: item if math.isfinite(item) else str(item) for name, item in row.items()}
    return json.dumps(plain) + "\n"


def parsed(text: str) -> Row | None:
    """Return the row of a line; `None` where it is torn."""
    try:
        row = {str(name): float(item) for name, item in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError):
        return None
    return row if "step" in row else None


class Log:
    """Rows by step, each number 8 bytes in memory."""

    def __init__(self) -> None:
        self._columns = {name: array("d") for name in NAMES}

    def __len__(self) -> int:
        return len(self._columns["step"])

    @property
    def last(self) -> int | None:
        """The last step; `None` without any."""
        return int(self._columns["step"][-1]) if len(self) else None

    @property
    def seconds(self) -> float:
        """Seconds at the last row."""
        known = [one for one in self._columns["seconds"] if not math.isnan(one)]
        return max(known, default=0.0)

    def add(self, row: Row) -> None:
        """Add a row, or to the last one what it says of the same step."""
        if self.last != row["step"]:
            for column in self._columns.values():
                column.append(math.nan)
        for name, item in row.items():
            if name not in self._columns:
                self._columns[name] = array("d", [math.nan]) * len(self)
            self._columns[name][-1] = item

    def cut(self, step: int) -> None:
        """Forget what is after a step."""
        count = int(np.searchsorted(np.array(self._columns["step"]), step, side="right"))
        for column in self._columns.values():
            del column[count:]

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return the columns, each (rows,), NaN where nothing was logged."""
        count = len(self)
        return {name: np.array(column[:count]) for name, column in self._columns.items()}

    def lines(self) -> list[str]:
        """Return all rows as `line` makes them."""
        names = list(self._columns)
        rows = zip(*self._columns.values(), strict=True)
        return [
            line({name: item for name, item in zip(names, row, strict=True) if item == item})
            for row in rows
        ]
