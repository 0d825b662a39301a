"""A text that a view generates, where the model is: a journal of what was done remakes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmscope.kernel import requests as ask
from llmscope.kernel.generation import GenerationSession
from llmscope.kernel.protocol import parse
from llmscope.kernel.requests import PAUSE
from llmscope.words import refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmscope.generation.run import Run
    from llmscope.kernel.requests import Part
    from llmscope.scope import Scope

_CHANGES = (ask.Begin, ask.Force, ask.Select, ask.Undo, ask.Step)


class Writing:
    """One text with its branches.

    The journal is kept by who generates: each entry is a key with the settings and the seed of that
    moment. The same entries make the same tree, since tokens are drawn with the seed. So a
    server that has none of it, or less, is told the rest, and one that has all of it already
    answers with what it said.

    Parameters
    ----------
    scope
        The model, under the edits of the view.
    run
        What was generated before; its sequences are the first branches.
    """

    def __init__(self, scope: Scope, run: Run | None = None) -> None:
        self._settings: dict[str, Any] = {}
        self._session = GenerationSession(scope, lambda: dict(self._settings), run)
        self._done = 0  # entries of the journal
        self._said: list[Part] = []  # of the last one

    def answer(self, message: dict[str, Any]) -> Iterator[Any]:
        """Do what the journal has more of, and yield the parts of its last entry.

        ``{"missing": n}`` is yielded when the entries from number n on are needed first.
        """
        first, entries = message["first"], message["entries"]
        if first > self._done:
            yield {"missing": self._done}
            return
        for number, (key, settings) in enumerate(entries, start=first):
            if number < self._done:
                continue
            parts = []
            for part in self._do(key, settings):
                if part is PAUSE:
                    yield PAUSE
                else:
                    parts.append(part)
            self._done, self._said = number + 1, parts
        if (key := message.get("read")) is None:
            yield from self._said
        else:
            yield self._reading(key)

    def _do(self, key: str, settings: dict[str, Any]) -> Iterator[Any]:
        request = parse(key)
        if not isinstance(request, _CHANGES):
            raise refused("There is nothing to do by {message!r:.80}.", message=key)
        self._settings = dict(settings)
        if isinstance(request, ask.Step):
            together = isinstance(request, ask.StepOn)
            yield from self._session.steps(request.count, together=together)
        else:
            yield self._session(request)

    def _reading(self, key: str) -> Any:
        if key == "tree":
            return self._tree()
        request = parse(key)
        if isinstance(request, ask.NodeLogits):
            return {"logits": self._session.logits(request.node)}
        if isinstance(request, ask.Copy):
            return self._session(request)
        raise refused("There is nothing to do by {message!r:.80}.", message=key)

    def _tree(self) -> Any:
        stepper = self._session.stepper
        if stepper is None:
            raise refused("Nothing is being written yet: give a prompt first.")
        return {
            "prompt": list(stepper.tree.prompt),
            "nodes": list(stepper.tree),
            "current": stepper.tree.current,
            "source": stepper.source,
            "left": self._session.prompts_left,
        }
