"""The way to views whose comms' messages no longer arrive.

ipykernel 7.4 runs what comes through a comm in the subshell from which the comm last sent
something, also when that one is gone: each message is then refused. A page that learns so opens a
comm of its own (``frontend/src/sources/lost.ts``), which runs on the main thread; there, each view
sends an empty message, and its next ones run there too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import comm

if TYPE_CHECKING:
    from ipywidgets import Widget

TARGET = "llmscope.reach"

_views: WeakSet[Widget] = WeakSet()


def keep_reachable(view: Widget) -> None:
    """Have a view be reached through the comm that a page opens."""
    _views.add(view)
    comm.get_comm_manager().register_target(TARGET, _reach)


def _reach(_opened: Any, _message: Any) -> None:
    for view in list(_views):
        if view.comm is not None:
            view.send({})
