"""The fixtures of trainings: a causal model, an encoder-decoder, and two runs of one task."""

from __future__ import annotations

from typing import Any

import numpy as np

from llmscope.training import History
from llmscope.views import TrainingView
from tests import trained
from tests.components.fixtures import Made, fixture
from tests.components.numbers import Array, Numbers

TOP = 5  # tokens that are stored of each step


@fixture("training")
def training() -> Made:
    """Which sound an animal makes: two layers, and a text that is longer."""
    return made(TrainingView(trained.of_sounds(), layer=1, head=2))


@fixture("training-seq2seq")
def training_seq2seq() -> Made:
    """Words told in other words: cross-attention lines up."""
    return made(TrainingView(trained.of_animals(), kind="cross"))


@fixture("training-two")
def training_two() -> Made:
    """The same task from weights that have learnt it before, and from random ones."""
    model = trained.gpt2(seed=1)
    trained.of_sounds(100, 100, model=model)
    for parameter in model.transformer.h[1].parameters():
        parameter.data.mul_(0.5)
    again = trained.of_sounds(60, 10, model=model, name="trained before", rate=2e-3)
    anew = trained.of_sounds(60, 10, name="from scratch")
    return made(TrainingView(again, anew, held=60, held_run=1))


def made(view: TrainingView) -> Made:
    """A view with Python's own numbers of it."""
    arrays: dict[str, Array] = {}
    runs = [told(history, f"{number}/", arrays) for number, history in enumerate(view.histories)]
    return Made([view], Numbers(arrays, {"runs": runs, "labels": runs[0]["tokens"][0]}))


def told(history: History, prefix: str, arrays: dict[str, Array]) -> dict[str, Any]:
    """Store the numbers of a run; return what is known of it in words."""
    steps, probes = history.steps, history.probes
    arrays[f"{prefix}steps"] = np.array(steps, np.int32)
    arrays[f"{prefix}step"] = history.log["step"].astype(np.int32)
    arrays[f"{prefix}loss"] = history.log["loss"].astype(np.float32)
    records = [history.at(step) for step in steps]
    for number, probe in enumerate(probes):
        for kind in probe.kinds:
            name = f"{prefix}{number}/{kind}"
            arrays[f"{name}/scores"] = np.stack([one.scores(number, kind) for one in records])
            for record in (records[0], records[len(records) // 2], records[-1]):
                layers, heads = probe.kinds[kind][:2]
                arrays[f"{name}/attention/{record.step}"] = np.stack(
                    [
                        [record.attention(number, layer, head, kind) for head in range(heads)]
                        for layer in layers
                    ]
                )
        for place, name in enumerate(("ids", "logprobs")):
            of_layers = [one.lens(number)[place] for one in records]
            arrays[f"{prefix}{number}/lens/{name}"] = np.stack(of_layers)
        for name in ("logprobs", "ranks"):
            rows = [getattr(one, name)(number) for one in records]
            arrays[f"{prefix}{number}/{name}"] = np.stack(rows)
    return {
        "name": history.name,
        "state": history.state,
        "probes": [probe.label for probe in probes],
        "positions": [list(probe.positions) for probe in probes],
        "tokens": [
            [row[1] for row in probe.summary["target"] or probe.summary["tokens"]]
            for probe in probes
        ],
        "labels": history.labels(range(history.model["model"]["vocabulary"])),
        # By probe, step and position: the likeliest tokens with their probabilities.
        "top": [
            [likeliest(history, one, number) for one in records] for number in range(len(probes))
        ],
    }


def likeliest(history: History, record: Any, probe: int) -> list[list[tuple[str, float]]]:
    """The likeliest tokens at each kept position; the vocabulary is all exact."""
    found = record.next_token(probe)
    assert not found.counts.any()
    rows = []
    for ids, logits in zip(found.ids, found.logits.astype(np.float64), strict=True):
        probs = np.exp(logits - logits.max())
        probs /= probs.sum()
        labels = history.labels(ids[:TOP].tolist())
        rows.append([(label, float(prob)) for label, prob in zip(labels, probs, strict=False)])
    return rows
