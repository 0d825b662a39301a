"""What a slide points at: a token, a head, a box of the model, a row, a slider, a weight."""

from __future__ import annotations

import re
from typing import Any

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


def _number(text: str) -> int | str:
    return int(text) if re.fullmatch(r"-?\d+", text) else text
