"""Compute the attention matrix that a name stands for; `matrix_name` is the grammar of names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from llmscope.analysis.matrices import combined_stack, head_stack, positions, whole_stack
from llmscope.analysis.matrix_name import MatrixName
from llmscope.analysis.rollout import rollout_rows
from llmscope.capture import Recording
from llmscope.shared import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray


def named_matrix(
    recording: Recording,
    kind: Kind,
    name: MatrixName,
    rows: slice | Sequence[int] | None = None,
) -> NDArray[np.float32]:
    """Return the matrix (rows, keys) with a name.

    Parameters
    ----------
    kind
        Which attention it is of.
    name
        Its parsed name.
    rows
        Which queries are computed; all by default.

    Raises
    ------
    IndexError, ValueError
        When there is no such layer or head, or no attention of this kind.
    RuntimeError
        When the model was changed after the pass.
    """
    how, where, without_first = name
    recording.check_current()
    if how == "rollout":
        chosen = positions(recording.queries(kind), rows)
        rollout = rollout_rows(recording, where[0][0], kind, chosen)
        stack, rows = whole_stack(rollout, without_first), None
    elif how == "head":
        layer, number = where[0]
        attention, head = recording.head(layer, number, kind)
        stack = head_stack(attention, head, without_first)
    else:
        stack = combined_stack(recording, where, how, kind, without_first)
    one: NDArray[np.float32] = stack.read(rows)[0]
    return one
