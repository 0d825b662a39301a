"""What a saved notebook shows of a view where no widget can run."""

from __future__ import annotations

import io
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from llmscope.export.plain_text import generated, summary

if TYPE_CHECKING:
    from llmscope.state import ViewState

_SECONDS = 2.0  # that a person waits at most
_DPI = 96


def fallback(state: ViewState) -> dict[str, Any]:
    """Return what else goes into a view's mime bundle: words, and a picture where there is time.

    Words take the trace that the page will request anyway. A person waits for them for a moment at
    most; a notebook that is run as a whole waits for the picture too.

    Parameters
    ----------
    state
        What the view shows.

    Returns
    -------
    dict
        Contents by mime type.
    """
    if state.scope is None or not state.text:
        return {}
    given_up = threading.Event()
    whole = is_batch_run()
    made: dict[str, Any] = {}

    def make() -> None:
        # Whatever goes wrong, the view itself says it.
        with suppress(Exception):
            if state.session is not None:
                made["text/plain"] = generated(state)
            else:
                state.read(given_up.is_set)
                made["text/plain"] = summary(state)
            if whole:
                made["image/png"] = _picture(state)

    worker = threading.Thread(target=make, name="llmscope-fallback", daemon=True)
    worker.start()
    worker.join(None if whole else _SECONDS)
    given_up.set()
    return dict(made)


def _picture(state: ViewState) -> bytes:
    from llmscope.export.figures import figure

    target = io.BytesIO()
    figure(state, None).savefig(target, format="png", dpi=_DPI)
    return target.getvalue()


def is_batch_run() -> bool:
    """Whether a notebook is run as a whole: by nbconvert, papermill, or a builder of pages.

    They answer no `input()`, and say so in each request: ``allow_stdin`` is False.
    """
    ipython = sys.modules.get("IPython")
    kernel = getattr(ipython and ipython.get_ipython(), "kernel", None)
    if kernel is None:
        return False
    return not kernel.get_parent().get("content", {}).get("allow_stdin", True)
