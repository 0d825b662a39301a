"""All heads over two hundred sentences: what it costs beside bare forwards and eager ones."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from llmscope.corpus import SENTENCES, Survey
from tests.bench.passes import load, resident
from tests.bench.table import interleaved, show

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
    """Give what each way does, by its name."""
    model = scope.model
    inputs = [torch.tensor([scope.tokenizer(text)["input_ids"]]) for text in texts]

    def forwards():
        with torch.no_grad():
            for ids in inputs:
                model(ids, use_cache=False, logits_to_keep=1)

    def eager(keep):
        before = model.config._attn_implementation
        model.set_attn_implementation("eager")
        try:
            kept = []
            with torch.no_grad():
                for ids in inputs:
                    out = model(ids, use_cache=False, output_attentions=True, logits_to_keep=1)
                    kept += [out.attentions] * keep
            return kept
        finally:
            model.set_attn_implementation(before)

    return {
        "bare forwards": forwards,
        "survey": lambda: Survey(scope, texts).run(progress=False),
        "eager": lambda: eager(False),
        "eager, kept": lambda: eager(True),
    }


def memory(way: str) -> int:
    """Count the bytes beyond the loaded model that a way takes at its peak."""
    scope = load()
    works(scope, SENTENCES[:10])[way]()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what the warm-up left to glibc isn't there for the taking
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
    before = resident("VmRSS")
    kept = works(scope, SENTENCES)[way]()
    peak = resident("VmHWM")
    del kept
    return peak - before


def test_a_survey_beside_its_forwards():
    """Ratios of one run: each way reads the same sentences in turn."""
    scope = load()
    made = works(scope, SENTENCES)
    times = dict(zip(made, interleaved([*made.values()], ROUNDS), strict=True))
    rows = []
    for way, what in WAYS.items():
        command = [sys.executable, "-m", "tests.bench.test_survey", way]
        took = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)
        seconds = times[way]
        ratio = seconds / times["bare forwards"]
        size = f"{json.loads(took.stdout) / 1e6:.0f} MB"
        rows.append([way, what, f"{seconds:.1f} s", f"{ratio:.2f}", size])
    heads = ["way", "what it does", "200 sentences", "in bare forwards", "peak memory"]
    show("270 heads over 200 sentences", heads, rows)


if __name__ == "__main__":
    print(json.dumps(memory(sys.argv[1])))
