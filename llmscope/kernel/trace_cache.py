"""Traces of one model, or of two, by what was read and by name, the last few of them cached."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from cachetools import LRUCache

from llmscope.capture import Cancelled, stale
from llmscope.kernel.edited_input import OtherInput, input_of
from llmscope.kernel.requests import RequestError
from llmscope.kernel.text_input import TextInput
from llmscope.words import later, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmscope.kernel.inputs import Input
    from llmscope.scope import Scope
    from llmscope.trace import Trace

_TRACES = 4  # held at once
_NAMES = 64  # of traces that can be computed again when they are requested


class TraceCache:
    """The traces that a view shows.

    Parameters
    ----------
    scope
        The model; `None` until one is loaded.
    given
        A trace that is shown as it is, and answers for what it was made of.
    other
        The second of two models that are compared.
    other_given
        A trace of it that is shown as it is.
    """

    def __init__(
        self,
        scope: Scope | None,
        given: Trace | None = None,
        other: Scope | None = None,
        other_given: Trace | None = None,
    ) -> None:
        self.scope = scope
        self.other = other
        self.given = given
        self.other_given = other_given
        self._given: dict[Input, Trace] = {}
        if given is not None:
            self._given[input_of(given)] = given
        if other_given is not None:
            self._given[OtherInput(input_of(other_given))] = other_given
        self._lock = threading.RLock()
        self._traces: LRUCache[Input, Trace] = LRUCache(_TRACES)
        # Inputs with the version of the model that they were traced with, by name and back.
        self._names: LRUCache[str, tuple[Input, int]] = LRUCache(_NAMES)
        self._name_of: LRUCache[tuple[Input, int], str] = LRUCache(_NAMES)
        self._count = 0
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._traces)

    def trace(self, what: Input, cancelled: Callable[[], bool] = lambda: False) -> Trace:
        """Return the trace of an input, computed now unless it is cached.

        Raises
        ------
        ValueError
            When no model is loaded, or it can't read this input.
        Cancelled
            When `cancelled` returned True before the end.
        """
        if self._is_closed:
            raise ValueError(say("This view is closed."))
        scope = self.scope
        if isinstance(what, OtherInput):
            if self.other is None:
                raise ValueError(
                    say("This view shows one model: there is no other to compare with.")
                )
            scope = self.other
        if scope is None:
            raise ValueError(say("No model is loaded yet: pick one first."))
        if (given := self._given.get(what)) is not None:
            given.check_current()
            return given
        with self._lock:
            found = self._traces.get(what)
            if found is not None and found.is_current:
                return found
        if isinstance(what, TextInput) and what.masked:
            made = self.trace(what.unmasked, cancelled).masked(*what.masked)
        else:
            made = what.trace(scope, cancelled)
        if cancelled():
            raise Cancelled
        with self._lock:
            self._traces[what] = made
        return made

    def name(self, what: Input, trace: Trace) -> str:
        """Return the name of a trace of `what`, the same one while the model stays the same."""
        key = (what, trace.version)
        with self._lock:
            name = self._name_of.get(key)
            if name is None or name not in self._names:
                self._count += 1
                name = f"t{self._count}"
            self._name_of[key] = name
            self._names[name] = key
            return name

    def named(self, name: str, cancelled: Callable[[], bool] = lambda: False) -> Trace:
        """Return the trace that goes by a name.

        Raises
        ------
        RequestError
            When no trace has this name.
        RuntimeError
            When the model was changed since it was named.
        Cancelled
            When `cancelled` returned True before the end.
        """
        with self._lock:
            if name not in self._names:
                raise RequestError(
                    say("There is no trace {name} any more. Edit the text to read it.", name=name)
                )
            what, version = self._names[name]
        trace = self.trace(what, cancelled)
        if trace.version != version:
            raise stale(remedy=later("Edit the text to read it with the model as it is now."))
        return trace

    def forget_given(self) -> None:
        """Make anew what was shown as it was given, such as of a model that has changed."""
        with self._lock:
            self._given.clear()
            self.given = self.other_given = None

    def release(self) -> None:
        """Free all traces that can be computed again."""
        with self._lock:
            self._traces.clear()

    def close(self) -> None:
        """Free everything, the model included."""
        with self._lock:
            self._traces.clear()
            self._names.clear()
            self._name_of.clear()
            self._given.clear()
            self.scope = self.other = self.given = self.other_given = None
            self._is_closed = True
