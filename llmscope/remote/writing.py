"""A text that a view generates, where the model is: a journal of what was done remakes it."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from llmscope.kernel import requests as ask
from llmscope.kernel.generation import GenerationSession
from llmscope.kernel.protocol import parse
from llmscope.kernel.requests import PAUSE
from llmscope.remote.bounds import MOST_ENTRIES, check_settings
from llmscope.words import refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmscope.generation.run import Run
    from llmscope.kernel.requests import Part
    from llmscope.scope import Scope

NOTHING = ""  # the mark of an empty journal
_CHANGES = (ask.Begin, ask.Force, ask.Select, ask.Undo, ask.Step)


def marked(before: str, entry: list[Any]) -> str:
    """Return what tells a journal from others, once it has one entry more.

    Parameters
    ----------
    before
        The mark of the journal so far.
    entry
        A key, and settings.
    """
    return sha256((before + json.dumps(entry, sort_keys=True)).encode()).hexdigest()[:16]


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
        self._scope, self._run = scope, run
        self._marks = [NOTHING]  # of the journal up to each entry
        self._said: list[Part] = []  # of the last one
        self._is_within = False  # whether an entry was begun, and isn't done

    def answer(self, message: dict[str, Any]) -> Iterator[Any]:
        """Do what the journal has more of, and yield the parts of its last entry.

        ``{"missing": n}`` is yielded when the entries from number n on are needed first.
        """
        first, entries, mark = message["first"], message["entries"], message["mark"]
        if len(entries) > MOST_ENTRIES:
            raise refused("There is nothing to do by {message!r:.80}.", message=message)
        marks = [mark]
        for entry in entries:
            marks.append(marked(marks[-1], entry))
        is_other = any(a != b for a, b in zip(marks, self._marks[first:], strict=False))
        if self._is_within or is_other or len(self._marks) > first + len(marks):
            self._begin_anew()  # what was done isn't what the journal says
        if first >= len(self._marks):
            yield {"missing": len(self._marks) - 1}
            return
        for number, (key, settings) in enumerate(entries, start=first):
            if number < len(self._marks) - 1:
                continue
            parts, self._is_within = [], True
            for part in self._do(key, settings):
                if part is PAUSE:
                    yield PAUSE
                else:
                    parts.append(part)
            self._marks.append(marks[number - first + 1])
            self._said, self._is_within = parts, False
            yield PAUSE
        if (key := message.get("read")) is None:
            yield from self._said
        else:
            yield self._reading(key)

    def _begin_anew(self) -> None:
        self._session = GenerationSession(self._scope, lambda: dict(self._settings), self._run)
        self._marks, self._said, self._is_within = [NOTHING], [], False

    def _do(self, key: str, settings: dict[str, Any]) -> Iterator[Any]:
        request = parse(key)
        if not isinstance(request, _CHANGES):
            raise refused("There is nothing to do by {message!r:.80}.", message=key)
        check_settings(settings)
        self._settings = dict(settings)
        if isinstance(request, ask.Step):
            check_settings({"max_new_tokens": request.count})
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
