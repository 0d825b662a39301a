"""The Python that makes a view as it is on screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmscope.edits import Patch
from llmscope.kernel.edited_input import EditedInput, TracedLater, input_of
from llmscope.kernel.text_input import TextInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmscope.edits import Edit

_PASSING = ("playing", "slide")  # what a view does, not what it shows


class Code(str):
    """Python that stands in a call as it is."""

    def __repr__(self) -> str:
        return str(self)


def source_of(edit: Edit) -> str:
    """Return the Python that traces the source of a patch; of other edits, nothing."""
    if not isinstance(edit, Patch):
        return ""
    source: Any = edit.source
    what = source.input if isinstance(source, TracedLater) else input_of(source)
    inner = what.input if isinstance(what, EditedInput) else what
    assert isinstance(inner, TextInput)
    names = {"pair": inner.pair, "target": inner.target}
    more = [f"{name}={value!r}" for name, value in names.items() if value]
    return f"scope.trace({', '.join([repr(inner.text), *more])})"


def call_of(maker: str, traits: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """Return an expression that makes a view.

    Parameters
    ----------
    maker
        The beginning of the call, up to what goes before the text.
    traits
        Values of all traits of the view, by name; ``text`` is one of them.
    defaults
        Their defaults.

    Returns
    -------
    str
        One line, with the traits that aren't the defaults.
    """
    changed = [
        f"{name}={value!r}"
        for name, value in traits.items()
        if not name.startswith("_") and name not in ("text", *_PASSING) and value != defaults[name]
    ]
    return f"{maker}{', '.join([repr(traits['text']), *changed])})"
