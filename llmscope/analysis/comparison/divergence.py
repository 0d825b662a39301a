"""The Jensen-Shannon divergence, which measures how far two distributions are apart [1]_.

References
----------
.. [1] Lin, "Divergence measures based on the Shannon entropy", IEEE Trans. Inf. Theory 37, 1991.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

_NATS = float(np.log(2))  # in a bit


def jensen_shannon(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """Return the divergence (…) in bits of distributions (…, outcomes): 0 to 1, 0 if equal.

    ½ Σ p log₂(p/m) + ½ Σ q log₂(q/m), with m = ½ (p + q).
    """
    import torch

    # p/m = 1 + d and q/m = 1 − d: with d the sum keeps its digits where p and q are close.
    d = (p - q) / (p + q).clamp_min(torch.finfo(p.dtype).tiny)
    terms = torch.special.xlog1py(p, d) + torch.special.xlog1py(q, -d)
    bits: torch.Tensor = terms.sum(-1).clamp_min(0) / (2 * _NATS)
    return bits
