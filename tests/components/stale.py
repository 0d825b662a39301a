"""Whether a stored fixture still has the structure that the code gives it."""

from __future__ import annotations

from typing import Any

from tests.components.fixtures import FIXTURES, opened
from tests.components.numbers import FOLDER, Numbers


def expect_current(name: str) -> None:
    """Fail where keys, types or shapes of a stored fixture aren't those of today's."""
    made = FIXTURES[name].make()
    page = made.page()
    stored = (FOLDER / f"{name}.page").read_text("ascii")
    again = f"`make fixtures` makes {name} anew"
    assert structure(opened(stored)) == structure(opened(page)), again
    numbers = Numbers.load(name)
    assert arrays_of(numbers) == arrays_of(made.numbers), again
    assert structure(numbers.facts) == structure(made.numbers.facts), again


def arrays_of(numbers: Numbers) -> dict[str, tuple[str, tuple[int, ...]]]:
    return {name: (str(array.dtype), array.shape) for name, array in numbers.arrays.items()}


def structure(value: Any, name: str = "") -> Any:
    """Keys, types, and shapes of arrays; of lists, what is in them.

    Which tokens are among the likeliest, and so how many have labels, may depend on the processor.
    """
    if isinstance(value, dict) and "buffer" in value:
        shape = len(value["shape"]) if name == "labels" else value["shape"]
        return "array", value["dtype"], shape
    if isinstance(value, dict) and name == "texts":
        return {str(structure(item)) for item in value.values()}
    if isinstance(value, dict):
        inside = "labels" if "labels" in value and "ids" in value else ""
        return {str(key): structure(item, inside or str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return sorted({str(structure(item)) for item in value})
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number"
    return "text" if isinstance(value, str) else type(value).__name__
