"""The chain rule: the probability of each token given those before it."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np

from llmscope.capture import Recording, to_numpy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Chain = tuple[NDArray[np.float32], NDArray[np.int64]]

_ROWS = 64  # of logits that are computed at once


def chain(recording: Recording) -> Generator[None, None, Chain]:
    """Compute log-probability and rank of each token, a few positions before each `yield`.

    Returns
    -------
    logprobs
        (positions,) in nats; NaN for the first token.
    ranks
        (positions,) among all tokens of the vocabulary, 0 for the likeliest; -1 for the first.
    """
    import torch

    ids = recording.ids
    logprobs = np.full(len(ids), np.nan, dtype=np.float32)
    ranks = np.full(len(ids), -1, dtype=np.int64)
    for start in range(0, len(ids) - 1, _ROWS):
        stop = min(start + _ROWS, len(ids) - 1)
        logits = recording.logits(slice(start, stop)).float()  # (rows, vocabulary)
        next_ids = torch.tensor(ids[start + 1 : stop + 1], device=logits.device)
        own = logits.gather(1, next_ids[:, None])  # (rows, 1)
        logprobs[start + 1 : stop + 1] = to_numpy(own[:, 0] - logits.logsumexp(dim=1))
        ranks[start + 1 : stop + 1] = (logits > own).sum(dim=1).cpu().numpy()
        yield
    return logprobs, ranks
