"""Where messages of a view's comm run in the kernel: in the subshell that the page names.

ipykernel 7.4 runs them where the comm last sent something from, for cells that wait for an answer.
No cell waits for one of a view; but its messages would wait for the cell that comes after the one
that showed it, and be refused once that subshell is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipywidgets import Widget

_ROUTE = "_reply_subshell_for"  # of ipykernel's comms


def run_as_addressed(view: Widget) -> None:
    """Have the kernel run messages of a view's comm in the subshell that they name."""
    if hasattr(view.comm, _ROUTE):
        setattr(view.comm, _ROUTE, _as_addressed)


def _as_addressed(_data: Any, subshell: str | None) -> str | None:
    return subshell
