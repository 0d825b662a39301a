"""What a saved notebook shows of a view where it isn't live: words, a picture, perhaps a page."""

from __future__ import annotations

import io
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from llmscope.capture import NEVER
from llmscope.export.plain_text import generated, summary
from llmscope.kernel.patching import only_known
from llmscope.panels import needs_trace
from llmscope.words import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmscope.export.choice import Choice
    from llmscope.state import ViewState

_DPI = 96
_LARGEST = 50e6  # bytes of a page that is sent to be saved


def kept(
    state: ViewState, most_bytes: float, cancelled: Callable[[], bool] = NEVER
) -> dict[str, Any]:
    """Return what is kept of a view each time that it has come to rest.

    Parameters
    ----------
    state
        What the view shows.
    most_bytes
        How large a page may be; of a larger one there is none.
    cancelled
        Says whether nobody waits for it any more.

    Returns
    -------
    dict
        Its `state`, which names what is shown, `words`, and the `page` if it may be that large;
        nothing of a view that shows nothing. The picture is taken where the view is on screen.
    """
    made: dict[str, Any] = {}
    if needs_trace(state) and (state.scope is None or not state.text):
        return made
    # Whatever goes wrong, the view itself says it.
    with suppress(Exception):
        made["words"] = words(state)
        made["state"] = sha256(repr(sorted(state.traits.items())).encode()).hexdigest()[:16]
        if not cancelled():
            made |= page(state, most_bytes)
    return made


def whole_page(state: ViewState) -> str:
    """Return the page of a view, as a person saves it.

    Raises
    ------
    ValueError
        When there is nothing to show, or more than a page holds.
    """
    from llmscope.export.page import page_of
    from llmscope.export.size import size_of

    if (size := size_of([state]).total) > _LARGEST:
        raise ValueError(
            say(
                "The page would take {size:.0f} MB. In Python, view.to_html(path, "
                "layers=[…]) makes one of some layers.",
                size=size / 1000000.0,
            )
        )
    return page_of([state]).html


def words(state: ViewState) -> str:
    """Return what a view shows, in words."""
    return summary(state) if state.session is None else generated(state)


def picture(state: ViewState) -> bytes:
    """Return what a view shows as a PNG, as `View.figure` draws it."""
    from llmscope.export.figures import figure

    target = io.BytesIO()
    figure(state, None).savefig(target, format="png", dpi=_DPI)
    return target.getvalue()


def page(state: ViewState, most_bytes: float) -> dict[str, str]:
    """Return the page of a view under its name; nothing where it would be too large, or is none."""
    from llmscope.export.page import page_of
    from llmscope.export.size import size_of

    with suppress(ValueError, IndexError):
        choice: Choice = {} if state.thinned is None else {"max_mb": most_bytes / 1e6}
        # An estimate may be off by a third.
        if most_bytes > 0 and (choice or size_of([state]).total <= most_bytes * 4 / 3):
            # A view that rests isn't to keep the model busy with what nobody waits for.
            with only_known():
                made = page_of([state], **choice)
            if made.size <= most_bytes:
                return {"page": made.html}
    return {}
