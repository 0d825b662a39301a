"""Edits as the Python that makes them."""

from __future__ import annotations

from typing import Any

from llmscope.edits.edit import Ablation, Edit, Part, Patch, Scaling


def code_of(edit: Edit, source: str = "source") -> str:
    """Return an expression that makes an edit.

    Parameters
    ----------
    source
        An expression for the trace that a patch is taken from.
    """
    part = edit.part
    options: dict[str, Any] = {}
    if isinstance(edit, Ablation):
        name = "ablate"
        options = {"by": edit.by} if edit.by != "zero" else {}
        if edit.reference:
            options["reference"] = list(edit.reference)
    elif isinstance(edit, Scaling):
        name = "scale_head"
    elif isinstance(edit, Patch):
        name = "patch"
    else:
        name = "steer"
        options = {"scale": edit.scale} if edit.scale != 1 else {}
        if edit.align != "last":
            options["align"] = edit.align
    if isinstance(edit, Patch) and edit.positions is not None:
        options["positions"] = dict(edit.positions)
    elif edit.positions is not None:
        options["positions"] = list(edit.positions)
    if part.kind != "self":
        options["kind"] = part.kind
    said = [f"{option}={value!r}" for option, value in options.items()]
    return f"llmscope.{name}({', '.join([*_subject(edit, part, source), *said])})"


def _subject(edit: Edit, part: Part, source: str) -> list[str]:
    of: Any = (part.layer, part.head) if part.head is not None else part.layer
    if isinstance(edit, Scaling):
        return [f"{of!r}", f"{edit.factor!r}"]
    if isinstance(edit, Ablation):
        if edit.edge is not None:
            return [f"edge={(part.layer, part.head, *edit.edge)!r}"]
        return [f"{part.what}={of!r}"]
    if isinstance(edit, Patch):
        return [f"source={source}", f"{part.what}={of!r}"]
    direction = edit.direction
    said = repr(direction) if isinstance(direction, tuple) else repr([float(n) for n in direction])
    return [f"layer={of!r}", f"direction={said}"]
