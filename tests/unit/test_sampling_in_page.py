"""The front end's own sampling (frontend/src/sampling/sampling.ts), held to Python's."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from llmscope import Distribution
from llmscope.sampling.engines import is_neutral, transforms
from llmscope.sampling.settings import NEUTRAL, from_arguments
from llmscope.shared import Order
from tests.closeness import assert_close, assert_probabilities_close

FRONTEND = Path(__file__).parents[2] / "llmscope" / "frontend"
IN_PAGE = {
    "temperature": "temperature",
    "top_k": "topK",
    "top_p": "topP",
    "min_p": "minP",
    "typical_p": "typicalP",
}
PAGE_NAMES = {name: name.replace("_", "-") for name in IN_PAGE} | {"typical_p": "typical"}
SETTINGS = [
    {},
    {"temperature": 0.0},
    {"temperature": 0.05, "top_p": 0.999},
    {"temperature": 0.7},
    {"temperature": 5.0},
    {"temperature": 2.0, "top_k": 5},
    {"top_k": 1},
    {"top_k": 10**6},
    {"top_p": 0.0},
    {"top_p": 1.0},
    {"top_k": 50, "top_p": 0.9},
    {"temperature": 1.3, "top_k": 50, "top_p": 0.88, "min_p": 0.05},
    {"min_p": 0.3},
    {"min_p": 1.0},
    {"typical_p": 0.4},
    {"temperature": 1.2, "top_k": 40, "top_p": 0.95, "min_p": 0.02, "typical_p": 0.9},
]
SCRIPT = """
import { buildSync } from "esbuild";
import { readFileSync, writeFileSync } from "node:fs";
const built = buildSync({ entryPoints: ["src/sampling/sampling.ts"], bundle: true,
                          format: "esm", write: false });
const code = Buffer.from(built.outputFiles[0].contents).toString("base64");
const { sample, sortLogits } = await import("data:text/javascript;base64," + code);
const { folder, cases } = JSON.parse(readFileSync(0, "utf8"));
const sorted = {};
console.log(JSON.stringify(cases.map(({ name, settings }, index) => {
    if (!(name in sorted)) {
        const bytes = readFileSync(`${folder}/${name}.f32`);
        sorted[name] = sortLogits(new Float32Array(new Uint8Array(bytes).buffer));
    }
    const { order } = sorted[name];
    const outcome = sample(sorted[name], settings);
    const probs = new Float64Array(order.length);
    order.forEach((id, rank) => { probs[id] = outcome.probs[rank] ?? 0; });
    writeFileSync(`${folder}/${index}.f64`, probs);
    return { left: [...order.slice(outcome.first, outcome.first + outcome.kept)],
             stages: outcome.stages, entropy: outcome.entropy };
})));
"""


def random_logits(size: int, seed: int = 0, spread: float = 3) -> torch.Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed)) * spread


VECTORS = {
    "two": random_logits(2),
    "random": random_logits(2000),
    "another": random_logits(2000, seed=1),
    "equal": torch.zeros(64),
    "ties": torch.tensor([3.0, 2.0, 2.0, 2.0, 1.0, -5.0]),
    "impossible": torch.tensor([1.0, -math.inf, 0.5, -2.0]),
    "one": torch.tensor([0.0]),
    "far": torch.tensor([40.0, 0.0, -40.0]),
    "50k": random_logits(49_152),
    "152k": random_logits(151_936),
    "262k": random_logits(262_144),
    "flat": random_logits(262_144, spread=0.1),
}
LARGE = 10_000
ROUNDING = 1e-3  # of a float32 sum over a quarter of a million tokens


@pytest.mark.parametrize("order", ["transformers", "llama.cpp", "vllm"])
def test_the_page_computes_the_same(order, tmp_path):
    cases, expected = [], []
    for name, logits in VECTORS.items():
        (tmp_path / f"{name}.f32").write_bytes(logits.numpy().tobytes())
        tied = logits.unique().numel() < logits.numel() and len(logits) < LARGE
        for asked in SETTINGS:
            if order == "vllm" and "typical_p" in asked:
                continue
            if tied and asked.keys() & {"top_p", "typical_p"}:
                continue  # which of equal tokens such a cut keeps is up to the engine's sort
            full = {page: asked.get(ours, NEUTRAL[ours]) for ours, page in IN_PAGE.items()}
            cases.append({"name": name, "settings": full | {"order": order}})
            truth = Distribution.from_logits(logits, order=order, **asked)
            expected.append((truth, exact(logits, order, asked)))
    assert len(cases) > 120
    node = shutil.which("node")
    assert node is not None
    done = subprocess.run(
        [node, "--input-type=module", "-e", SCRIPT],
        input=json.dumps({"folder": str(tmp_path), "cases": cases}),
        capture_output=True,
        text=True,
        cwd=FRONTEND,
        check=True,
    )
    at_the_line = 0
    answers = json.loads(done.stdout)
    for index, (found, (truth, exact_probs)) in enumerate(zip(answers, expected, strict=True)):
        probs = np.fromfile(tmp_path / f"{index}.f64", dtype=np.float64)
        left = np.zeros(len(probs), dtype=bool)
        left[found["left"]] = True
        other = left != (truth.stages[-1].mask if truth.stages else truth.base > 0)
        assert [s["name"] for s in found["stages"]] == [PAGE_NAMES[s.name] for s in truth.stages]
        if len(probs) < LARGE:
            assert not other.any(), cases[index]
            assert [s["kept"] for s in found["stages"]] == [s.kept for s in truth.stages]
        else:
            at_the_line += assert_only_rounding(other, truth, probs)
        if not other.any():
            assert_probabilities_close(probs, exact_probs)
            assert_probabilities_close(probs, truth.probs, terms=len(probs))
        bits = np.log2(len(probs))
        assert_close(found["entropy"], truth.entropy, terms=len(probs), size=bits)
        removed = [stage["removed"] for stage in found["stages"]]
        assert_close(removed, [s.removed for s in truth.stages], terms=len(probs), size=1)
    print(f"{order}: {at_the_line} tokens within float32 rounding of a cut")


def exact(logits: torch.Tensor, order: Order, asked: dict[str, float]) -> np.ndarray:
    """Softmax, in double precision, of the scores that transformers' processors leave.

    In float32, as `generate` takes it, the sum over a large vocabulary is off by about 1e-5.
    """
    scores = logits
    for step in transforms(from_arguments(asked), order, ()):
        scores = scores if is_neutral(step) else step.apply(scores)
    return scores.double().softmax(dim=-1).numpy()


def assert_only_rounding(other: np.ndarray, truth: Distribution, probs: np.ndarray) -> int:
    """Tokens whose fate differs weigh, all together, no more than the rounding of the sums."""
    ids = np.flatnonzero(other)
    weight = max(truth.probs[ids].sum(), probs[ids].sum()) if len(ids) else 0.0
    assert weight < ROUNDING
    return len(ids)
