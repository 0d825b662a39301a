"""What a saved notebook shows of a view where no widget can run."""

from __future__ import annotations

import sys
import threading
from base64 import b64encode
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from llmscope.export.keep import page, picture, words
from llmscope.panels import needs_trace
from llmscope.shared import KEPT_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmscope.state import ViewState

_SECONDS = 2.0  # that a person waits at most


def fallback(state: ViewState, most_bytes: float) -> dict[str, Any]:
    """Return what else goes into a view's mime bundle: words, and a picture where there is time.

    Words take the trace that the page will request anyway. A person waits for them for a moment at
    most; a notebook that is run as a whole waits for the picture and the page too. A type of our
    own is always there: by it JupyterLab knows what to show when the widget is no more.

    Parameters
    ----------
    state
        What the view shows.
    most_bytes
        How large a page may be.

    Returns
    -------
    dict
        Contents by mime type.
    """
    made: dict[str, Any] = {KEPT_TYPE: {}}
    if needs_trace(state) and (state.scope is None or not state.text):
        return made
    given_up = threading.Event()
    whole = is_batch_run()

    def make() -> None:
        # Whatever goes wrong, the view itself says it.
        with suppress(Exception):
            if state.session is None and needs_trace(state):
                state.read(given_up.is_set)
            made["text/plain"] = words(state)
            if whole:
                made["image/png"] = picture(state)
                made[KEPT_TYPE] = page(state, most_bytes)

    in_time(make)
    given_up.set()
    return dict(made)


def described(data: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata of a mime bundle: what its picture shows, for whoever can't see it."""
    return {"image/png": {"alt": data["text/plain"]}} if "image/png" in data else {}


def with_fallback(
    bundle: tuple[dict[str, Any], dict[str, Any]],
    state: ViewState,
    most_bytes: float,
    set_trait: Callable[[str, Any], None],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a view's mime bundle with its fallback.

    Parameters
    ----------
    bundle
        Contents and their metadata, by mime type.
    state, most_bytes
        As in `fallback`.
    set_trait
        Takes a trait's name and value: words and picture go into the widget's state, too. Of a
        notebook that is run as a whole that is saved, and where the widget comes back from it, no
        kernel does.

    Returns
    -------
    tuple
        Contents and their metadata.
    """
    data = bundle[0] | fallback(state, most_bytes)
    if "image/png" in data:
        drawn = b64encode(data["image/png"]).decode()
        set_trait("_left", {"words": data["text/plain"], "picture": drawn})
    return data, bundle[1] | described(data)


def in_time(make: Callable[[], None]) -> None:
    """Wait for what `make` does; where a person waits too, for two seconds at most."""
    worker = threading.Thread(target=make, name="llmscope-fallback", daemon=True)
    worker.start()
    worker.join(None if is_batch_run() else _SECONDS)


def is_batch_run() -> bool:
    """Whether a notebook is run as a whole: by nbconvert, papermill, or a builder of pages.

    They answer no `input()`, and say so in each request: ``allow_stdin`` is False.
    """
    ipython = sys.modules.get("IPython")
    kernel = getattr(ipython and ipython.get_ipython(), "kernel", None)
    if kernel is None:
        return False
    return not kernel.get_parent().get("content", {}).get("allow_stdin", True)
