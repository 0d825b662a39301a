"""A training on disk: a file for each kept step, a line for each logged one, and what it is of."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
import psutil

from llmscope.training.log import Log, Row, line, parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FORM = 1  # of the files
ABOUT, LOG, STEPS, LABELS, STOP = "watch.json", "log.jsonl", "steps", "labels.json", "stop"
_STEP = re.compile(r"(\d{8,})\.npz")
_AWAY = 600.0  # seconds without a write after which a process elsewhere is taken to be gone


class TrainingFolder:
    """Files of a training.

    Parameters
    ----------
    path
        The folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def about(self) -> dict[str, Any] | None:
        """Return what the training is of; `None` where there is none."""
        try:
            found = json.loads((self.path / ABOUT).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValueError:
            raise ValueError(f"{self.path / ABOUT} is no file of a watch.") from None
        if not isinstance(found, dict) or found.get("form") != FORM:
            raise ValueError(f"{self.path} is from another version of llmscope.")
        return found

    def make(self) -> None:
        """Make the folder where there is none.

        Raises
        ------
        ValueError
            When it holds something else.
        """
        own = {
            STEPS,
            LABELS,
            f"{LABELS[:-5]}.new",
            f"{ABOUT[:-5]}.new",
        }  # of one killed as it began
        if self.path.exists() and (
            not self.path.is_dir() or {one.name for one in self.path.iterdir()} - own
        ):
            raise ValueError(
                f"{self.path} holds something that is no training. Name a folder that is empty, or "
                "that is not there yet."
            )
        (self.path / STEPS).mkdir(parents=True, exist_ok=True)

    def write_about(self, about: Mapping[str, Any]) -> None:
        """Write what the training is of: all of it, or nothing."""
        self._write(self.path / ABOUT, json.dumps(about).encode())

    def labels(self) -> list[str]:
        """Return labels of all tokens of the vocabulary, by id."""
        try:
            return list(map(str, json.loads((self.path / LABELS).read_text(encoding="utf-8"))))
        except FileNotFoundError:
            return []

    def write_labels(self, labels: list[str]) -> None:
        """Write labels of all tokens of the vocabulary."""
        self._write(self.path / LABELS, json.dumps(labels).encode())

    def ask_to_stop(self) -> None:
        """Leave word for whoever trains."""
        (self.path / STOP).touch()

    def is_asked_to_stop(self) -> bool:
        """Return whether somebody asked for the training to stop."""
        return (self.path / STOP).exists()

    # ── the log ──────────────────────────────────────────────────────────────────────────────

    def read_log(self) -> Log:
        """Return what was logged; a last line that was torn is left out."""
        log = Log()
        try:
            text = (self.path / LOG).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return log
        for one in text.split("\n"):
            row = parsed(one)
            if row is not None and (log.last is None or row["step"] >= log.last):
                log.add(row)
        return log

    def append_log(self, row: Row) -> None:
        """Write a line; one that was torn before is ended first."""
        file = self.path / LOG
        with file.open("ab+") as stream:
            if stream.tell():
                stream.seek(-1, os.SEEK_END)
                if stream.read(1) != b"\n":
                    stream.write(b"\n")
            stream.write(line(row).encode())

    def write_log(self, log: Log) -> None:
        """Write all lines anew."""
        self._write(self.path / LOG, "".join(log.lines()).encode())

    # ── steps ────────────────────────────────────────────────────────────────────────────────

    def steps(self) -> dict[int, int]:
        """Return the kept steps in order, each with the bytes of its file."""
        found = {}
        try:
            entries = list(os.scandir(self.path / STEPS))
        except FileNotFoundError:
            return {}
        for entry in entries:
            if match := _STEP.fullmatch(entry.name):
                try:
                    found[int(match[1])] = entry.stat().st_size
                except FileNotFoundError:  # it was just dropped
                    continue
        return dict(sorted(found.items()))

    def read_step(self, step: int) -> dict[str, NDArray[Any]]:
        """Return the arrays of a kept step.

        Raises
        ------
        IndexError
            When it isn't kept, or its file is broken.
        """
        try:
            with self._file(step).open("rb") as stream, np.load(stream) as file:
                return dict(file.items())
        except FileNotFoundError:
            raise IndexError(f"Step {step} isn't kept.") from None
        except (BadZipFile, KeyError, ValueError, EOFError):
            raise IndexError(f"The file of step {step} is broken.") from None

    def write_step(self, step: int, arrays: Mapping[str, NDArray[Any]]) -> int:
        """Write the arrays of a step, all of them or none; return the bytes of the file."""
        file = self._file(step)
        new = file.with_suffix(".new")
        try:
            with new.open("wb") as stream:
                np.savez(stream, **arrays)  # type: ignore[arg-type]
                stream.flush()
                os.fsync(stream.fileno())
            new.replace(file)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        return file.stat().st_size

    def drop(self, steps: Iterable[int]) -> None:
        """Remove kept steps."""
        for step in steps:
            self._file(step).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what a process that was killed left half written."""
        left_over = [*self.path.glob("*.new"), *(self.path / STEPS).glob("*.new"), self.path / STOP]
        for left in left_over:
            left.unlink(missing_ok=True)

    def _file(self, step: int) -> Path:
        return self.path / STEPS / f"{step:08d}.npz"

    def _write(self, file: Path, content: bytes) -> None:
        new = file.with_suffix(".new")
        try:
            with new.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            new.replace(file)
        except BaseException:
            new.unlink(missing_ok=True)
            raise

    def changed(self) -> tuple[int, ...]:
        """Return what is another once something in the folder was written."""
        found = []
        for name in (ABOUT, LOG, STEPS):
            try:
                status = (self.path / name).stat()
            except OSError:
                found += [0, 0]
                continue
            found += [status.st_mtime_ns, status.st_size]
        return tuple(found)

    def last_write(self) -> float:
        """Return when something was written last, as `time.time` counts."""
        return max(self.changed()[::2], default=0) / 1e9


def this_process() -> dict[str, Any]:
    """Return what tells this process from all others, as JSON."""
    own = psutil.Process()
    return {"host": socket.gethostname(), "pid": own.pid, "begun": own.create_time()}


def is_alive(process: Mapping[str, Any], last_write: float) -> bool:
    """Return whether a process runs; of one on another machine, whether it wrote lately."""
    if process.get("host") != socket.gethostname():
        return time.time() - last_write < _AWAY
    try:
        found = psutil.Process(process["pid"])
        return abs(found.create_time() - process["begun"]) < 1.0 and found.status() != "zombie"
    except (psutil.Error, KeyError, TypeError):
        return False
