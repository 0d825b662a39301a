"""A fresh process that measures one model: `python -m llmscope.evaluation.worker`.

It reads one line of JSON, ``{"name", "job"}``, and writes a line for each thing that it finds. It
ends when its input is closed, and with whoever started it.
"""

from __future__ import annotations

import json
import os
import sys
import threading

from llmscope.evaluation.one import Job, measure_named


def main() -> int:
    """Measure the model that the first line of the input names."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is none of the answer
    asked = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    lock = threading.Lock()

    def emit(event: object) -> None:
        with lock:
            out.write(json.dumps(event) + "\n")
            out.flush()

    job = Job(**{**asked["job"], "texts": tuple(asked["job"]["texts"])})
    try:
        measure_named(asked["name"], job, emit)
    except Exception as error:
        emit({"error": f"{type(error).__name__}: {error}"})
        raise
    emit({"over": True})
    return 0


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
