"""What a view of trainings asks, answered out of what was kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.kernel import training_requests as ask
from llmscope.kernel.requests import RequestError
from llmscope.training.content import content
from llmscope.training.numbers import Numbers, evenly
from llmscope.words import later, say

if TYPE_CHECKING:
    from llmscope.kernel.handlers import Answers
    from llmscope.kernel.requests import Part
    from llmscope.shared import Kind
    from llmscope.training.history import History
    from llmscope.training.numbers import OfProbe
    from llmscope.training.probe import Probe

OVER = ("ended", "stopped", "broken off")  # states
_SECONDS = 0.5  # between two parts, at least
_SHARE = 0.05  # of the time that may go into parts
_WAIT = 0.2  # seconds, after which it is asked again whether anybody waits
_ROWS = 4000  # of the log
_LIKELIEST = 8  # tokens of each step that are followed
_FOLLOWED = 40  # tokens, at most
_PICTURES = 24  # of one head through time

Cancelled = Callable[[], bool]


class TrainingAnswers:
    """Answers what a view of one training, or of two, asks.

    Parameters
    ----------
    runs
        The trainings, which may still be going on.
    steps
        Of each run the steps that are shown, where these aren't all that were kept.
    """

    def __init__(
        self, runs: Sequence[History], steps: Sequence[tuple[int, ...]] | None = None
    ) -> None:
        self.runs = tuple(runs)
        self._steps = steps
        self._numbers = Numbers()

    @property
    def answers(self) -> Answers:
        """What answers, by the kind of request."""
        return {
            ask.Training: self._training,
            ask.TrainingRun: self._run,
            ask.TrainingStop: self._stop,
            ask.TrainingStep: self._step,
            ask.TrainingAcross: self._across,
            ask.TrainingHeads: self._heads,
            ask.TrainingHead: self._head,
            ask.TrainingLens: self._lens,
        }

    @property
    def is_over(self) -> bool:
        """Whether no run goes on any more."""
        return all(run.state in OVER for run in self.runs)

    def steps(self, run: int) -> tuple[int, ...]:
        """Return the steps of a run that are shown."""
        kept = self.runs[run].steps
        if self._steps is None:
            return kept
        return tuple(sorted(set(kept).intersection(self._steps[run])))

    def thinned(self, most: int, always: Sequence[tuple[int, int]] = ()) -> TrainingAnswers:
        """Return the same of fewer steps, spread evenly.

        Parameters
        ----------
        most
            How many steps of all runs together.
        always
            A run and a step, of those that stay; so do the first and the last of each run.
        """
        kept = [self.steps(run) for run in range(len(self.runs))]
        total = sum(map(len, kept))
        if total <= most:
            return self
        steps = []
        for run, own in enumerate(kept):
            stay = {step for number, step in always if number == run}
            share = max(2, round(most * len(own) / total)) - len(stay.difference(own[:1], own[-1:]))
            steps.append(tuple(sorted({*evenly(own, max(2, share)), *stay.intersection(own)})))
        return TrainingAnswers(self.runs, steps)

    # ── all of it ────────────────────────────────────────────────────────────────────────────

    def _training(self, _: ask.Training, _cancelled: Cancelled) -> Iterator[Part]:
        yield self._known()

    def _run(self, _: ask.TrainingRun, cancelled: Cancelled) -> Iterator[Part]:
        told: list[int] = []
        due = 0.0
        while not cancelled():
            is_over = self.is_over
            versions = [run.version for run in self.runs]
            if (versions != told and time.perf_counter() >= due) or is_over:
                begun = time.perf_counter()
                yield self._known()
                told = versions
                due = begun + max(_SECONDS, (time.perf_counter() - begun) / _SHARE)
            if is_over:
                return
            self._wait(versions if versions == told else None)

    def _wait(self, versions: list[int] | None) -> None:
        """Wait for news, or where these are there already, a moment."""
        going = next(n for n, run in enumerate(self.runs) if run.state not in OVER)
        if versions is None:
            time.sleep(_WAIT)
        else:
            self.runs[going].wait(versions[going], _WAIT)

    def _stop(self, _: ask.TrainingStop, _cancelled: Cancelled) -> Iterator[Part]:
        for run in self.runs:
            if run.state not in OVER:
                run.stop()
        yield {}

    def _known(self) -> Part:
        check_tokens(self.runs)
        return {"runs": [self._described(number) for number in range(len(self.runs))]}

    def _described(self, number: int) -> Part:
        run = self.runs[number]
        # The state first: what is read after it is at least as new.
        state, kept, steps = run.state, run.steps, self.steps(number)
        notes = [*run.notes]
        if self._steps is not None and len(steps) < len(kept):
            notes.append(
                say(
                    "Held here are {count} of {count_2} steps that were kept.",
                    count=len(steps),
                    count_2=len(kept),
                )
            )
        return {
            "name": run.name,
            "model": run.model,
            "probes": [_probe(probe) for probe in run.probes],
            "steps": np.array(steps, np.int32),
            "log": _log(run, steps),
            "state": state,
            "total": run.total,
            "notes": notes,
            "bytes": run.bytes,
        }

    # ── steps ────────────────────────────────────────────────────────────────────────────────

    def _step(self, request: ask.TrainingStep, _cancelled: Cancelled) -> Iterator[Part]:
        run = self._of(request.run)
        if request.step not in self.steps(request.run):
            raise RequestError(say("Step {step:,} isn't kept.", step=request.step))
        yield content(run, request.run, request.step)

    def _across(self, request: ask.TrainingAcross, cancelled: Cancelled) -> Iterator[Part]:
        place = self._position(request)
        found = [(step, one) for step, one in self._read(request, cancelled) if one.ids is not None]
        rows = [(one.ids[place], one.probs[place]) for _, one in found]  # type: ignore[index]
        best: dict[int, float] = {}
        ever = {token for ids, _ in rows for token in ids[:_LIKELIEST].tolist()}
        for ids, probs in rows:
            for token, prob in zip(ids.tolist(), probs.tolist(), strict=True):
                if token in ever:
                    best[token] = max(prob, best.get(token, 0.0))
        tokens = sorted(best, key=lambda token: (-best[token], token))[:_FOLLOWED]
        probs = np.full((len(rows), len(tokens)), np.nan, np.float32)
        column = {token: n for n, token in enumerate(tokens)}
        for row, (ids, known) in enumerate(rows):
            for token, prob in zip(ids.tolist(), known.tolist(), strict=True):
                if token in column:
                    probs[row, column[token]] = prob
        yield {
            "steps": np.array([step for step, _ in found], np.int32),
            "ids": np.array(tokens, np.int32),
            "labels": self.runs[request.run].labels(tokens),
            "probs": probs,
            "entropy": np.array([one.entropy[place] for _, one in found], np.float32),
        }

    def _lens(self, request: ask.TrainingLens, cancelled: Cancelled) -> Iterator[Part]:
        place = self._position(request)
        rows = [
            (step, one.lens[0][place], one.lens[1][place])
            for step, one in self._read(request, cancelled)
            if one.lens is not None
        ]
        # Of a model whose layers can't be read through its head there is none, and no row.
        ids = np.stack([row for _, row, _ in rows]) if rows else np.zeros((0, 0), np.int32)
        known = np.unique(ids).astype(np.int32)
        labels = self.runs[request.run].labels(known.tolist())
        yield {
            "steps": np.array([step for step, _, _ in rows], np.int32),
            "ids": ids,
            "labels": {"ids": known, "labels": labels},
            "logprobs": np.stack([row for _, _, row in rows]) if rows else ids.astype(np.float32),
        }

    def _heads(self, request: ask.TrainingHeads, cancelled: Cancelled) -> Iterator[Part]:
        self._kind(request)
        rows = [(step, one.scores[request.kind]) for step, one in self._read(request, cancelled)]
        yield {
            "steps": np.array([step for step, _ in rows], np.int32),
            "scores": np.stack([scores for _, scores in rows]),
        }

    def _head(self, request: ask.TrainingHead, cancelled: Cancelled) -> Iterator[Part]:
        probe, kind = self._kind(request), request.kind
        layers, heads = probe.kinds[kind][:2]
        if request.layer not in layers or request.head >= heads:
            raise RequestError(
                say("There is no head {layer}·{head}.", layer=request.layer, head=request.head)
            )
        run, pictures = self.runs[request.run], []
        for step in evenly(self.steps(request.run), _PICTURES):
            if cancelled():
                return
            try:
                shades = run.at(step).thumbnails(request.probe, kind, request.layer)
            except IndexError:  # it was dropped meanwhile
                continue
            if request.head < len(shades):
                pictures.append((step, shades[request.head]))
        if not pictures:
            raise RequestError(
                say("There is no head {layer}·{head}.", layer=request.layer, head=request.head)
            )
        yield {
            "steps": np.array([step for step, _ in pictures], np.int32),
            "shades": np.stack([shades for _, shades in pictures]),
        }

    # ── what they are about ──────────────────────────────────────────────────────────────────

    def _read(self, request: Any, cancelled: Cancelled) -> Iterator[tuple[int, OfProbe]]:
        """Yield the shown steps, each with the numbers of a probe."""
        run = self.runs[request.run]
        if not self.steps(request.run):
            raise RequestError(say("No step is kept yet."))
        for step in self.steps(request.run):
            if cancelled():
                return
            try:
                yield step, self._numbers.at(run, request.run, step)[request.probe]
            except IndexError:  # it was dropped meanwhile
                continue

    def _of(self, run: int) -> History:
        if run >= len(self.runs):
            raise RequestError(
                say(
                    "There is no run {run}: this view shows {count}.", run=run, count=len(self.runs)
                )
            )
        return self.runs[run]

    def _probe(self, request: Any) -> Probe:
        probes, number = self._of(request.run).probes, int(request.probe)
        if number >= len(probes):
            raise RequestError(
                say(
                    "There is no probe {number}: there are {count}.",
                    number=number,
                    count=len(probes),
                )
            )
        return probes[number]

    def _position(self, request: Any) -> int:
        """Return which of the kept positions of a probe a request is about."""
        positions = self._probe(request).positions
        if request.position not in positions:
            known = ", ".join(map(str, positions)) or say("no token")
            raise RequestError(
                say(
                    "The next token was kept at {known}: not at {position}.",
                    known=known,
                    position=request.position,
                )
            )
        return positions.index(request.position)

    def _kind(self, request: Any) -> Probe:
        probe, kind = self._probe(request), request.kind
        if kind not in probe.kinds:
            why = probe.summary.get("why")
            raise RequestError(
                why or say("There is no {kind} in this model.", kind=say(_KINDS[kind]))
            )
        return probe


_KINDS: dict[Kind, str] = {
    "self": later("self-attention"),
    "encoder": later("attention of an encoder"),
    "cross": later("cross-attention"),
}


def check_tokens(runs: Sequence[History]) -> None:
    """Raise ValueError where two runs have begun over different tokens."""
    if (
        len(runs) > 1
        and all(run.probes for run in runs)
        and runs[0].vocabulary != runs[1].vocabulary
    ):
        raise ValueError(
            say(
                "{name} and {name_2} have other tokens: two runs are shown beside "
                "each other where an id stands for the same token in both.",
                name=runs[0].name,
                name_2=runs[1].name,
            )
        )


def _probe(probe: Probe) -> Part:
    rows = probe.summary["target"] or probe.summary["tokens"]
    return {
        "label": probe.label,
        "positions": [*probe.positions],
        "tokens": [row[1] for row in rows],
        "kinds": {kind: [len(of[0]), of[1]] for kind, of in probe.kinds.items()},
        "layers": {kind: [*of[0]] for kind, of in probe.kinds.items()},
    }


def _log(run: History, steps: tuple[int, ...]) -> Part:
    """Return the log; of a long one, some rows as they are, with those of kept steps."""
    columns = run.log
    rows = np.arange(len(columns["step"]))
    if len(rows) > _ROWS:
        told = np.isin(columns["step"], steps)
        if "eval_loss" in columns:
            told |= ~np.isnan(columns["eval_loss"])
        spread = np.linspace(0, len(rows) - 1, _ROWS).round().astype(np.intp)
        rows = np.union1d(spread, np.flatnonzero(told))
    return {
        name: column[rows].astype(np.int32 if name == "step" else np.float32)
        for name, column in columns.items()
    }
