"""Turns of many people at one model: one thread, fair between them, urgent work first."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from llmscope.capture import Cancelled
from llmscope.kernel.requests import FIRST, PAUSE, SOON

if TYPE_CHECKING:
    Work = Callable[["Turn"], Iterator[Any]]
    Send = Callable[[str, Any], None]

PART, DONE, ERROR = "part", "done", "error"
_PATIENCE = 2.0  # seconds after which what isn't urgent counts as if it were
_BACKLOG = 8  # parts that nobody has read yet, at which an answer waits
_IDLE = 0.05  # seconds until a reader is looked for again
_DEEP = 2  # long answers that wait for others in the midst of their own
_WAIVES = 3  # how often one answer is begun anew, so that others needn't wait for it
_DEBT = 0.25  # seconds that a person has used more than others, at most, when anew is asked
_PERSONS = 1000  # after which those are forgotten that would begin anew alike
_LONG = 0.5  # seconds from which that is worth it


@dataclass(eq=False)
class Turn:
    """One answer, while it is computed.

    Attributes
    ----------
    person
        Whose it is.
    urgency
        As of a view's request: the lower, the sooner.
    """

    person: str
    urgency: int
    number: int
    work: Work
    send: Send
    turns: Turns
    is_long: bool = False
    since: float = field(default_factory=time.monotonic)
    gone: threading.Event = field(default_factory=threading.Event)
    unread: int = 0
    parts: Iterator[Any] | None = None
    begun: float | None = None  # when its present stretch was
    said: bool = False
    gives_way: bool = False
    waived: int = 0

    def cancelled(self) -> bool:
        """Return whether nobody waits any more."""
        return self.gone.is_set()

    def waives(self) -> bool:
        """Return whether to end here: nobody waits any more, or others come first.

        An answer that has said nothing yet is begun anew after them, a few times at most.
        """
        if not self.gone.is_set() and not self.gives_way:
            can = not self.said and self.waived < _WAIVES
            self.gives_way = can and self.turns.has_before(self)
        return self.gone.is_set() or self.gives_way

    def begins_anew(self) -> bool:
        """Return whether it ended for others, and make it ready to begin anew."""
        anew = self.gives_way and not self.gone.is_set()
        if anew:
            self.waived += 1
            self.gives_way, self.parts = False, None
        return anew

    def cancel(self) -> None:
        """Tell that nobody waits any more."""
        self.gone.set()
        self.turns.wake()

    def read(self) -> None:
        """Tell that a part has gone on its way to the reader."""
        self.unread -= 1

    def say(self, part: Any) -> None:
        """Send a part in the midst of computing the next one."""
        self.said = True
        self.unread += 1
        self.send(PART, part)

    def let_others(self) -> None:
        """Answer others that are more urgent, in the midst of an answer that takes long."""
        self.turns.answer_others(self)


class Turns:
    """Answers what many people ask, one at a time.

    Who has used the least time goes first, of what is urgent; what waits too long counts as urgent.
    A person who comes anew begins with as much as whoever is answered has: start-time fair queuing.

    References
    ----------
    Goyal, Vin and Cheng 1996, https://doi.org/10.1145/248157.248171
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[Turn] = []
        self._used: dict[str, float] = {}  # seconds, by person
        self._least = 0.0  # seconds with which a person begins
        self._order = itertools.count()
        self._within: list[Turn] = []  # answers that wait for others in the midst of their own
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="llmscope-turns", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many answers aren't whole yet."""
        return len(self._waiting)

    @property
    def stands(self) -> bool:
        """Whether the thread that answers runs."""
        return self._thread.is_alive() and not self._closed

    def ask(self, person: str, urgency: int, work: Work, send: Send, is_long: bool = False) -> Turn:
        """Take a question in.

        Parameters
        ----------
        person
            Who asks.
        urgency
            As of a view's request: the lower, the sooner.
        work
            Yields the parts of the answer; at `PAUSE` others may go first.
        send
            Is called with "part" and a part, then with "done", or with "error" and what was raised;
            from the thread that answers.
        is_long
            Whether it takes long and never pauses, but lets others go first from within.

        Returns
        -------
        Turn
            To cancel it.
        """
        turn = Turn(person, urgency, next(self._order), work, send, self, is_long)
        with self._changed:
            if len(self._used) > _PERSONS:
                self._used = {one: at for one, at in self._used.items() if at > self._least}
            used = max(self._used.get(person, 0.0), self._least)
            self._used[person] = min(used, self._least + _DEBT)
            self._waiting.append(turn)
            self._changed.notify()
        return turn

    def wake(self) -> None:
        """Look again for what there is to do."""
        with self._changed:
            self._changed.notify()

    def close(self) -> None:
        """Drop everything; the thread ends as soon as it can."""
        with self._changed:
            self._closed = True
            for turn in self._waiting:
                turn.gone.set()
            self._changed.notify()

    def answer_others(self, turn: Turn) -> None:
        """Go on with others that come before `turn` now, from within its own answer."""
        self._within.append(turn)
        try:
            while (other := self._next(before=turn)) is not None:
                self._go_on(other)
        finally:
            self._within.pop()

    def _work(self) -> None:
        while not self._closed:
            turn = self._next()
            if turn is not None:
                self._go_on(turn)
                continue
            with self._changed:
                if not self._closed:
                    self._changed.wait(_IDLE if self._waiting else None)

    def _next(self, before: Turn | None = None) -> Turn | None:
        """Take the turn that comes first out of those that wait."""
        now = time.monotonic()
        with self._changed:
            self._waiting = [turn for turn in self._waiting if not self._is_over(turn)]
            is_deep = len(self._within) >= _DEEP
            ready = [turn for turn in self._ready() if not (is_deep and turn.is_long)]
            found = min(ready, key=lambda turn: self._place(turn, now), default=None)
            if found is None:
                return None
            if before is not None and self._place(found, now) >= self._place(before, now):
                return None
            self._waiting.remove(found)
            self._least = max(self._least, self._used.get(found.person, 0.0))
            return found

    def _place(self, turn: Turn, now: float) -> tuple[bool, float, bool, int]:
        """Return what turns are ordered by; what one spends just now counts.

        Of one person, what is shown of a text comes before the next text: or it would wait until
        the person pauses.
        """
        later = turn.urgency > SOON and now - turn.since < _PATIENCE
        used = self._used.get(turn.person, self._least)
        used += 0.0 if turn.begun is None else now - turn.begun
        return later, used, turn.urgency == FIRST, turn.number

    def has_before(self, turn: Turn) -> bool:
        """Return whether somebody else comes before an answer that is being computed."""
        now = time.monotonic()
        if turn.begun is None or now - turn.begun < _LONG:
            return False
        with self._changed:
            place = self._place(turn, now)
            others = [one for one in self._ready() if one.person != turn.person]
            return any(self._place(one, now) < place for one in others if not self._is_over(one))

    def _ready(self) -> list[Turn]:
        """Return those that wait for nobody to read, or to be dropped."""
        return [turn for turn in self._waiting if turn.unread < _BACKLOG or turn.cancelled()]

    def _is_over(self, turn: Turn) -> bool:
        return turn.cancelled() and turn.parts is None

    def _go_on(self, turn: Turn) -> None:
        """Compute an answer up to its next pause."""
        turn.begun = time.monotonic()
        try:
            is_over = self._advance(turn)
        finally:
            spent, turn.begun = time.monotonic() - turn.begun, None
            if self._within and self._within[-1].begun is not None:
                self._within[-1].begun += spent  # its own time stood still
            self._used[turn.person] = self._used.get(turn.person, self._least) + spent
        if not is_over:
            with self._changed:
                turn.number = next(self._order)
                self._waiting.append(turn)

    def _advance(self, turn: Turn) -> bool:
        if turn.cancelled():
            return True
        try:
            if turn.parts is None:
                turn.parts = turn.work(turn)
            for part in turn.parts:
                if turn.cancelled():
                    return True
                if part is PAUSE:
                    return False
                turn.say(part)
            turn.send(DONE, None)
        except Cancelled:
            return not turn.begins_anew()
        except BaseException as error:
            if not turn.cancelled():
                turn.send(ERROR, error)
        return True
