"""All heads over two hundred sentences: what it costs beside bare forwards and eager ones."""

from __future__ import annotations

import copy
import ctypes
import gc
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from llmscope.corpus import SENTENCES, Survey
from tests.bench.passes import load, resident
from tests.bench.table import show

ROOT = Path(__file__).parents[2]
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
WAYS = {
    "bare forwards": "the model, one row of logits of each sentence",
    "survey": "all scores of all heads",
    "eager": "`output_attentions=True`, and nothing done with it",
    "eager, kept": "the same, weights of all sentences in memory",
}

pytestmark = pytest.mark.timeout(0)


def works(scope, texts):
    """Give what each way does with one text after another, by its name."""
    inputs = [torch.tensor([scope.tokenizer(text)["input_ids"]]) for text in texts]
    loud = copy.deepcopy(scope.model)
    loud.set_attn_implementation("eager")
    kept = []

    def forwards(model, keep=False, **options):
        for ids in inputs:
            with torch.no_grad():
                output = model(ids, use_cache=False, logits_to_keep=1, **options)
            kept.extend([output.attentions] * keep)
            yield

    return {
        "bare forwards": forwards(scope.model),
        "survey": Survey(scope, texts).steps(),
        "eager": forwards(loud, output_attentions=True),
        "eager, kept": forwards(loud, True, output_attentions=True),
    }


def memory(way: str) -> int:
    """Count the bytes beyond the loaded model that a way takes at its peak."""
    scope = load()
    for _ in works(scope, SENTENCES[:10])[way]:
        pass
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what the warm-up left to glibc isn't there for the taking
    work = works(scope, SENTENCES)[way]
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
    before = resident("VmRSS")
    for _ in work:
        pass
    return resident("VmHWM") - before


def test_a_survey_beside_its_forwards():
    """Ratios of one run: the ways read each sentence in turn, so that a busy machine is fair."""
    scope = load()
    clocks = (time.perf_counter, time.process_time)
    taken = dict.fromkeys(WAYS, np.zeros(2))
    for number in range(ROUNDS + 1):
        made = works(scope, SENTENCES)
        for _ in SENTENCES:
            for way, work in made.items():
                before = np.array([clock() for clock in clocks])
                next(work)
                spent = np.array([clock() for clock in clocks]) - before
                taken[way] = taken[way] + spent * (number > 0)  # the first round warms up
    rows = []
    for way, what in WAYS.items():
        command = [sys.executable, "-m", "tests.bench.test_survey", way]
        took = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)
        seconds, ratios = taken[way] / ROUNDS, taken[way] / taken["bare forwards"]
        size = f"{json.loads(took.stdout) / 1e6:.0f} MB"
        rows.append([way, what, f"{seconds[0]:.1f} s", *(f"{one:.2f}" for one in ratios), size])
    heads = ["way", "what it does", "200 sentences", "in bare forwards", "CPU time", "peak memory"]
    show("270 heads over 200 sentences", heads, rows)


if __name__ == "__main__":
    print(json.dumps(memory(sys.argv[1])))
