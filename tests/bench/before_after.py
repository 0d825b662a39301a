"""What a trace costs here, beside what it costs in an older checkout, in one run.

``python -m tests.bench.before_after FOLDER``, with the older one at FOLDER (``git worktree add``),
prints the table in some five minutes. Two processes take turns, each with its own llmscope and the
same packages (``PYTHONPATH`` may put other ones first, where the older one needs them).
"""

from __future__ import annotations

import gc
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from statistics import median, stdev
from typing import Any

HERE = Path(__file__).parents[2]
ROUNDS = 60
Times = tuple[float, float]  # seconds of a trace, and those of them outside the model


class _Side:
    """A process that traces with the llmscope of one checkout."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-W", "ignore", __file__, "--trace", str(folder)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def ask(self, *what: object) -> Times:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(what)}\n".encode())
        self._process.stdin.flush()
        answer: Times = json.loads(self._process.stdout.readline())
        return answer


def main(older: Path) -> None:
    sys.path.insert(0, str(HERE))
    from tests.bench.table import ms, show

    sides = [_Side(older), _Side(HERE)]
    rows = []
    for tokens, is_whole in itertools.product((16, 128, 512), (False, True)):
        for side in sides:
            side.ask("prepare", tokens, is_whole)
        pairs: list[tuple[Times, Times]] = []
        for turn in range(ROUNDS):
            order = sides[:: -1 if turn % 2 else 1]
            taken = {side: side.ask("trace") for side in order}
            pairs.append((taken[sides[0]], taken[sides[1]]))
        ratios = [100 * (new[0] / old[0] - 1) for old, new in pairs]
        error = 1.25 * stdev(ratios) / len(ratios) ** 0.5  # of a median
        before, after = (median(pair[side][0] for pair in pairs) for side in (0, 1))
        ours = [median(pair[side][1] for pair in pairs) for side in (0, 1)]
        rows.append(
            [
                f"{'a whole pass' if is_whole else 'one more token'}, {tokens} tokens",
                ms(before),
                ms(after),
                f"{median(ratios):+.1f} ± {error:.1f} %",
                *map(ms, ours),
                f"{100 * (ours[1] - ours[0]) / before:+.1f} %",
            ]
        )
    heads = ["", "before", "after", "more", "outside the model", "after", "more of the whole"]
    show("A trace, before and after", heads, rows)


def trace(folder: str) -> None:
    """Trace as asked on standard input, with the llmscope of a checkout."""
    sys.path.insert(0, folder)
    import torch

    import llmscope

    assert llmscope.__file__.startswith(folder)
    scope = llmscope.load(device="cpu", progress=lambda *_: None)
    inside = [0.0]
    forward = type(scope.model).forward

    def timed(*args: object, **kwargs: object) -> object:
        start = time.perf_counter()
        made = forward(*args, **kwargs)
        inside[0] += time.perf_counter() - start
        return made

    timed.__signature__ = signature(forward)  # type: ignore[attr-defined]
    type(scope.model).forward = timed
    scope = llmscope.Scope(scope.model, scope.tokenizer)
    ends = itertools.count()

    def work(tokens: int, is_whole: bool) -> Callable[[], object]:
        words = "The cat sat on the mat because it was very tired, and the dog looked at it. "
        ids: Any = scope.tokenizer(words * (tokens // 10 + 1))["input_ids"]
        text = str(scope.tokenizer.decode(ids[: tokens - (not is_whole)]))

        def whole() -> object:
            scope.forget()
            return scope.trace(text)

        return whole if is_whole else lambda: scope.trace(f"{text} {next(ends) % 10}")

    run: Callable[[], object] = list
    for line in sys.stdin:
        what, *rest = json.loads(line)
        if what == "prepare":
            run = work(*rest)
            for _ in range(4):
                run()
        gc.collect()
        gc.disable()
        inside[0] = 0.0
        start = time.perf_counter()
        with torch.no_grad():
            run()
        taken = time.perf_counter() - start
        gc.enable()
        print(json.dumps([taken, taken - inside[0]]), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "--trace":
        trace(sys.argv[2])
    else:
        main(Path(sys.argv[1]).resolve())
