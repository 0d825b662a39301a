"""A training as it is written: in memory, and in its folder as far as that can be written."""

from __future__ import annotations

import shutil
import tempfile
import time
import weakref
from typing import TYPE_CHECKING, Any

from llmscope.training.folder import FORM, TrainingFolder, this_process
from llmscope.training.records import Records
from llmscope.training.schedule import Schedule, thinned

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from numpy.typing import NDArray

    from llmscope.training.log import Row
    from llmscope.training.probe import Probe
    from llmscope.training.records import State

_LOOK = 0.1  # seconds between two looks for word from elsewhere


class Recorder(Records):
    """Writes what becomes known of a training.

    Parameters
    ----------
    path
        The folder; `None` makes a temporary one, which goes with this object.
    schedule
        Which steps are kept; made sparser when there are too many.
    most
        Bytes of all kept steps.
    """

    def __init__(
        self, path: str | os.PathLike[str] | None, schedule: Schedule, most: float
    ) -> None:
        super().__init__()
        self._path, self._most = path, most
        self._schedule = schedule
        self._fingerprint = ""
        self._asked = False
        self._looked = 0.0
        self._begun = time.monotonic()
        self._failed: set[str] = set()  # what couldn't be written, and was told
        self._is_behind = False  # whether the log on disk lacks lines
        self._is_running: Callable[[], bool] = lambda: True

    # ── beginning and ending ─────────────────────────────────────────────────────────────────

    def begin(
        self,
        step: int,
        *,
        name: str,
        model: dict[str, Any],
        fingerprint: str,
        probes: tuple[Probe, ...],
        labels: list[str],
        total: int | None,
        notes: list[str],
        is_running: Callable[[], bool] | None = None,
    ) -> None:
        """Begin at a step, or go on in what the folder holds.

        `is_running` tells whether the training goes on, where nothing else does.

        Raises
        ------
        ValueError
            When the folder holds another training, or something else.
        """
        with self.lock:
            folder = self.folder or self._folder()
            about = folder.about()
            self._asked, self._is_behind = False, False
            self._is_running = is_running or (lambda: True)
            self.notes = notes
            if about is None:
                folder.make()
                self._forget()
                folder.write_labels(labels)
            else:
                self._go_on(folder, about, step, fingerprint, probes)
            folder.sweep()
            self.folder = folder
            self.name, self.model, self.probes, self.total = name, model, probes, total
            self._fingerprint, self._labels = fingerprint, labels
            self._begun = time.monotonic() - self.log.seconds
            self._set("training")

    def end(self, state: State) -> None:
        """End."""
        with self.lock:
            self._set(state)

    def _folder(self) -> TrainingFolder:
        if self._path is not None:
            return TrainingFolder(self._path)
        path = tempfile.mkdtemp(prefix="llmscope-watch-")
        weakref.finalize(self, shutil.rmtree, path, ignore_errors=True)
        return TrainingFolder(path)

    def _forget(self) -> None:
        self.steps = {}
        self.log.cut(-1)

    def _go_on(
        self,
        folder: TrainingFolder,
        about: dict[str, Any],
        step: int,
        fingerprint: str,
        probes: tuple[Probe, ...],
    ) -> None:
        another = "Name another folder, or remove this one."
        if about["fingerprint"] != fingerprint:
            raise ValueError(
                f"{folder.path} holds the training of another model, {about['name']}: of other "
                f"parts, or with other tokens. {another}"
            )
        before = [(one["input"], tuple(one["positions"])) for one in about["probes"]]
        if before != [(one.input, one.positions) for one in probes]:
            raise ValueError(f"{folder.path} was written with other probes. {another}")
        steps = folder.steps()
        log = folder.read_log()
        last = max([*steps, log.last or 0])
        if last > step and step <= min(steps, default=0):
            if self.folder is not None:  # this same watch wrote it
                self.notes.append(f"An earlier training, up to step {last:,}, was replaced.")
                steps_before, steps = steps, {}
                folder.drop(steps_before)
                log.cut(-1)
                folder.write_log(log)
                self.steps, self.log = {}, log
                return
            raise ValueError(
                f"{folder.path} holds a training up to step {last:,}, and this one begins anew. "
                f"{another} To go on with it: trainer.train(resume_from_checkpoint=True)."
            )
        gone = [one for one in steps if one > step]
        folder.drop(gone)
        log.cut(step)
        folder.write_log(log)
        self.steps = {one: size for one, size in steps.items() if one <= step}
        self.log = log
        self.notes += [note for note in about["notes"] if note not in self.notes]
        self._schedule.state = about["schedule"]

    # ── while it goes on ─────────────────────────────────────────────────────────────────────

    def add(self, row: Row) -> None:
        """Add what was logged."""
        with self.lock:
            row = {"seconds": time.monotonic() - self._begun, **row}
            self.log.add(row)
            behind, self._is_behind = self._is_behind, True

            def write(folder: TrainingFolder) -> None:
                if behind:
                    folder.write_log(self.log)
                else:
                    folder.append_log(row)
                self._is_behind = False

            self._try("log", write)
            self.tell()

    def keep(self, step: int, arrays: dict[str, NDArray[Any]]) -> None:
        """Keep the arrays of a step, thinning those before it where there are too many."""
        with self.lock:
            size = sum(item.nbytes + 300 for item in arrays.values())
            self._make_room(size)
            if sum(self.steps.values()) + size > self._most:
                self.note(
                    f"Step {step:,} isn't kept: a step takes {size / 2**20:.1f} MB, and max_mb= is "
                    f"{self._most / 2**20:g}."
                )
                return
            written: list[int] = []
            self._try("steps", lambda folder: written.append(folder.write_step(step, arrays)))
            if written:
                self.steps[step] = written[0]
                self.tell()

    def note(self, note: str, *, instead_of: str | None = None) -> None:
        """Say something once; instead of a note that begins so."""
        with self.lock:
            if note not in self.notes:
                if instead_of is not None:
                    self.notes = [one for one in self.notes if not one.startswith(instead_of)]
                self.notes.append(note)
                self._set(self.state)

    def look(self) -> None:
        """Notice a training that was interrupted: nobody tells."""
        if self.state == "training" and not self._is_running():
            with self.lock:
                self._set("broken off")

    def stop(self) -> None:
        """Ask the training to stop."""
        self._asked = True

    @property
    def is_asked_to_stop(self) -> bool:
        """Whether somebody asked for the training to stop."""
        now = time.monotonic()
        if not self._asked and self.folder is not None and now - self._looked > _LOOK:
            self._looked = now
            self._asked = self.folder.is_asked_to_stop()
        return self._asked

    def _make_room(self, size: int) -> None:
        while len(self.steps) > 1 and sum(self.steps.values()) + size > self._most:
            self._schedule.thin()
            gone = thinned(list(self.steps), self._schedule)
            for step in gone:
                del self.steps[step]
            self._try("steps", lambda folder, gone=gone: folder.drop(gone))
            reached = f"max_mb={self._most / 2**20:g} was reached"
            self.note(
                f"{reached}: {self._schedule.words} is kept, and the first and last.",
                instead_of=reached,
            )

    def _set(self, state: State) -> None:
        self.state = state
        about = {
            "form": FORM,
            "name": self.name,
            "model": self.model,
            "fingerprint": self._fingerprint,
            "probes": [probe.as_json() for probe in self.probes],
            "schedule": self._schedule.state,
            "process": this_process(),
            "state": state,
            "total": self.total,
            "notes": self.notes,
        }
        self._try("notes", lambda folder: folder.write_about(about))
        self.tell()

    def _try(self, what: str, write: Any) -> None:
        """Write, or say once what can't be written."""
        if self.folder is None:
            return
        try:
            write(self.folder)
        except OSError as error:
            if what not in self._failed:
                self._failed.add(what)
                self.notes.append(
                    f"At step {self.log.last or 0:,}, {what} couldn't be written to "
                    f"{self.folder.path} ({error.strerror or error}): something is missing there."
                )
