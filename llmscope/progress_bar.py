"""A progress bar that leaves nothing behind, in no notebook that is saved or published."""

from __future__ import annotations

import io
import sys
from typing import Any

from tqdm.std import tqdm

_COLUMNS = 72


def progress_bar(**settings: Any) -> tqdm[Any]:
    """Return a bar that goes when it is closed.

    None is drawn where transformers draws none, and in marimo.

    Parameters
    ----------
    **settings
        As tqdm takes them.
    """
    from transformers.utils.logging import is_progress_bar_enabled

    kind: type[tqdm[Any]] = NotebookBar if _is_notebook() else tqdm
    disabled = _is_marimo() or not is_progress_bar_enabled()
    return kind(**{"leave": False, "disable": disabled, **settings})


class NotebookBar(tqdm):  # type: ignore[type-arg]
    """A bar as text in an output of its own, which is empty in the end.

    A widget would stay in the saved notebook as one that is lost, and text on the error stream as
    the last thing that it said.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        self._output: Any = None
        super().__init__(*args, **{**settings, "file": io.StringIO(), "ncols": _COLUMNS})

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Show the bar as it is now; with an empty `msg`, nothing."""
        from IPython.display import display

        text = str(self) if msg is None else msg
        bundle = {"text/plain": text} if text else {"text/html": ""}
        if self._output is not None:
            self._output.update(bundle, raw=True)
        elif text:
            self._output = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]


def _is_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    return hasattr(ipython and ipython.get_ipython(), "kernel")


def _is_marimo() -> bool:
    """Whether a cell of marimo runs, which keeps all that a bar says, and shows that it runs."""
    marimo = sys.modules.get("marimo")
    return marimo is not None and bool(marimo.running_in_notebook())
