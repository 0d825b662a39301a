"""What a run changes is undone, whatever ends the run, and whatever interrupts the undoing."""

from __future__ import annotations

import threading

import pytest

from llmscope.capture.undo import Changes, restoring


class Hand:
    """Undoes by noting a name, but is cut short some times before."""

    def __init__(self, names: str, error: type[BaseException], times: int) -> None:
        self.undone: list[str] = []
        self._names, self._error, self._left = names, error, times

    def change(self, changes: Changes) -> str:
        for name in self._names:
            changes.undo_by(lambda name=name: self._undo(name))
        return "done"

    def _undo(self, name: str) -> None:
        if self._left and name == "b":
            self._left -= 1
            raise self._error
        self.undone.append(name)


@pytest.mark.parametrize("times", [1, 2, 3, 9])
def test_interrupts_of_the_undoing_only_put_it_off(times):
    hand = Hand("abc", KeyboardInterrupt, times)
    with pytest.raises(KeyboardInterrupt):
        restoring(hand.change)
    assert hand.undone == ["c", "b", "a"]


def test_what_could_not_be_undone_is_undone_when_the_next_run_begins():
    hand = Hand("abc", MemoryError, 2)
    with pytest.raises(MemoryError):
        restoring(hand.change)
    assert hand.undone == ["c"]
    thread = threading.Thread(target=restoring, args=(lambda _: None,))
    thread.start()
    thread.join()
    assert hand.undone == ["c"], "it is state of this thread"

    def look(_: Changes) -> list[str]:
        return list(hand.undone)

    assert restoring(look) == ["c", "b", "a"]
    assert restoring(look) == ["c", "b", "a"]


def test_runs_within_runs_undo_their_own():
    outer, inner = Hand("ab", MemoryError, 0), Hand("cd", MemoryError, 0)

    def run(changes: Changes) -> None:
        outer.change(changes)
        assert restoring(inner.change) == "done"
        assert (outer.undone, inner.undone) == ([], ["d", "c"])

    restoring(run)
    assert outer.undone == ["b", "a"]
