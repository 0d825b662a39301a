"""Starting a fresh process for a model, and reading what it finds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmscope.capture import Cancel, Cancelled

if TYPE_CHECKING:
    from llmscope.evaluation.one import Emit, Job

_ROOT = Path(__file__).parents[2]
_SECONDS = 0.1  # between two looks at whether anybody waits
_GRACE = 10.0  # seconds, until a process that has said all has ended
_KILLED = -9  # how Linux and macOS end a process when memory runs out


def measure_in_process(name: str | None, job: Job, emit: Emit, cancelled: Cancel) -> None:
    """Measure a model in a fresh process; see `measure_named`.

    Raises
    ------
    Cancelled
        When nobody waits any more; the process has ended then.
    """
    search = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    with tempfile.TemporaryFile() as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "llmscope.evaluation.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": search},
        )
        assert worker.stdin is not None and worker.stdout is not None
        over = threading.Event()
        watch = threading.Thread(target=_watch, args=(worker, cancelled, over), daemon=True)
        watch.start()
        told = False
        try:
            worker.stdin.write(json.dumps({"name": name, "job": asdict(job)}) + "\n")
            worker.stdin.flush()
            for line in worker.stdout:
                if not line.endswith("\n"):  # it was ended while it wrote
                    break
                event: dict[str, Any] = json.loads(line)
                told = told or "over" in event or "error" in event
                if "over" not in event and not cancelled():
                    emit(event)
            with suppress(subprocess.TimeoutExpired):
                worker.wait(_GRACE)
        except BrokenPipeError:
            with suppress(subprocess.TimeoutExpired):
                worker.wait(_GRACE)
        finally:
            over.set()
            worker.kill()
            worker.wait()
            watch.join()
            with suppress(BrokenPipeError):  # what was never read
                worker.stdin.close()
            worker.stdout.close()
        if cancelled():
            raise Cancelled
        if not told:
            log.seek(0)
            last = log.read().decode(errors="replace").strip().splitlines()[-1:] or [""]
            emit({"error": _ended(worker.returncode, last[0])})


def _watch(worker: subprocess.Popen[str], cancelled: Cancel, over: threading.Event) -> None:
    while not over.wait(_SECONDS):
        if cancelled():
            worker.kill()
            return


def _ended(status: int, last: str) -> str:
    if status == _KILLED:
        return (
            "The process that measured it was ended by the system, most likely because the memory "
            "ran out."
        )
    return f"The process that measured it ended ({status}). {last}".strip()
