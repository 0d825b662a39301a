"""The name of a trace on the wire: what remakes it, so that any replica can answer for it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.capture import to_numpy
from llmscope.capture.points import Point
from llmscope.edits import Patch, patch
from llmscope.edits.edit import Vectors
from llmscope.kernel.edited_input import as_value, edit_of
from llmscope.text.prepare import as_list
from llmscope.trace import Trace
from llmscope.words import refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmscope.edits import Edit
    from llmscope.scope import Scope
    from llmscope.text.prepare import Text

Name = dict[str, Any]  # text, pair, target, edits and masked
_POINTS: dict[str, Any] = {"head": "heads", "layer": "block"}  # where others have their names


def name_of(
    text: Text, pair: str | None, target: str | Sequence[int] | None, edits: Sequence[Edit]
) -> Name:
    """Return the name of what `Scope.trace` makes of its arguments.

    Raises
    ------
    TypeError
        For what is no text, no ids and no messages.
    RuntimeError
        For a patch out of a trace of a model here that was changed since.
    """
    name: Name = {"text": _plain(text)}
    if pair is not None:
        name["pair"] = pair
    if target is not None:
        name["target"] = _plain(target)
    if edits:
        name["edits"] = [_sent(edit) for edit in edits]
    return name


def known_as(name: Name) -> str:
    """Return a name as one text, the same for equal names."""
    return json.dumps(name, sort_keys=True, separators=(",", ":"), default=_digest)


def made(name: Name, scope: Scope, trace: Callable[[Name], Trace], cancelled: Any) -> Trace:
    """Return the trace that has a name.

    Parameters
    ----------
    name
        As `name_of` returned it, on another machine: nothing in it is taken for granted.
    scope
        The model.
    trace
        Returns the trace of another name: of a patch's source.
    cancelled
        As for `Scope.trace`.

    Raises
    ------
    ValueError, TypeError, IndexError
        As `Scope.trace`, and for what is no name.
    """
    unknown = name.keys() - {"text", "pair", "target", "edits", "masked"}
    if unknown or "text" not in name:
        raise refused("{name!r:.80} names no trace.", name=name)
    edits = edits_of(name, scope, trace)
    masked = [int(n) for n in _listed(name.get("masked"))]
    if masked:
        return trace({key: name[key] for key in name if key != "masked"}).masked(*masked)
    text, target = name["text"], name.get("target")
    return scope.trace(text, pair=name.get("pair"), target=target, edits=edits, cancelled=cancelled)


def edits_of(name: Name, scope: Scope, trace: Callable[[Name], Trace]) -> list[Edit]:
    """Return the edits of a name; the parameters are those of `made`.

    Raises
    ------
    ValueError
        For what is no edit.
    """
    return [_received(one, scope, trace) for one in _listed(name.get("edits"))]


def _plain(text: Any) -> Any:
    """Return a text, ids or messages as JSON has them; what is none is refused where it is read."""
    given: Any = as_list(text)
    if hasattr(given, "tolist"):
        return given.tolist()
    if isinstance(given, Sequence) and not isinstance(given, str):
        return [dict(one) if isinstance(one, Mapping) else one for one in given]
    return given


def _listed(value: Any) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise refused("{name!r:.80} names no trace.", name=value)
    return value or []


def _sent(edit: Edit) -> dict[str, Any]:
    """Return an edit as values: of a patch the name of its source, or the vectors of one here."""
    source: Any = edit.source if isinstance(edit, Patch) else None
    if not isinstance(source, Trace):
        return as_value(edit)
    pairs: Any = edit.positions
    what, layer, _, kind = edit.part
    sent = {
        "do": "patch",
        "part": list(edit.part),
        "positions": None if pairs is None else [list(pair) for pair in pairs],
    }
    named = getattr(source, "wire_name", None)
    if named is not None:
        return {**sent, "trace": named}
    source.check_current()
    recording, point = source.recording, Point(_POINTS.get(what, what), layer, kind)
    (vectors,) = source.scope.editor.read(recording.runner, recording.inputs, [point])
    return {**sent, "vectors": to_numpy(vectors)}


def _received(value: Any, scope: Scope, trace: Callable[[Name], Trace]) -> Edit:
    if not isinstance(value, dict) or not value.keys() & {"trace", "vectors"}:
        return edit_of(value, scope)
    what, layer, head, kind = value["part"]
    positions = value.get("positions")
    part: dict[str, Any] = {what: (layer, head) if what == "head" else layer}
    pairs = None if positions is None else dict(positions)
    source: Any
    if "trace" in value:
        source = trace(value["trace"])
    elif isinstance(value["vectors"], np.ndarray) and value["vectors"].ndim in (2, 3):
        source = Vectors(value["vectors"])
    else:
        raise refused("{name!r:.80} names no trace.", name=value)
    return patch(source=source, **part, positions=pairs, kind=kind)


def _digest(value: Any) -> str:
    return sha256(value.tobytes() + repr((value.shape, value.dtype)).encode()).hexdigest()
