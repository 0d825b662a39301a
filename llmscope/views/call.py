"""The Python that makes a view as it is on screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_PASSING = ("playing",)  # what a view does, not what it shows


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
