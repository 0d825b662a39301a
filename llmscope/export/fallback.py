"""What a saved notebook shows of a view where no widget can run."""

from __future__ import annotations

import io
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from llmscope.export.plain_text import summary

if TYPE_CHECKING:
    from llmscope.views.base import View

_SECONDS = 0.3  # that a person waits at most
_DPI = 96


def fallback(view: View) -> dict[str, Any]:
    """Give what else goes into a view's mime bundle: words, and a picture where there is time.

    Words take the trace that the page will ask for anyway. A person waits for them for a moment at
    most; a notebook that is run as a whole waits for the picture too.
    """
    if view.scope is None or not view.text:
        return {}
    given_up = threading.Event()
    whole = _nobody_waits()
    made: dict[str, Any] = {}

    def make() -> None:
        # Whatever goes wrong, the view itself says it.
        with suppress(Exception):
            if "generation" in view._panels:
                made["text/plain"] = _written(view)
            else:
                view._answers.trace(view.text, given_up.is_set)
                made["text/plain"] = summary(view)
            if whole:
                made["image/png"] = _picture(view)

    worker = threading.Thread(target=make, name="llmscope-fallback", daemon=True)
    worker.start()
    worker.join(None if whole else _SECONDS)
    given_up.set()
    return dict(made)


def _written(view: View) -> str:
    """Give prompt and texts of a view that writes, without making it begin."""
    assert view.scope is not None
    run = getattr(view, "run", None)
    return "\n".join([f"{view.scope.name}: {view.text}", *(run.texts if run else [])])


def _picture(view: View) -> bytes:
    target = io.BytesIO()
    view.figure().savefig(target, format="png", dpi=_DPI)
    return target.getvalue()


def _nobody_waits() -> bool:
    """Whether a notebook is run as a whole: by nbconvert, papermill, or a builder of pages.

    Who runs it so can't answer `input()`, and says so.
    """
    ipython = sys.modules.get("IPython")
    kernel = getattr(ipython and ipython.get_ipython(), "kernel", None)
    if kernel is None:
        return False
    return not kernel.get_parent().get("content", {}).get("allow_stdin", True)
