"""What the language-model head says of the rows of all probes, read by one run of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from llmscope.capture import to_numpy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch
    from numpy.typing import NDArray

    from llmscope.scope import Scope

_LOGITS = 2**23  # in memory at once


class NotFinite(ValueError):
    """A model whose numbers are infinite, or none: nothing of it can be kept."""


class Rows(NamedTuple):
    """Rows of a probe, which the head is asked for.

    Attributes
    ----------
    states
        (rows, hidden size); logits (rows, vocabulary) where the head can't run by itself.
    are_logits
        Which of the two.
    targets
        The token that comes next, of the first rows.
    kept
        Rows whose logits are wanted as they are.
    """

    states: torch.Tensor
    are_logits: bool
    targets: Sequence[int]
    kept: range


class Said(NamedTuple):
    """What the head says of a probe's rows.

    Attributes
    ----------
    logprobs, ranks
        Of the targets (targets,); a rank is the number of likelier tokens.
    kept
        Logits (vocabulary,) of the rows that are wanted as they are.
    best, best_ids
        The likeliest token of each row (rows,): its log-probability, and which it is.
    """

    logprobs: NDArray[np.float32]
    ranks: NDArray[np.int32]
    kept: list[NDArray[np.float32]]
    best: NDArray[np.float32]
    best_ids: NDArray[np.int32]


def said_of(scope: Scope, probes: Sequence[Rows]) -> list[Said]:
    """Run the head; the model must be undisturbed.

    Raises
    ------
    NotFinite
        When a logit is infinite, or none; −∞, a token that can't be, is neither.
    """
    import torch

    targets = torch.tensor([id_ for one in probes for id_ in _targets(one)], dtype=torch.long)
    wanted = [row in one.kept for one in probes for row in range(len(one.states))]
    kept: list[NDArray[np.float32]] = []
    parts: list[list[torch.Tensor]] = []
    first = 0
    for logits in _logits(scope, probes):
        total = logits.logsumexp(1)
        if bool(total.isnan().any()) or bool((total == torch.inf).any()):
            raise NotFinite
        ids = targets[first : first + len(logits)].to(logits.device)
        own = logits.gather(1, ids.clamp_min(0)[:, None])
        best = logits.max(1)
        parts.append([own[:, 0] - total, (logits > own).sum(1), best.values - total, best.indices])
        kept += [to_numpy(row) for row, keep in zip(logits, wanted[first:], strict=False) if keep]
        first += len(logits)
    ends = np.cumsum([len(one.states) for one in probes])[:-1]
    columns = [np.split(torch.cat(part).cpu().numpy(), ends) for part in zip(*parts, strict=True)]
    rows_kept = iter(kept)
    return [
        Said(
            logprobs[: len(one.targets)],
            ranks[: len(one.targets)].astype(np.int32),
            [next(rows_kept) for _ in one.kept],
            best,
            best_ids.astype(np.int32),
        )
        for one, logprobs, ranks, best, best_ids in zip(probes, *columns, strict=True)
    ]


def _targets(one: Rows) -> list[int]:
    """Return a target for each row: −1 where there is none."""
    return [*one.targets, *[-1] * (len(one.states) - len(one.targets))]


def _logits(scope: Scope, probes: Sequence[Rows]) -> Iterator[torch.Tensor]:
    """Yield float32 logits (some rows, vocabulary) of all rows, in order."""
    import torch

    given = [one.states for one in probes if one.are_logits]
    if given:
        yield from (logits.float() for logits in given)
        return
    states = torch.cat([one.states for one in probes])
    most = max(8, _LOGITS // scope.facts.vocabulary)
    for first in range(0, len(states), most):
        yield scope.runner.logits(states[first : first + most]).float()
