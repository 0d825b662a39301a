"""What is read of a trace, and whether it is the truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import llmscope
from llmscope.analysis.structure import reading
from llmscope.scope import Scope

Arrays = dict[str, Any]
Read = Callable[[Any], Arrays]
Call = Callable[[], Any]

TEXT = "The quick brown fox jumps over the lazy dog"
LONGER = TEXT + ", and so on"  # by more than a few tokens: all parameters are looked at


def _lens(trace: Any, stream: str) -> Arrays:
    lens = trace.lens(top=3, stream=stream)
    return {"probs": lens.probs, "entropy": lens.entropy, "divergence": lens.divergence}


def _steps(trace: Any) -> Arrays:
    steps = trace.steps(1, 1, len(trace) - 2)
    names = ("query", "keys", "weights", "output", "concat", "projected", "contribution")
    return {name: getattr(steps, name) for name in names if getattr(steps, name) is not None}


READS: dict[str, Read] = {
    "logits": lambda trace: {"": trace.logits},
    "logits_at": lambda trace: {"": trace.logits_at(3)},
    "next_token": lambda trace: {"": trace.next_token().probs},
    "logprobs": lambda trace: {"": trace.logprobs[1:]},
    "hidden": lambda trace: {"": np.stack([trace.hidden(n) for n in range(4)])},
    "lens": lambda trace: _lens(trace, "block"),
    "lens attention": lambda trace: _lens(trace, "attention"),
    "lens mlp": lambda trace: _lens(trace, "mlp"),
    "attention": lambda trace: {"": np.stack([trace.attention(n) for n in range(3)])},
    "qkv": lambda trace: dict(zip("qkv", trace.qkv(1, 1), strict=True)),
    "steps": _steps,
}


def _warm(scope: Scope) -> Call:
    scope.trace(TEXT[:20])
    scope.trace(TEXT[:30])
    return lambda: scope.trace(TEXT)


def _read(name: str) -> Callable[[Scope], Call]:
    def prepared(scope: Scope) -> Call:
        trace = scope.trace(TEXT)
        return lambda: READS[name](trace)

    return prepared


EDITS = [
    llmscope.ablate(head=(1, 2)),
    llmscope.ablate(mlp=0),
    llmscope.ablate(edge=(2, 1, 3, 1), by="mask"),
    llmscope.steer(layer=1, direction=("The", "dog")),
]


def _effects(scope: Scope) -> Call:
    trace = scope.trace(TEXT)
    return lambda: trace.effects(7, 9, method="ablate")


def _difference(scope: Scope) -> Call:
    trace = scope.trace(TEXT, edits=EDITS)
    return lambda: llmscope.Comparison(trace, trace.untouched).lens()


def _structure(scope: Scope) -> Call:
    trace = scope.trace(TEXT)
    reading._known.pop(scope.model, None)  # it is read once for each state of a model

    def read() -> Arrays:
        boxes = [box for _, box in trace.structure.boxes()]
        return {"": np.array([[box.parameters, box.gives or 0] for box in boxes], float)}

    return read


def _token_path(scope: Scope) -> Call:
    trace = scope.trace(TEXT)
    trace.structure  # noqa: B018

    def read() -> Arrays:
        path = trace.token_path(3)
        return {"lengths": np.array(path.lengths()), **path.block(1)}

    return read


# name: what is called, of which model, and what comes before
CALLS: dict[str, tuple[str, Callable[[Scope], Call]]] = {
    "trace": ("llama", lambda scope: lambda: scope.trace(TEXT)),
    "trace, continued": ("llama", _warm),
    "hidden": ("llama", _read("hidden")),
    "lens": ("llama", _read("lens")),
    "lens attention": ("llama", _read("lens attention")),
    "steps": ("llama", _read("steps")),
    "logits": ("llama", _read("logits")),
    "attention by its own output": ("falcon", _read("attention")),
    "trace, edited": ("llama", lambda scope: lambda: scope.trace(TEXT, edits=EDITS)),
    "effects": ("llama", _effects),
    "difference": ("llama", _difference),
    "structure": ("llama", _structure),
    "token path": ("llama", _token_path),
    "generate, edited": (
        "llama",
        lambda scope: lambda: scope.generate("A dog", edits=EDITS, max_new_tokens=2, seed=0),
    ),
    "generate": ("llama", lambda scope: lambda: scope.generate("A dog", max_new_tokens=3, seed=0)),
}


def numbers(result: Any) -> Arrays:
    """What a call gave: arrays, a trace, effects, a difference of lenses or a run."""
    if isinstance(result, dict):
        return result
    for name in ("logits", "values", "divergence"):
        if hasattr(result, name):
            return {"": getattr(result, name)}
    return {"": result.sequences.astype(float)}


def cold(model: torch.nn.Module, tokenizer: Any) -> Scope:
    """A scope that keeps nothing between two traces."""
    scope = Scope(model, tokenizer, name="tiny")
    scope.cache_limit = 0
    return scope


def truth(model: Any, ids: list[int]) -> dict[str, Arrays]:
    """What the model itself gives in evaluation mode, without llmscope."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        with torch.no_grad():
            output = model(
                input_ids=torch.tensor([ids]), output_hidden_states=True, output_attentions=True
            )
    finally:
        for module in training:
            module.training = True
    found = {
        "logits": output.logits[0],
        "hidden": torch.stack([state[0] for state in output.hidden_states]),
    }
    if output.attentions:
        found["attention"] = torch.stack([weights[0] for weights in output.attentions])
    return {name: {"": item.float().numpy()} for name, item in found.items()}


def differs(got: Arrays, true: Arrays, eps: float = 2.0**-23) -> str | None:
    """Say in which array the numbers are not the same but for rounding.

    Sums of a few hundred terms in another order are apart by some dozens of roundings of their
    largest; 800 leave room for what a soft cap or a norm makes of them (1e-4 in float32).
    """
    assert got.keys() == true.keys()
    for name, item in true.items():
        if np.shape(got[name]) != np.shape(item):
            return f"{name}: shape {np.shape(got[name])}, true is {np.shape(item)}"
        finite = np.isfinite(item)
        size = max(float(np.abs(item[finite]).max(initial=0)), 1e-3)
        worst = float(np.abs(got[name] - item)[finite].max(initial=0))
        if not worst <= 800 * eps * size or not np.array_equal(np.isfinite(got[name]), finite):
            return f"{name or 'numbers'} are off by {worst:.2g} of {size:.2g}"
    return None
