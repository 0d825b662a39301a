"""All heads switched off, one at a time: ours, and TransformerLens on the same checkpoint.

``python -m tests.bench.ablations`` installs TransformerLens into an environment of its own, runs
both in turn, and prints seconds and how far the effects are apart. A round takes a minute.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import venv
from pathlib import Path
from statistics import median

import numpy as np
import transformers

import llmscope
from llmscope.loading.default import copy_folder, find_gguf
from tests.bench.table import show

TEXT = "When Mary and John went to the store, John gave a drink to"
ROUNDS = 3
VERSION = "4.3.0"
HERE = Path(__file__).parents[2] / ".venv" / "transformer-lens"
PEER = Path(__file__).with_name("ablations_peer.py")


def python() -> Path:
    """Return the Python of an environment with TransformerLens, made the first time."""
    found = HERE / "bin" / "python"
    if not found.exists():
        venv.create(HERE, with_pip=True)
        packages = ["torch==2.13.0", f"transformer-lens=={VERSION}"]
        subprocess.run([found, "-m", "pip", "install", "--quiet", *packages], check=True)
    return found


def ours(scope: llmscope.Scope) -> tuple[float, np.ndarray]:
    trace = scope.trace(TEXT)
    start = time.perf_counter()
    effects = trace.effects(" Mary", " John", method="ablate")
    return time.perf_counter() - start, effects.values


def theirs(folder: Path) -> tuple[float, np.ndarray]:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [python(), PEER, str(folder), TEXT],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    return answer["seconds"], np.array(answer["effects"])


def main() -> int:
    transformers.utils.logging.disable_progress_bar()
    scope = llmscope.load(device="cpu", progress=lambda *_: None)
    gguf = find_gguf()
    assert gguf is not None
    folder = copy_folder(gguf)
    python()
    times: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        (own, mine), (other, peers) = ours(scope), theirs(folder)
        times.append((own, other))
        apart = float(np.abs(mine - peers).max() / np.abs(peers).max())
    own, other = (median(side) for side in zip(*times, strict=True))
    rows = [
        ["llmscope", f"{own:.1f} s", "1"],
        [f"TransformerLens {VERSION}", f"{other:.1f} s", f"{other / own:.1f}"],
    ]
    show("Effects of switching off each of 270 heads, 14 tokens", ["", "median", "ratio"], rows)
    print(f"\nThe effects are apart by {apart:.1e} of the greatest.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
