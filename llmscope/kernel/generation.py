"""A text that a view generates: one stepper for each prompt, and what a page sees of it."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from llmscope.capture import to_numpy
from llmscope.kernel import requests as ask
from llmscope.kernel.cpu_threads import Pace
from llmscope.kernel.requests import PAUSE, RequestError
from llmscope.text import from_ids, labels
from llmscope.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from llmscope.generation import Run
    from llmscope.generation.stepping import Stepper
    from llmscope.kernel.requests import Part
    from llmscope.scope import Scope

    Settings = Callable[[], dict[str, Any]]

_APART = 0.05  # seconds between two parts: nobody reads faster, and each costs a redraw
_LEFT = 4  # steppers that are kept for when their prompt comes back
_WINDOW = 16  # tokens that are decoded to see what one more adds to the text


def session_of(scope: Scope, settings: Settings, run: Run | None = None) -> GenerationSession:
    """Return a text that a model generates, wherever the model is; see `GenerationSession`."""
    if scope.elsewhere is None:
        return GenerationSession(scope, settings, run)
    session: GenerationSession = scope.elsewhere.session(scope, settings, run)
    return session


class GenerationSession:
    """A text that is generated token by token, and its branches.

    Parameters
    ----------
    scope
        The model.
    settings
        Returns the seed and the settings of the next step.
    run
        What was generated before; its sequences are the first branches.

    Attributes
    ----------
    run : Run or None
        What was generated before.
    """

    def __init__(self, scope: Scope, settings: Settings, run: Run | None = None) -> None:
        self.scope = scope
        self.run = run
        self._settings = settings
        self._unused = run
        # The model's own: a processor of `generate`, which holds it, may look at the view.
        self._lock = scope.runner.lock
        self._stepper: Stepper | None = None
        self._prompt: str | None = None
        self._left: LRUCache[str, Stepper] = LRUCache(_LEFT)  # by prompt
        self._pace = Pace()

    @property
    def stepper(self) -> Stepper | None:
        """The `Stepper` in use; `None` before the first prompt."""
        return self._stepper

    @property
    def prompts_left(self) -> list[str]:
        """Earlier prompts whose text can be continued."""
        return list(self._left)

    def at(self, prompt: str) -> Stepper:
        """Return the `Stepper` that continues `prompt`."""
        with self._lock:
            return self._turn_to(prompt)

    def forget(self) -> None:
        """Free what was generated after other prompts, and after this one once it is left."""
        with self._lock:
            self._left.clear()
            self._prompt = None

    def close(self) -> None:
        """Free everything that was generated."""
        with self._lock:
            self._left.clear()
            self._stepper = self._prompt = self._unused = self.run = None

    def __call__(self, request: ask.Request) -> Part:
        """Answer a request that changes or reads the tree."""
        with self._lock:
            if isinstance(request, ask.Begin):
                return self._begin(request.prompt)
            stepper = self._here()
            before = stepper.tree.last
            match request:
                case ask.Copy(node) | ask.Select(node) | ask.Force(after=node):
                    self._check(node)
            match request:
                case ask.Copy(node):
                    return {
                        "text": stepper.text(node),
                        "ids": stepper.ids(node),
                        "call": stepper.call(node),
                    }
                case ask.Force(after, token):
                    stepper.force(token, after=after)
                case ask.Select(node):
                    stepper.select(node)
                case ask.Undo():
                    stepper.undo()
                case _:
                    raise TypeError(request)
            return self._state(min(before, stepper.tree.last))

    def steps(self, count: int, *, together: bool) -> Iterator[Part]:
        """Generate up to `count` tokens, and yield the state as they come.

        Parameters
        ----------
        count
            Number of tokens.
        together
            Whether undo takes them back together with the change before.

        Yields
        ------
        dict
            The state, at most every 50 ms; and `PAUSE` after each token.
        """
        sent, last = self._here().tree.last, -math.inf
        for left in reversed(range(count)):
            with self._lock:
                stepper = self._here()
                self._configure(stepper)
                with self._pace.step():
                    stepper.step(together=together)
                is_over = left == 0 or stepper.ended()
                state = None
                if is_over or time.monotonic() - last > _APART:
                    state = self._state(min(sent, stepper.tree.last))
                    sent, last = stepper.tree.last, time.monotonic()
            if state:
                yield state
            if is_over:
                return
            together = True
            yield PAUSE

    def logits(self, number: int) -> NDArray[np.float32]:
        """Return logits (vocabulary,) after a node."""
        with self._lock:
            self._check(number)
            return to_numpy(self._here().logits(number))

    def _here(self) -> Stepper:
        if self._stepper is None:
            raise ValueError(say("Nothing is being written yet: give a prompt first."))
        return self._stepper

    def _check(self, node: int) -> None:
        if node not in self._here().tree:
            raise RequestError(say("There is no node {node} in this tree.", node=node))

    def _begin(self, prompt: str) -> Part:
        """Return the state after a prompt, from the first node on."""
        stepper = self._turn_to(prompt)
        self._configure(stepper)
        tokens = from_ids(self.scope.tokenizer, stepper.tree.prompt)
        rows = [[token.id, token.label, 0, 0, token.special] for token in tokens]
        return {**self._state(0), "prompt": rows, "source": stepper.source}

    def _turn_to(self, prompt: str) -> Stepper:
        """Begin after another prompt, or go on where it was left: a slip is no loss."""
        from llmscope.generation.stepping import Stepper

        if self._stepper is not None and prompt == self._prompt:
            return self._stepper
        if self._stepper is not None and self._prompt is not None and len(self._stepper.tree):
            self._left[self._prompt] = self._stepper
        stepper = self._left.pop(prompt, None)
        if stepper is None:
            run, self._unused = self._unused, None
            begin = prompt if run is None else run.begin
            stepper = Stepper(self.scope, begin, **self._settings())
            if run is not None:
                stepper.adopt(run.tree)
        self._stepper, self._prompt = stepper, prompt
        return stepper

    def _configure(self, stepper: Stepper) -> None:
        settings = self._settings()
        seed = settings.pop("seed")
        if seed != stepper.seed:
            stepper.seed = seed
        if settings != stepper.settings:
            stepper.configure(**settings)

    def _state(self, known: int) -> Part:
        """Return the nodes after node `known`, and where the next token goes."""
        stepper = self._here()
        tree = stepper.tree
        tokenizer = self.scope.tokenizer
        rows = tree.rows(known)
        names = labels(tokenizer, [row["token"] for row in rows])
        for row, label in zip(rows, names, strict=True):
            row |= {"label": label, "text": self._text(row["number"])}
        return {
            "nodes": rows,
            "count": len(tree),
            "current": tree.current,
            "ended": stepper.ended(),
            "can_undo": tree.can_undo,
            "seed": stepper.seed,
        }

    def _text(self, number: int) -> str:
        """Return what one node adds to the text; nothing while a character isn't whole."""
        ids = self._here().tree.ids(number)[-_WINDOW:]
        decode = self.scope.tokenizer.decode
        whole = str(decode(ids, skip_special_tokens=True)).rstrip("\ufffd")
        before = str(decode(ids[:-1], skip_special_tokens=True)).rstrip("\ufffd")
        return whole[len(before) :] if whole.startswith(before) else ""
