"""The requests about a model while it was trained, as `llmscope.kernel.requests` has the others.

Runs are numbered from 0, probes too; a step is its number in the training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmscope.kernel.requests import FIRST, LAST, LATER, Request

if TYPE_CHECKING:
    from llmscope.shared import Kind


@dataclass(frozen=True)
class Training(Request):
    """What is known of all runs: their probes, the log, and which steps are kept."""

    form = "training"
    urgency = FIRST


@dataclass(frozen=True)
class TrainingRun(Request):
    """The same, again and again as it grows, until all runs are over."""

    form = "training/run"
    urgency = LAST


@dataclass(frozen=True)
class TrainingStop(Request):
    """Ask what trains to stop after the step that it is at."""

    form = "training/stop"
    urgency = FIRST


@dataclass(frozen=True)
class TrainingStep(Request):
    """One kept step: what a page holds of a trace, of every probe."""

    form = "training/step/{run}/{step}"
    run: int
    step: int


@dataclass(frozen=True)
class TrainingAcross(Request):
    """The next token at a position of a probe, over all kept steps."""

    form = "training/across/{run}/{probe}/{position}"
    urgency = LATER
    run: int
    probe: int
    position: int


@dataclass(frozen=True)
class TrainingHeads(Request):
    """The scores of all heads over all kept steps: (steps, scores, layers, heads)."""

    form = "training/heads/{run}/{probe}/{kind}"
    urgency = LATER
    run: int
    probe: int
    kind: Kind


@dataclass(frozen=True)
class TrainingHead(Request):
    """One head through time: thumbnails of some of the kept steps (steps, rows, keys)."""

    form = "training/head/{run}/{probe}/{kind}/{layer}/{head}"
    urgency = LATER
    run: int
    probe: int
    kind: Kind
    layer: int
    head: int


@dataclass(frozen=True)
class TrainingLens(Request):
    """The likeliest token after each layer, over all kept steps: (steps, layers + 1)."""

    form = "training/lens/{run}/{probe}/{position}"
    urgency = LATER
    run: int
    probe: int
    position: int
