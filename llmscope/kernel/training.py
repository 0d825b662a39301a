"""What a view of trainings shows, and what a page needs for it, by its answers and its traits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from llmscope.capture import NEVER
from llmscope.kernel import training_requests as ask
from llmscope.words import later, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmscope.kernel.handlers import Answers
    from llmscope.kernel.requests import Part, Request
    from llmscope.shared import Kind

_MOST_FOLLOWED = 64  # positions of probes
_MOST_PICTURED = 256  # heads, of all probes, that a page shows over all steps
_TOP = 5  # tokens that are named in words


class Shows(Protocol):
    """A view, as far as it is read here."""

    @property
    def answers(self) -> Answers:
        """What answers its requests."""

    @property
    def traits(self) -> Mapping[str, Any]:
        """Its traits, by name."""


class Focus(NamedTuple):
    """What is in focus.

    Attributes
    ----------
    run, step, probe
        Their numbers; `step` is a kept one.
    position
        The kept position that is nearest to the token in focus; `None` where none is kept.
    kind
        Which attention; `None` where there is none.
    """

    run: int
    step: int
    probe: int
    position: int | None
    kind: Kind | None


def known(answers: Answers) -> Part:
    """Return what is known of all runs."""
    (found,) = answers[ask.Training](ask.Training(), NEVER)
    return found


def focus_of(training: Part, traits: Mapping[str, Any]) -> Focus | None:
    """Return what is in focus; `None` while no step is kept of the run."""
    run, probe = traits["run"], traits["probe"]
    of = training["runs"][run]
    if not len(of["steps"]) or probe >= len(of["probes"]):
        return None
    told = of["probes"][probe]
    last = len(told["tokens"]) - 1
    wanted = traits["position"] if traits["position"] >= 0 else last
    position = min(told["positions"], key=lambda one: abs(one - wanted), default=None)
    chosen = traits["kind"]
    kind = chosen if chosen in told["kinds"] else next(iter(told["kinds"]), None)
    return Focus(run, nearest(of["steps"].tolist(), traits["step"]), probe, position, kind)


def nearest(steps: list[int], step: int) -> int:
    """Return the kept step that is nearest to a step; the last one for -1."""
    return steps[-1] if step < 0 else min(steps, key=lambda one: abs(one - step))


# ── what a page needs ────────────────────────────────────────────────────────────────────────────


def steps(view: Shows) -> list[Request]:
    """Return what is known of all runs, and all steps."""
    runs = known(view.answers)["runs"]
    steps = [(n, step) for n, run in enumerate(runs) for step in run["steps"].tolist()]
    return [ask.Training(), *(ask.TrainingStep(*one) for one in steps)]


def _probes(view: Shows) -> list[tuple[int, int, Any]]:
    """Return each run and probe, by their numbers, with what is told of the probe."""
    runs = known(view.answers)["runs"]
    return [
        (number, probe, told)
        for number, run in enumerate(runs)
        if len(run["steps"])
        for probe, told in enumerate(run["probes"])
    ]


def _followed(view: Shows) -> list[tuple[int, int, int]]:
    """Return runs, probes and positions whose next token is followed: of many, the last ones."""
    every = [(run, probe, at) for run, probe, told in _probes(view) for at in told["positions"]]
    if len(every) <= _MOST_FOLLOWED:
        return every
    focus = focus_of(known(view.answers), view.traits)
    last = {(run, probe): (run, probe, at) for run, probe, at in every}
    return sorted({*last.values(), *([(focus.run, focus.probe, focus.position)] if focus else [])})


def across(view: Shows) -> list[Request]:
    """Return what follows the next token over the steps."""
    return [ask.TrainingAcross(*one) for one in _followed(view)]


def lens(view: Shows) -> list[Request]:
    """Return what follows the layers over the steps."""
    return [ask.TrainingLens(*one) for one in _followed(view)]


def heads(view: Shows) -> list[Request]:
    """Return the scores of all heads over the steps."""
    return [
        ask.TrainingHeads(run, probe, kind)
        for run, probe, told in _probes(view)
        for kind in told["kinds"]
    ]


def head(view: Shows) -> list[Request]:
    """Return the head in focus and the chosen ones over the steps; of small models all heads."""
    every = [
        (run, probe, kind, layer, head)
        for run, probe, told in _probes(view)
        for kind, (_, heads) in told["kinds"].items()
        for layer in told["layers"][kind]
        for head in range(heads)
    ]
    shown = {(view.traits["layer"], view.traits["head"]), *view.traits["heads"]}
    if len(every) > _MOST_PICTURED:
        every = [one for one in every if one[3:] in shown]
    return [ask.TrainingHead(*one) for one in every]


_STATES: dict[str, str] = {
    "waiting": later("waiting"),
    "training": later("training"),
    "ended": later("ended"),
    "stopped": later("stopped"),
    "broken off": later("broken off"),
}


def in_words(view: Shows) -> str:
    """Return how far it is, and what is in focus."""
    training = known(view.answers)
    lines = []
    for run in training["runs"]:
        kept = len(run["steps"])
        lines.append(
            say(
                "{name}, {state}: {kept:,} steps kept.",
                name=run["name"] or say("A training"),
                state=say(_STATES[run["state"]]),
                kept=kept,
            )
        )
        losses = run["log"].get("loss", np.zeros(0))
        told = np.flatnonzero(~np.isnan(losses))
        if len(told):
            first, last = (
                say("{loss:.4g} at step {step:,}", loss=losses[at], step=run["log"]["step"][at])
                for at in told[[0, -1]]
            )
            lines.append(say("Loss: {first}, {last}.", first=first, last=last))
    focus = focus_of(training, view.traits)
    if focus is None or focus.position is None:
        return "\n".join(lines)
    probe = training["runs"][focus.run]["probes"][focus.probe]
    (across,) = view.answers[ask.TrainingAcross](
        ask.TrainingAcross(focus.run, focus.probe, focus.position), NEVER
    )
    probs = across["probs"][across["steps"].tolist().index(focus.step)]
    best = np.argsort(-np.nan_to_num(probs), kind="stable")[:_TOP]
    shares = ", ".join(f"{across['labels'][one]} {100 * probs[one]:.1f} %" for one in best)
    line = say(
        "At step {step:,}, after {label}: {shares}",
        step=focus.step,
        label=probe["label"],
        shares=shares,
    )
    return "\n".join([*lines, line])


def note(view: Shows) -> str:
    """Return what a page holds, and how exact that is."""
    runs = known(view.answers)["runs"]
    counts = say(" and ").join(
        say("{steps:,} steps of {name}", steps=len(run["steps"]), name=run["name"]) for run in runs
    )
    return say(
        "A page without its model holds {counts}: attention in 16 bits, the likeliest next tokens "
        "exactly and the others as a histogram. Typing is off.",
        counts=counts,
    )
