"""A kept step as a page holds a trace: `frontend/src/sources/page/content.ts` has its shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.analysis.head_scores import ROWS
from llmscope.kernel.protocol import format_key
from llmscope.kernel.step_input import StepInput
from llmscope.words import later, say

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llmscope.kernel.requests import Part
    from llmscope.shared import Kind
    from llmscope.training.history import History
    from llmscope.training.probe import Probe
    from llmscope.training.step_record import StepRecord


def content(history: History, run: int, step: int) -> Part:
    """Return what was kept of all probes at a step.

    Parameters
    ----------
    history
        The training.
    run
        Its number in the view.
    step
        One of its kept steps.
    """
    record = history.at(step)
    answers: dict[str, Part] = {}
    matrices: list[Part] = []
    logits: list[Part] = []
    for number, probe in enumerate(history.probes):
        what = StepInput(run, step, number)
        trace = what.trace_name
        # The weights come in 16 bits, of which three decimals are true.
        answers[format_key(what)] = {"trace": trace, **probe.summary, "decimals": 3}
        chain = _chain(record, number)
        if chain:
            answers[f"{trace}/chain"] = chain
        for kind in probe.kinds:
            part = record.matrices(number, kind)
            matrices.append({"trace": trace, "kind": kind, **part})
            answers |= _thumbnails(record, probe, (trace, number, kind), len(part["names"]))
        told = record.next_token(number)
        if told is not None:
            held = {"trace": trace, "positions": [*probe.positions]}
            vocabulary = history.model["model"]["vocabulary"]
            logits.append({**held, "vocabulary": vocabulary, **told._asdict()})
    ids = np.unique(np.concatenate([one["ids"].ravel() for one in logits] or [[]])).astype(np.int32)
    return {
        "answers": answers,
        "matrices": matrices,
        "logits": logits,
        "labels": {"ids": ids, "labels": history.labels(ids.tolist())},
        "words": {name: say(sentence) for name, sentence in _WORDS.items()},
    }


_WORDS = {
    "heads": later("The weights of this head weren't kept: Watch(heads=…) says of which they are."),
    "positions": later("The next token wasn't kept here: Watch(positions=…) says where it is."),
    "steps": later("The arithmetic of a head takes the model as it was at this step."),
    "lens": later("The lens of all tokens takes the model as it was at this step."),
    "effects": later("Effects take the model as it was at this step."),
    "patching": later("Patching takes the model as it was at this step."),
}


def _chain(record: StepRecord, probe: int) -> Part | None:
    """Return how likely each token of a probe is, as `Trace` tells it: of the first, nothing."""
    logprobs, ranks = record.logprobs(probe), record.ranks(probe)
    if logprobs is None or ranks is None:
        return None
    mean = logprobs.astype(np.float64).mean() if len(logprobs) else np.nan
    return {
        "logprobs": _led_by(np.nan, logprobs, np.float32),
        "ranks": _led_by(-1, ranks, np.int32),
        "perplexity": float(np.exp(-mean)),
    }


def _led_by(first: float, others: NDArray[Any], dtype: Any) -> NDArray[Any]:
    return np.concatenate([[first], others]).astype(dtype)


def _thumbnails(
    record: StepRecord, probe: Probe, where: tuple[str, int, Kind], matrices: int
) -> dict[str, Part]:
    """Return scores of the heads of each layer, and pictures where the page can't make them."""
    trace, number, kind = where
    scores = record.scores(number, kind)
    layers = probe.summary["kinds"][kind]
    is_whole = matrices == sum(heads for _, heads, _ in layers) and probe.kinds[kind][2] <= ROWS
    found = {}
    for row, (layer, heads, _) in enumerate(layers):
        part: Part = {"scores": np.ascontiguousarray(scores[:, row, :heads].T)}
        if not is_whole:
            part["shades"] = record.thumbnails(number, kind, layer)
        found[f"{trace}/thumbnails/{kind}/{layer}"] = part
    return found
