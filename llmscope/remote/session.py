"""A text that a view generates, on a server: the journal of what was done is kept here."""

from __future__ import annotations

import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

from llmscope.generation.tree import Tree
from llmscope.kernel import requests as ask
from llmscope.kernel.beside import beside
from llmscope.kernel.protocol import format_key
from llmscope.kernel.requests import PAUSE
from llmscope.remote.names import name_of
from llmscope.remote.run import RemoteRecord
from llmscope.remote.values import packed, unpacked
from llmscope.remote.writing import NOTHING, marked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmscope.generation import Run
    from llmscope.kernel.requests import Part
    from llmscope.remote.asked import Asked
    from llmscope.scope import Scope
    from llmscope.trace import Trace

_APART = 0.05  # seconds between two parts


class RemoteSession:
    """In the place of a `GenerationSession`, for a model on a server.

    Parameters
    ----------
    asked
        The model.
    scope
        Its face here, with the edits of the view.
    settings
        Returns the seed and the settings of the next step.
    run
        What was generated before.
    """

    def __init__(
        self,
        asked: Asked,
        scope: Scope,
        settings: Callable[[], dict[str, Any]],
        run: Run | None,
    ) -> None:
        self.run = run
        self._model = asked
        self._scope = scope
        self._settings = settings
        self._id = uuid.uuid4().hex
        self._journal: list[list[Any]] = []
        self._marks = [NOTHING]  # of the journal up to each entry
        self._known = 0  # entries that the server has
        self._lock = threading.Lock()  # one change after the other, as the journal has them
        self._prompt: str | None = None

    def __call__(self, request: ask.Request) -> Part:
        """Answer a request that changes or reads the tree."""
        if isinstance(request, ask.Copy):
            return self._answer(read=format_key(request))
        key = format_key(request)
        if isinstance(request, ask.Begin):
            found = self._answer(key)
            self._prompt = request.prompt
            return found
        return self._answer(key)

    def steps(self, count: int, *, together: bool) -> Iterator[Part]:
        """Generate up to `count` tokens, and yield the state as they come."""
        last, nodes = 0.0, []
        for left in reversed(range(count)):
            key = format_key(ask.StepOn(1) if together else ask.Step(1))
            state: Part = {}
            for part in beside(self._parts(key), lambda: False):
                if part is PAUSE:
                    yield PAUSE
                else:
                    state = part
            nodes += state["nodes"]
            is_over = left == 0 or state["ended"]
            if is_over or time.monotonic() - last > _APART:
                yield {**state, "nodes": nodes}
                last, nodes = time.monotonic(), []
            if is_over:
                return
            together = True
            yield PAUSE

    def logits(self, number: int) -> Any:
        """Return logits (vocabulary,) after a node."""
        return self._answer(read=format_key(ask.NodeLogits(number)))["logits"]

    def at(self, prompt: str) -> RemoteTree:
        """Return what was generated after a prompt."""
        if prompt != self._prompt:
            self(ask.Begin(prompt))
        return RemoteTree(self._scope, self._answer(read="tree"))

    @property
    def stepper(self) -> RemoteTree | None:
        """What was generated; `None` before the first prompt."""
        return None if self._prompt is None else self.at(self._prompt)

    @property
    def prompts_left(self) -> list[str]:
        """Earlier prompts whose text can be continued."""
        left: list[str] = self._answer(read="tree")["left"] if self._journal else []
        return left

    def forget(self) -> None:
        """Begin a new text on the server."""
        self._id, self._journal, self._known = uuid.uuid4().hex, [], 0
        self._marks = [NOTHING]
        self._prompt = None

    def close(self) -> None:
        """Let go of everything."""
        self.forget()
        self.run = None

    def _answer(self, key: str | None = None, read: str | None = None) -> Part:
        found: Part = {}
        for part in self._parts(key, read):
            found = part
        return found

    def _parts(self, key: str | None = None, read: str | None = None) -> Iterator[Part]:
        """Yield the parts of an answer; what the server lacks of the journal is told first."""
        with self._lock:
            entry = [] if key is None else [[key, self._settings()]]
            yield from self._told(unpacked(packed(entry), classes=False), read)

    def _told(self, entry: list[list[Any]], read: str | None) -> Iterator[Part]:
        name = name_of("", None, None, self._scope.edits)
        told: dict[str, Any] = {"do": "write", "id": self._id, "of": [name]}
        if read is not None:
            told["read"] = read
        if isinstance(record := getattr(self.run, "record", None), RemoteRecord):
            told["run"] = record.made_by
        known = self._known
        while True:
            entries, missing = [*self._journal[known:], *entry], None
            message = {**told, "first": known, "mark": self._marks[known], "entries": entries}
            for part in self._model.parts(message):
                if "missing" in part:
                    missing = int(part["missing"])
                else:
                    yield part
            if missing is None or missing >= known:
                break
            known = missing
        for one in entry:
            self._journal.append(one)
            self._marks.append(marked(self._marks[-1], one))
        self._known = len(self._journal)


class RemoteTree:
    """What was generated on a server, in the place of a `Stepper` that is read.

    Parameters
    ----------
    scope
        The model.
    found
        What the server says of it.

    Attributes
    ----------
    scope
        The model.
    tree
        All generated tokens.
    source
        Token ids of the encoder's side; empty for models without an encoder.
    """

    def __init__(self, scope: Scope, found: dict[str, Any]) -> None:
        self.scope = scope
        self.tree = Tree.of(found["prompt"], found["nodes"], found["current"])
        self.source: list[int] = found["source"]

    def ids(self, number: int | None = None) -> list[int]:
        """Return the token ids up to a node, by default the current one."""
        return self.tree.ids(self.tree.current if number is None else number)

    def text(self, number: int | None = None) -> str:
        """Return the text up to a node, by default the current one."""
        return str(self.scope.tokenizer.decode(self.ids(number), skip_special_tokens=True))

    def trace(self, number: int | None = None) -> Trace:
        """Trace the text up to a node, by default the current one."""
        if self.source:
            return self.scope.trace(self.source, target=self.ids(number))
        return self.scope.trace(self.ids(number))
