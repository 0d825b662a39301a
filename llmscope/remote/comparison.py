"""Two traces on a server, compared there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.comparison import Comparison

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llmscope.analysis.comparison import NextTextDifference, NextTokenDifference
    from llmscope.analysis.comparison.lens import LensDifference
    from llmscope.shared import Kind, Stream


class RemoteComparison(Comparison):
    """Two traces on a server: rows are aligned here, and numbers are read there."""

    def _asked(self, what: str, *args: Any, **options: Any) -> Any:
        elsewhere: Any = self.a.scope.elsewhere
        call = {"what": what, "args": list(args), "options": options}
        anchors = [list(pair) for pair in self.anchors]
        of = elsewhere.names([self.a, self.b])
        return elsewhere.read({"do": "compare", "of": of, "anchors": anchors, **call})

    def attention(
        self,
        layer: int,
        head: int | None = None,
        rows: slice | Sequence[int] | None = None,
        kind: Kind = "self",
    ) -> NDArray[np.float32]:
        """Attention weights of A less those of B, among the tokens that both have."""
        chosen = rows if rows is None or isinstance(rows, slice) else [int(row) for row in rows]
        found: NDArray[np.float32] = self._asked("attention", layer, head, chosen, kind)
        return found

    def head_distances_of(self, kind: Kind) -> NDArray[np.float32]:
        """Return the same for another kind of attention."""
        found: NDArray[np.float32] = self._asked("head_distances_of", kind)
        return found

    def next_token_at(self, row: int) -> NextTokenDifference | NextTextDifference:
        """Return what both say comes next, where each has read up to a row of `tokens`."""
        if self.same_logits:
            return super().next_token_at(row)
        self._ends(row)
        found: NextTextDifference = self._asked("next_token_at", row)
        return found

    def lens(
        self, positions: slice | Sequence[int] | None = None, stream: Stream = "block"
    ) -> LensDifference:
        """Compare what both would predict if they ended at each layer: the logit lens."""
        self.check_lens()
        chosen = positions if positions is None or isinstance(positions, slice) else [*positions]
        found: LensDifference = self._asked("lens", chosen, stream)
        return found
