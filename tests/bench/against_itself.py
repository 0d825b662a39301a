"""SmolLM2 against itself: in bfloat16, in int8, and after 200 steps of fine-tuning.

``python -m tests.bench.against_itself`` prints the tables of docs/comparing-smollm2.md, in some
minutes on two cores.
"""

from __future__ import annotations

import copy
import sys
import time
import warnings
from collections.abc import Callable, Sequence

import numpy as np
import torch

import llmscope
from llmscope import Comparison, Scope
from tests.bench.table import show
from tests.bench.training_texts import TRAINING

STEPS, RATE = 200, 5e-5
SENTENCES = (
    "The capital of France is",
    "When Mary and John went to the store, John gave a drink to",
    "Water boils at a hundred degrees, and it freezes at",
    "def add(a, b):\n    return a +",
    "The lamp was lit at six and burned until",
    "She opened the door, looked at the rain, and said:",
    "Monday, Tuesday, Wednesday, Thursday,",
    "北京是中国的首都，巴黎是",
)


def in_bfloat16(_: Scope) -> Scope:
    return llmscope.load(device="cpu", dtype="bfloat16", progress=lambda *_: None)


def in_int8(original: Scope) -> Scope:
    """PyTorch's dynamic quantisation: weights of all linear layers, the head's too, by channel."""
    from torch.ao.quantization import per_channel_dynamic_qconfig, quantize_dynamic

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that torchao will take its place
        model = quantize_dynamic(
            copy.deepcopy(original.model), {torch.nn.Linear: per_channel_dynamic_qconfig}
        )
    return Scope(model, original.tokenizer)


def in_int8_weights(original: Scope) -> Scope:
    """The same rounding of the weights alone: what is computed with them stays float32."""
    model = copy.deepcopy(original.model)
    for module in model.modules():
        if isinstance(module, torch.nn.Linear):
            weight = module.weight.detach()
            scale = weight.abs().amax(1) / 127
            zero = torch.zeros_like(scale, dtype=torch.int32)
            rounded = torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, -127, 127)
            module.weight = torch.nn.Parameter(rounded, requires_grad=False)
    return Scope(model, original.tokenizer)


def fine_tuned(original: Scope) -> Scope:
    """All weights, by AdamW at one rate, a text a step."""
    torch.manual_seed(0)
    model = copy.deepcopy(original.model).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.0)
    losses = []
    for step in range(STEPS):
        text = TRAINING[step % len(TRAINING)]
        ids = torch.tensor([original.tokenizer(text)["input_ids"]])
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    said = f"{np.mean(losses[:36]):.2f} to {np.mean(losses[-36:]):.2f} nats a token"
    print(f"\nFine-tuned on {len(TRAINING)} texts, {STEPS} steps: loss {said}.", flush=True)
    return Scope(model.eval(), original.tokenizer)


VARIANTS: dict[str, Callable[[Scope], Scope]] = {
    "bfloat16": in_bfloat16,
    "int8 weights": in_int8_weights,
    "int8": in_int8,
    "fine-tuned": fine_tuned,
}


def compared(variant: Scope, original: Scope) -> list[Comparison]:
    return [Comparison(variant.trace(text), original.trace(text)) for text in SENTENCES]


def predictions(name: str, found: Sequence[Comparison]) -> list[str]:
    """Give what became of the next token and of the chain."""
    after = [each.next_token for each in found]
    same = sum(each.probs_a.argmax() == each.probs_b.argmax() for each in after)
    surprisal = np.concatenate([each.surprisal[1:] for each in found])
    moved = [each.total_variation for each in after]
    return [
        name,
        f"{np.mean([each.kl_ba for each in after]):.3f}",
        f"{np.mean(moved):.3f} ({max(moved):.3f})",
        f"{same} of {len(after)}",
        f"{surprisal.mean():+.3f}",
        f"{np.abs(surprisal).mean():.3f}",
    ]


def heads(name: str, found: Sequence[Comparison]) -> list[str]:
    """Give how far heads are apart, as the mean of the sentences."""
    distances = np.mean([each.head_distances for each in found], axis=0)
    thirds = [f"{part.mean():.3f}" for part in np.array_split(distances, 3)]
    order = np.argsort(-distances, axis=None)[:3]
    furthest = [
        f"{layer}.{head} ({distances[layer, head]:.2f})"
        for layer, head in zip(*np.unravel_index(order, distances.shape), strict=True)
    ]
    return [name, *thirds, f"{np.median(distances):.3f}", ", ".join(furthest)]


def layers(name: str, found: Sequence[Comparison]) -> list[str]:
    """Give how far the lens is apart at some layers, and where it parts."""
    lenses = [each.lens() for each in found]
    divergence = np.concatenate([lens.divergence for lens in lenses], axis=1).mean(1)
    apart = np.concatenate([lens.ids_a[-1] != lens.ids_b[-1] for lens in lenses])
    parting = np.concatenate([lens.parting for lens in lenses])
    ends = parting[apart]
    where = f"{np.median(ends):.0f}" if len(ends) else "–"
    shown = [f"{divergence[layer]:.3f}" for layer in (1, 10, 20, 29, 30)]
    return [name, *shown, f"{apart.sum()} of {len(apart)}", where]


def main() -> int:
    """Print the tables."""
    original = llmscope.load(device="cpu", progress=lambda *_: None)
    tables: list[list[list[str]]] = [[], [], []]
    sentences: dict[str, list[str]] = {text: [] for text in SENTENCES}
    gains: list[list[str]] = []
    for name, make in VARIANTS.items():
        start = time.perf_counter()
        found = compared(make(original), original)
        for rows, row in zip(tables, (predictions, heads, layers), strict=True):
            rows.append(row(name, found))
        for each, text in zip(found, SENTENCES, strict=True):
            said = each.next_token
            sentences[text].append(f"{said.total_variation:.3f}")
            if text == "The lamp was lit at six and burned until":
                gained, lost = ([f"{c.label} {c.change:+.3f}" for c in side(3)]
                                for side in (said.gained, said.lost))  # fmt: skip
                gains.append([name, ", ".join(gained), ", ".join(lost)])
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    show(
        "What it predicts",
        ["", "KL, bits", "total variation (most)", "same likeliest token", "surprisal", "apart by"],
        tables[0],
    )
    show(
        "Total variation of the next token",
        ["after", *VARIANTS],
        [[f"`{text!r}`", *values] for text, values in sentences.items()],
    )
    show("After “The lamp was lit at six and burned until”", ["", "gained", "lost"], gains)
    show(
        "Distance of heads",
        ["", "layers 0–9", "10–19", "20–29", "median of all", "furthest"],
        tables[1],
    )
    show(
        "Divergence of the lens, bits, after so many layers",
        ["", "1", "10", "20", "29", "30", "positions that end apart", "parting at layer"],
        tables[2],
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
