"""Effects of the tokens of a text: by gradients, and by leaving each out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from llmscope.analysis.effects.measuring import embeddings_of
from llmscope.capture.hooks import after_forward
from llmscope.words import say

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llmscope.analysis.effects.measuring import Measuring
    from llmscope.capture.undo import Changes

_STEPS = 64  # of the path from the baseline to the text
_ROWS = 8  # of them in a batch


def embedded(measuring: Measuring, rows: torch.Tensor | None = None) -> torch.Tensor:
    """Return the embeddings (1, positions, size) of the text; or put `rows` in their place.

    Returns
    -------
    Tensor
        Embeddings, where no rows are given; else the measure (rows,) of the passes.
    """
    model: Any = measuring.recording.runner.model
    seen: list[torch.Tensor] = []
    count = 1 if rows is None else len(rows)

    def watch(undo: Changes) -> None:
        def after(_: Any, __: Any, ___: Any, output: torch.Tensor) -> torch.Tensor | None:
            if output.shape[1] != measuring.recording.inputs["input_ids"].shape[1] or seen:
                return None
            seen.append(output.detach().clone())
            return rows

        after_forward(embeddings_of(model)[0], undo, after, first=True)

    gradients = rows is not None and rows.requires_grad
    measured = measuring.measure({}, rows=count, gradients=gradients, before=watch)
    return seen[0] if rows is None else measured


def saliency(measuring: Measuring) -> tuple[float, NDArray[np.float32]]:
    """Return the measure, and gradient × input of each token (positions,).

    Raises
    ------
    ValueError
        For a model that can't be followed backwards.
    """
    rows = embedded(measuring).requires_grad_(True)
    try:
        measured = embedded(measuring, rows)
        (slope,) = torch.autograd.grad(measured.sum(), rows)
    except RuntimeError as error:
        raise ValueError(
            say(
                "This model can't be followed backwards, so there are no estimates "
                '({error}). method="occlusion" works without.',
                error=error,
            )
        ) from error
    return float(measured.detach()), (slope * rows)[0].detach().float().sum(-1).cpu().numpy()


def integrated_gradients(
    measuring: Measuring, baseline: torch.Tensor
) -> tuple[float, NDArray[np.float32], float]:
    """Return the measure, integrated gradients (positions,) [1]_, and what their sum lacks.

    References
    ----------
    .. [1] Sundararajan et al., "Axiomatic attribution for deep networks", ICML 2017.

    Raises
    ------
    ImportError
        Without captum.
    """
    try:
        from captum.attr import IntegratedGradients
    except ImportError as error:
        raise ImportError(
            "Integrated gradients are computed by captum: "
            'pip install "jupyter-llmscope[attribution]"'
        ) from error
    rows = embedded(measuring)
    start = baseline.to(rows).expand_as(rows)

    def measure(some: torch.Tensor) -> torch.Tensor:
        return embedded(measuring, some)

    found = IntegratedGradients(measure).attribute(
        rows, start, n_steps=_STEPS, internal_batch_size=_ROWS
    )
    measured = float(measure(rows).detach())
    values = found[0].detach().float().sum(-1).cpu().numpy()
    lacking = measured - float(measure(start).detach()) - float(values.sum())
    return measured, values, lacking


def occlusion(
    measuring: Measuring, baseline: torch.Tensor, order: NDArray[np.intp] | None = None
) -> Iterator[tuple[float, NDArray[np.float32]]]:
    """Yield the measure, and the effects (positions,) of the tokens that were left out so far.

    They are left out in `order`, by default from the first to the last.
    """
    rows = embedded(measuring)
    measured = float(embedded(measuring, rows))
    count = rows.shape[1]
    values = np.full(count, np.nan, dtype=np.float32)
    order = np.arange(count) if order is None else order
    for start in range(0, count, _ROWS):
        some = order[start : start + _ROWS]
        changed = rows.expand(len(some), -1, -1).clone()
        for row, position in enumerate(some.tolist()):
            changed[row, position] = baseline.to(rows)
        values[some] = measured - embedded(measuring, changed).cpu().numpy()
        yield measured, values
