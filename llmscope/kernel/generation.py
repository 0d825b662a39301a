"""What a view can ask of a text that is being written; `answers` lists the keys."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from llmscope.capture import to_numpy
from llmscope.kernel.cpu_threads import Pace
from llmscope.tokens import from_ids, labels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from llmscope.generation import Run
    from llmscope.generation.stepping import Stepper
    from llmscope.scope import Scope

Part = dict[str, Any]
Settings = Callable[[], dict[str, Any]]
_APART = 0.05  # seconds between two parts: nobody reads faster, and each costs a redraw
_LEFT = 4  # texts that are kept for when their prompt comes back
_WINDOW = 16  # tokens that are decoded to see what one more adds to the text


class Writing:
    """A text that is written token by token, and the branches that it takes.

    Parameters
    ----------
    scope
        The model that writes.
    settings
        Gives the seed and the settings of the next step.
    run
        What was written before; its sequences are the first branches.
    """

    def __init__(self, scope: Scope, settings: Settings, run: Run | None = None) -> None:
        self.scope = scope
        self._settings = settings
        self._run = run
        self._lock = threading.RLock()
        self._stepper: Stepper | None = None
        self._prompt: str | None = None
        self._left: OrderedDict[str, Stepper] = OrderedDict()  # by prompt
        self._pace = Pace()

    @property
    def stepper(self) -> Stepper | None:
        """The one that writes; `None` before the first prompt."""
        return self._stepper

    def at(self, prompt: str) -> Stepper:
        """Give the one that writes behind a prompt."""
        with self._lock:
            return self._turn_to(prompt)

    def forget(self) -> None:
        """Let go of what was written behind other prompts, and behind this one once it is left."""
        with self._lock:
            self._left.clear()
            self._prompt = None

    def __call__(self, what: str, *where: str) -> Part:
        """Answer one key, without its first word."""
        with self._lock:
            if what == "begin":
                return self._begin("/".join(where))
            stepper = self._here()
            before = len(stepper.tree)
            if what == "force":
                stepper.force(int(where[1]), after=int(where[0]))
            elif what == "select":
                stepper.select(int(where[0]))
            elif what == "undo":
                stepper.undo()
            elif what == "copy":
                number = int(where[0])
                return {
                    "text": stepper.text(number),
                    "ids": stepper.ids(number),
                    "call": stepper.call(number),
                }
            else:
                raise KeyError(what)
            return self._state(min(before, len(stepper.tree)))

    def steps(self, count: int, *, together: bool) -> Iterator[Part]:
        """Write up to `count` tokens, and tell of them as they come; others may go in between.

        One undo takes back all of them, `together` with what was written before.
        """
        told, last = len(self._here().tree), -math.inf
        for left in reversed(range(count)):
            with self._lock:
                stepper = self._here()
                self._configure(stepper)
                with self._pace.step():
                    stepper.step(together=together)
                is_over = left == 0 or stepper.ended()
                state = None
                if is_over or time.monotonic() - last > _APART:
                    state = self._state(min(told, len(stepper.tree)))
                    told, last = len(stepper.tree), time.monotonic()
            if state:
                yield state
            if is_over:
                return
            together = True
            yield {}

    def logits(self, number: int) -> NDArray[np.float32]:
        """Logits (vocabulary,) behind a node."""
        with self._lock:
            return to_numpy(self._here().logits(number))

    def _here(self) -> Stepper:
        if self._stepper is None:
            raise ValueError("Nothing is being written yet: give a prompt first.")
        return self._stepper

    def _begin(self, prompt: str) -> Part:
        """Begin behind a prompt; behind the same once more, tell how far it has come."""
        stepper = self._turn_to(prompt)
        self._configure(stepper)
        tokens = from_ids(self.scope.tokenizer, stepper.tree.prompt)
        rows = [[token.id, token.label, 0, 0, token.special] for token in tokens]
        return {**self._state(0), "prompt": rows, "source": stepper.source}

    def _turn_to(self, prompt: str) -> Stepper:
        """Begin behind another prompt, or go on where it was left: a slip is no loss."""
        from llmscope.generation.stepping import Stepper

        if self._stepper is not None and prompt == self._prompt:
            return self._stepper
        if self._stepper is not None and self._prompt is not None and len(self._stepper.tree):
            self._left[self._prompt] = self._stepper
            while len(self._left) > _LEFT:
                self._left.popitem(last=False)
        stepper = self._left.pop(prompt, None)
        if stepper is None:
            run, self._run = self._run, None
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
        """Tell the nodes behind the first `known`, and where the next token goes."""
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
        """Tell what one node adds to the text; nothing while a character isn't whole."""
        ids = self._here().tree.ids(number)[-_WINDOW:]
        decode = self.scope.tokenizer.decode
        whole = str(decode(ids, skip_special_tokens=True)).rstrip("\ufffd")
        before = str(decode(ids[:-1], skip_special_tokens=True)).rstrip("\ufffd")
        return whole[len(before) :] if whole.startswith(before) else ""


def settings_of(view: Any) -> dict[str, Any]:
    """Say what a view's sliders ask for, as settings of `generate`."""
    greedy = not view.do_sample or view.temperature == 0
    drawn = {
        "temperature": view.temperature,
        "top_k": view.top_k,
        "top_p": view.top_p,
        "min_p": view.min_p,
        "typical_p": view.typical_p,
    }
    return {
        "seed": view.seed,
        "do_sample": not greedy,
        "max_new_tokens": view.max_new_tokens,
        **({} if greedy else drawn),
    }
