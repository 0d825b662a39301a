"""Which queries and keys of one pass correspond to which of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Pairing:
    """Positions of two passes, A and B, that correspond, ascending in both.

    Attributes
    ----------
    queries, keys
        Positions (pairs, 2) in A and in B.
    """

    queries: NDArray[np.intp]
    keys: NDArray[np.intp]

    @property
    def key(self) -> tuple[bytes, bytes]:
        """What tells it from others, to cache what is computed for it."""
        return self.queries.tobytes(), self.keys.tobytes()
