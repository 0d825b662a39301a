"""What a slide points at: a token, a head, a box of the model, a row, a slider, a weight."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmscope.capture.facts import Facts

SLIDERS = ("temperature", "top_k", "top_p", "min_p", "typical_p", "threshold")
_FORMS = {
    "token": (r"(-?\d+)(?: +(target))?", "token 3, or token 3 target in a decoder"),
    "head": (r"(\d+)[.·](\d+)", "head 24.4: a layer and a head"),
    "box": (r"([A-Za-z0-9_.]+)", "box block.3.mlp"),
    "next": (r"(\"[^\"]*\"|\S+(?: +\S+)*)", "next Paris: a row of next tokens"),
    "slider": (r"(\w+)", f"slider temperature: one of {', '.join(SLIDERS)}"),
    "cell": (r"(\d+) +(\d+)", "cell 5 2: a query and a key of the matrix"),
}


def point(text: str) -> dict[str, Any]:
    """Read what is pointed at.

    Parameters
    ----------
    text
        What it is, and behind ``|`` what is said of it: ``"token 3 | looks back here"``.

    Returns
    -------
    dict
        Its `kind`, what it is `at`, and a `note`.

    Raises
    ------
    ValueError
        For what has none of the forms.
    """
    what, _, note = text.partition("|")
    kind, _, rest = what.strip().partition(" ")
    if kind not in _FORMS:
        forms = "; ".join(form for _, form in _FORMS.values())
        raise ValueError(f"point={text!r} points at nothing that there is. It may be: {forms}.")
    pattern, form = _FORMS[kind]
    found = re.fullmatch(pattern, rest.strip())
    if found is None or (kind == "slider" and rest.strip() not in SLIDERS):
        raise ValueError(f"point={text!r} lacks what it points at: write {form}.")
    at: list[Any] = [_number(one) for one in found.groups() if one is not None]
    if kind == "next":
        at = [str(found[1]).strip('"')]
    return {"kind": kind, "at": at, "note": note.strip()}


def check_point(one: dict[str, Any], facts: Facts | None) -> None:
    """Raise ValueError for a head or a block that a model doesn't have."""
    if facts is None:
        return
    block = re.match(r"block\.(\d+)", str(one["at"][0])) if one["kind"] == "box" else None
    has_one_tower = facts.family != "encoder-decoder"
    if block and has_one_tower and int(block[1]) >= facts.layers > 0:
        raise ValueError(
            f"point='box {one['at'][0]}': block lies between 0 and {facts.layers - 1}, "
            f"not {block[1]}."
        )
    if one["kind"] != "head":
        return
    for name, count, value in zip(
        ("layer", "head"), (facts.layers, facts.heads), one["at"], strict=True
    ):
        if count and value >= count:
            raise ValueError(
                f"point='head {one['at'][0]}.{one['at'][1]}': {name} lies between 0 and "
                f"{count - 1}, not {value}."
            )


def _number(text: str) -> int | str:
    return int(text) if re.fullmatch(r"-?\d+", text) else text
