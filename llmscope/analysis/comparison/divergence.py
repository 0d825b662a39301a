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

    ½ Σ p log₂(p/m) + ½ Σ q log₂(q/m), with m = ½ (p + q). Of some of the outcomes it is their part
    of the sum.
    """
    import torch

    # With p/m = 1 + d and q/m = 1 − d a term is ½ m ((1 + d) log(1 + d) + (1 − d) log(1 − d)). As a
    # function of d² it keeps its digits where p and q are close, in single precision too.
    kind = torch.finfo(p.dtype)
    both = p + q
    d = (p - q).div_(both.clamp_min(kind.tiny)).clamp_(kind.eps - 1, 1 - kind.eps)
    terms = torch.atanh(d).mul_(d).mul_(2).add_(d.square_().neg_().log1p_())
    bits: torch.Tensor = torch.linalg.vecdot(both, terms) / (4 * _NATS)
    return bits
