"""A training as rows of a table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.export.encoding import spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from llmscope.training.step_record import StepRecord

    Labels = Callable[[list[int]], list[str]]

_BIT = math.log(2)


def rows_of(
    log: dict[str, NDArray[Any]], records: Iterable[StepRecord], labels: Labels
) -> list[dict[str, Any]]:
    """Return a row for each step that was logged or kept, in order.

    Parameters
    ----------
    log
        Columns, each (rows,).
    records
        What was kept.
    labels
        Names tokens by their ids.
    """
    rows: dict[int, dict[str, Any]] = {}
    for number, step in enumerate(log["step"].tolist()):
        rows[int(step)] = {name: column[number] for name, column in log.items()}
    names = dict.fromkeys(log, math.nan)
    for record in records:
        found: dict[str, Any] = {}
        for probe in range(record.probes):
            found |= {f"{name}_{probe}": one for name, one in _of(record, probe, labels).items()}
        rows[record.step] = {**rows.get(record.step, {}), **found}
        names |= dict.fromkeys(found, math.nan)
    return [{**names, **rows[step], "step": step} for step in sorted(rows)]


def _of(record: StepRecord, probe: int, labels: Labels) -> dict[str, Any]:
    """Return the numbers of one probe at one step."""
    found: dict[str, Any] = {}
    logprobs = record.logprobs(probe)
    if logprobs is not None and len(logprobs):
        found["surprisal"] = -float(logprobs.mean(dtype=np.float64)) / _BIT
    told = record.next_token(probe)
    if told is not None and len(told.ids):
        others = spread(told.highest[-1], told.lowest[-1], told.counts[-1])
        logits = np.concatenate([told.logits[-1], others]).astype(np.float64)
        weights = np.exp(logits - logits[0])
        probs = weights / weights.sum()
        some = probs[probs > 0]
        found["likeliest"] = labels([int(told.ids[-1, 0])])[0]
        found["prob"] = float(probs[0])
        found["entropy"] = float(-(some * np.log2(some)).sum())
    return found
