"""Measuring one model: in this process, or in a fresh one by `llmscope.evaluation.worker`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.capture import NEVER, Cancel, Cancelled
from llmscope.evaluation import size, speed
from llmscope.evaluation.scoring import context_of, score
from llmscope.evaluation.tasks import run_tasks

if TYPE_CHECKING:
    from llmscope.scope import Scope

    Event = dict[str, Any]
    Emit = Callable[[Event], None]

# How much of the time each stage takes, roughly, for progress.
SHARES = {"load": 3, "speed": 3, "texts": 10, "tasks": 6}


@dataclass(frozen=True)
class Job:
    """What is to be measured.

    Attributes
    ----------
    texts
        The texts.
    tasks
        Names and paths of tasks, from `check_tasks`.
    window
        The most tokens that are read at once.
    dtype, device, trust_remote_code
        As for `llmscope.load`, of models that are loaded for this.
    """

    texts: tuple[str, ...]
    tasks: tuple[str, ...] = ()
    window: int | None = None
    dtype: str | None = None
    device: str | None = None
    trust_remote_code: bool = False


def measure_scope(scope: Scope, job: Job, emit: Emit, cancelled: Cancel = NEVER) -> None:
    """Measure a model that is here: all but what loading it takes.

    What is found is emitted as soon as it is known, in forms of JSON: ``stage`` with how much of it
    is ``done``, ``facts``, ``values`` of measures, the ``score`` of a ``text``, ``tasks``, and a
    ``note``.

    Raises
    ------
    Cancelled
        When nobody waits any more.
    """
    here = "It was loaded before: give its name or folder, and it is measured in a fresh process."
    emit({"values": {name: {"why": here} for name in ("load_seconds", "peak_memory_bytes")}})
    _facts(scope, None, emit)
    _speeds(scope, job, emit, cancelled)
    _texts(scope, job, emit, cancelled)
    _tasks(scope, job, emit, cancelled)


def measure_named(name: str | None, job: Job, emit: Emit, cancelled: Cancel = NEVER) -> None:
    """Load a model in this process, which does nothing else, and measure it."""
    from llmscope.loading import LoadError

    emit({"stage": "load", "done": 0.0})
    try:
        import psutil
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: F401

        from llmscope.scope import load

        # What PyTorch and transformers take is neither time nor memory of the model.
        torch.ones(8, 8) @ torch.ones(8, 8)

        before = psutil.Process().memory_info().rss
        begin = time.perf_counter()
        scope = load(
            name,
            dtype=job.dtype,
            device=job.device,
            trust_remote_code=job.trust_remote_code,
            progress=lambda stage, done, total: emit(
                {"stage": "load", "words": stage, "done": done / total if total else 0.0}
            ),
        )
    except LoadError as error:
        emit({"error": str(error)})
        return
    taken = time.perf_counter() - begin
    scope.cache_limit = 0
    emit({"values": {"load_seconds": {"value": taken}}})
    _facts(scope, name, emit)
    _speeds(scope, job, emit, cancelled)
    peak = speed.peak_bytes()
    if peak is not None:
        known = peak if torch.cuda.is_available() else peak - before
        emit({"values": {"peak_memory_bytes": {"value": known}}})
    _texts(scope, job, emit, cancelled)
    _tasks(scope, job, emit, cancelled)


def _facts(scope: Scope, name: str | None, emit: Emit) -> None:
    facts = scope.facts
    emit({"facts": {"family": facts.family, "name": scope.name}})
    disk = size.disk_bytes(scope.model, name)
    emit(
        {
            "values": {
                "parameters": {"value": size.parameters(scope.model)},
                "memory_bytes": {"value": size.memory_bytes(scope.model)},
                "disk_bytes": {"value": disk}
                if disk is not None
                else {"why": "It was read from no file that is known."},
            }
        }
    )


def _speeds(scope: Scope, job: Job, emit: Emit, cancelled: Cancel) -> None:
    context = context_of(scope, None)
    emit({"stage": "speed", "done": 0.0})
    rounds = speed.reading(scope, job.texts, context, cancelled)
    emit({"values": {"read_tokens_per_second": _spread(rounds)}})
    emit({"stage": "speed", "done": 0.5})
    if scope.facts.family in ("masked", "encoder"):
        why = "It generates no text."
        emit({"values": {"write_tokens_per_second": {"why": why}}})
        return
    try:
        rounds = speed.writing(scope, job.texts, context, cancelled)
    except Cancelled:
        raise
    except Exception as error:
        why = f"transformers' generate failed. {type(error).__name__}: {error}"
        emit({"values": {"write_tokens_per_second": {"why": why}}})
    else:
        emit({"values": {"write_tokens_per_second": _spread(rounds)}})


def _spread(rounds: list[float]) -> dict[str, float]:
    return {"value": float(np.median(rounds)), "low": min(rounds), "high": max(rounds)}


def _texts(scope: Scope, job: Job, emit: Emit, cancelled: Cancel) -> None:
    family = scope.facts.family
    emit({"values": {name: {"why": why} for name, why in _lacking(scope).items()}})
    if family not in ("causal", "masked"):
        return
    longer, failed = 0, 0
    reason = ""
    for index, text in enumerate(job.texts):
        emit({"stage": "texts", "done": index / len(job.texts)})
        try:
            found = score(scope, text, job.window, cancelled)
        except (ValueError, RuntimeError, IndexError) as error:
            failed, reason = failed + 1, str(error)
            continue
        longer += found.windows > 1
        emit({"text": index, "score": found.as_json()})
    if longer:
        context = context_of(scope, job.window)
        what = "1 text is" if longer == 1 else f"{longer:,} texts are"
        emit({"note": f"{what} longer than {context:,} tokens, and read in windows of as many."})
    if failed:
        what = "1 text" if failed == 1 else f"{failed:,} texts"
        emit({"note": f"{what} couldn't be read: {reason}"})


def _lacking(scope: Scope) -> dict[str, str]:
    """Return why measures of texts have no number for a model of this family."""
    family = scope.facts.family
    if family == "causal":
        lacking = {"pseudo_perplexity": "It predicts the next token: it has a perplexity."}
        if scope.tokenizer.bos_token_id is None and scope.tokenizer.eos_token_id is None:
            lacking["bits_per_byte"] = (
                "Its tokenizer has no token that begins or ends a text, from which the first token "
                "of a text could be predicted."
            )
        return lacking
    others = ("bits_per_byte", "perplexity", "accuracy")
    if family == "masked":
        why = "It predicts masked tokens, not the next one: see its pseudo-perplexity."
        return dict.fromkeys(others, why)
    why = (
        "It generates one text from another, and gives running text no probability."
        if family == "encoder-decoder"
        else "It has no head that predicts tokens."
    )
    return dict.fromkeys((*others, "pseudo_perplexity", "tokens_per_character"), why)


def _tasks(scope: Scope, job: Job, emit: Emit, cancelled: Cancel) -> None:
    if not job.tasks:
        return
    emit({"stage": "tasks", "done": 0.0})

    def report(done: int, total: int) -> None:
        emit({"stage": "tasks", "done": done / max(1, total)})

    try:
        scores = run_tasks(scope, job.tasks, report, cancelled)
    except ValueError as error:
        emit({"tasks": [], "why": str(error), "note": str(error)})
    else:
        emit({"tasks": [one.as_json() for one in scores]})
