"""What is known of a training: written by a watch, or read from its folder."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any, Literal

from llmscope.training.folder import TrainingFolder, is_alive
from llmscope.training.log import Log
from llmscope.training.probe import Probe

if TYPE_CHECKING:
    from numpy.typing import NDArray

State = Literal["waiting", "training", "ended", "stopped", "broken off"]

_SECONDS = 0.25  # between two looks at a folder


class Records:
    """What is known of a training.

    Attributes
    ----------
    folder
        Where it is on disk; `None` before it began.
    name, model, probes, log, steps, notes, state, total
        As `History` has them; `steps` with the bytes of each.
    version
        Grows with every change.
    """

    def __init__(self, folder: TrainingFolder | None = None) -> None:
        self.folder = folder
        self.name = ""
        self.model: dict[str, Any] = {}
        self.probes: tuple[Probe, ...] = ()
        self.log = Log()
        self.steps: dict[int, int] = {}
        self.notes: list[str] = []
        self.state: State = "waiting"
        self.total: int | None = None
        self.version = 0
        self._labels: list[str] = []
        self.lock = threading.RLock()
        self._news = threading.Condition(self.lock)

    def look(self) -> None:
        """Read what is new."""

    def tell(self) -> None:
        """Count a change, and wake those who wait for one."""
        with self._news:
            self.version += 1
            self._news.notify_all()

    def wait(self, since: int, seconds: float) -> int:
        """Return the version once it is another than `since`, or after some seconds."""
        with self._news:
            self._news.wait_for(lambda: self.version != since, seconds)
            return self.version

    def stop(self) -> None:
        """Ask the training to stop."""
        raise NotImplementedError

    def labels(self) -> list[str]:
        """Return labels of all tokens of the vocabulary, by id."""
        if not self._labels and self.folder is not None:
            self._labels = self.folder.labels()
        return self._labels

    def read(self, step: int) -> dict[str, NDArray[Any]]:
        """Return the arrays of a kept step."""
        if self.folder is None:
            raise IndexError(f"Step {step} isn't kept: the training hasn't begun.")
        return self.folder.read_step(step)


class Opened(Records):
    """What a folder holds, whether or not a process still writes it.

    Parameters
    ----------
    path
        The folder.

    Raises
    ------
    ValueError
        When it holds no training.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__()
        self._of = folder = TrainingFolder(path)
        if folder.about() is None:
            raise ValueError(f"{folder.path} holds no training: a watch writes {folder.path}/…")
        self.folder = folder
        self._seen: tuple[Any, ...] = ()
        self.look()

    def look(self) -> None:
        """Read what is new."""
        with self.lock:
            seen = self._of.changed()
            about = self._of.about() if seen != self._seen[:-1] or not self._seen else None
            if about is not None:
                self._about = about
            state = self._about["state"]
            if state == "training" and not is_alive(self._about["process"], self._of.last_write()):
                state = "broken off"
            if (*seen, state) == self._seen:
                return
            self.state = state
            if about is not None:
                self.name, self.model = about["name"], about["model"]
                self.probes = tuple(map(Probe.from_json, about["probes"]))
                self.notes, self.total = [*about["notes"]], about["total"]
                self.log, self.steps = self._of.read_log(), self._of.steps()
            self._seen = (*seen, state)
            self.tell()

    def wait(self, since: int, seconds: float) -> int:
        """Return the version once it is another than `since`, or after some seconds."""
        end = time.monotonic() + seconds
        while True:
            self.look()
            left = end - time.monotonic()
            if self.version != since or left <= 0:
                return self.version
            time.sleep(min(_SECONDS, left))

    def stop(self) -> None:
        """Ask the training to stop, whichever process it is in."""
        self._of.ask_to_stop()
