"""An input that is read under edits, and edits as JSON values: in keys, and in a view's traits."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.edits import Ablation, Edit, Patch, Scaling, ablate, patch, scale_head, steer
from llmscope.edits.edit import Vectors
from llmscope.kernel.text_input import IdsInput, TextInput
from llmscope.words import say

if TYPE_CHECKING:
    from llmscope.capture import Recording
    from llmscope.edits.edit import Part
    from llmscope.scope import Scope
    from llmscope.trace import Trace

MOST_EDITS = 1000


@dataclass(frozen=True)
class EditedInput:
    """An input under edits.

    Attributes
    ----------
    edits
        A list of edits as JSON, as `as_values` makes them.
    input
        What is read.
    """

    edits: str
    input: TextInput | IdsInput

    def trace(self, scope: Scope, cancelled: Callable[[], bool]) -> Trace:
        """Run the model on this input, under the edits.

        Raises
        ------
        ValueError, IndexError
            For edits of what the model doesn't have.
        Cancelled
            When `cancelled` returned True before the end.
        """
        given = [edit_of(value, scope) for value in json.loads(self.edits)]
        return self.input.trace(scope.under(given), cancelled)


@dataclass(frozen=True)
class OtherInput:
    """What the other model of two that are compared reads.

    Attributes
    ----------
    input
        What is read.
    """

    input: TextInput | IdsInput | EditedInput

    def trace(self, scope: Scope, cancelled: Callable[[], bool]) -> Trace:
        """Run the other model, `scope`, on this input.

        Raises
        ------
        Cancelled
            When `cancelled` returned True before the end.
        """
        return self.input.trace(scope, cancelled)


class TracedLater:
    """The source of a patch, which is traced when it is read."""

    def __init__(self, scope: Scope, what: TextInput | EditedInput) -> None:
        self.input = what
        self._scope = scope.under(())
        self._trace: Trace | None = None

    @property
    def recording(self) -> Recording:
        """The recorded pass."""
        return self._traced().recording

    def __len__(self) -> int:
        return len(self._traced())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TracedLater) and other.input == self.input

    def __hash__(self) -> int:
        return hash(self.input)

    def _traced(self) -> Trace:
        if self._trace is None or not self._trace.is_current:
            self._trace = self.input.trace(self._scope, lambda: False)
        return self._trace


def input_of(trace: Trace) -> TextInput | EditedInput:
    """Return the input that `trace` was made of, edits included."""
    made = TextInput.of(trace)
    return EditedInput(as_json(trace.edits), made) if trace.edits else made


def without_source(
    what: TextInput | EditedInput, source: TextInput
) -> TextInput | IdsInput | EditedInput:
    """Return an input without what is patched into it from `source`, which is under no edits."""
    if not isinstance(what, EditedInput):
        return what
    parts = [*source.parts, []]
    left = [one for one in json.loads(what.edits) if one.get("source") != parts]
    return EditedInput(dense(left), what.input) if left else what.input


def as_json(edits: Sequence[Edit]) -> str:
    """Return edits as the text that stands in keys."""
    return dense([as_value(edit) for edit in edits])


def dense(values: Any) -> str:
    """Return JSON as the page writes it."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def as_value(edit: Edit) -> dict[str, Any]:
    """Return an edit as a JSON value; `edit_of` takes it back."""
    value: dict[str, Any] = {"part": _of_part(edit.part)}
    if isinstance(edit, Ablation):
        value = {"do": "ablate", **value, "by": edit.by}
        if edit.edge is not None:
            value["edge"] = list(edit.edge)
        if edit.reference:
            value["reference"] = list(edit.reference)
    elif isinstance(edit, Scaling):
        value = {"do": "scale", **value, "factor": _plain(edit.factor)}
    elif isinstance(edit, Patch):
        value = {"do": "patch", **value, "source": _of_source(edit)}
        if edit.positions is not None:
            value["positions"] = [list(pair) for pair in edit.positions]
        return value
    else:
        of: Any = edit.direction
        of = list(of) if isinstance(of, tuple) else [_plain(number) for number in of]
        scale = _plain(edit.scale)
        value = {"do": "steer", **value, "direction": of, "scale": scale, "align": edit.align}
    if edit.positions is not None:
        value["positions"] = list(edit.positions)
    return value


def edit_of(value: Any, scope: Scope) -> Edit:
    """Return the edit that a JSON value means.

    Raises
    ------
    ValueError
        For a value that means none.
    """
    try:
        return _edit_of(dict(value), scope)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            say("{value!r:.80} is no edit: {error}", value=value, error=error)
        ) from error


def _edit_of(value: dict[str, Any], scope: Scope) -> Edit:
    what, layer, head, kind = value.pop("part")
    do, positions = value.pop("do"), value.pop("positions", None)
    part: dict[str, Any] = {what: (layer, head) if what == "head" else layer}
    options: dict[str, Any]
    if do == "ablate":
        reference = [_text(one) for one in value.pop("reference", [])]
        options = {"by": value.pop("by"), "positions": positions, "reference": reference}
        edge = value.pop("edge", None)
        if edge is not None:
            part = {"edge": (layer, head, *edge)}
        return ablate(**part, **options, kind=kind)
    if do == "scale":
        return scale_head((layer, head), value["factor"], positions=positions, kind=kind)
    if do == "patch":
        text, pair, target, masked, edits = value["source"]
        read = TextInput(_text(text), _text(pair), _text(target), tuple(map(int, masked)))
        source = TracedLater(scope, EditedInput(dense(edits), read) if edits else read)
        pairs = None if positions is None else dict(positions)
        return patch(source=source, **part, positions=pairs, kind=kind)
    if do == "steer" and what == "layer":
        of = value["direction"]
        direction = tuple(of) if isinstance(of[0], str) else np.array(of, dtype=np.float32)
        options = {"scale": value["scale"], "align": value["align"]}
        return steer(layer=layer, direction=direction, positions=positions, kind=kind, **options)
    raise ValueError(say("There is no edit {do!r} of {what!r}.", do=do, what=what))


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise TypeError(say("{given!r:.40} is no text", given=given))
    return given


def _plain(number: float) -> float:
    """Return a number as the page spells it: 4, not 4.0."""
    number = float(number)
    return int(number) if number.is_integer() else number


def _of_part(part: Part) -> list[Any]:
    return [part.what, part.layer, part.head, part.kind]


def _of_source(edit: Patch) -> list[Any] | None:
    source: Any = edit.source
    if isinstance(source, Vectors):
        return None  # no text makes it
    what = source.input if isinstance(source, TracedLater) else input_of(source)
    if isinstance(what, EditedInput):
        assert isinstance(what.input, TextInput)
        return [*what.input.parts, json.loads(what.edits)]
    return [*what.parts, []]
