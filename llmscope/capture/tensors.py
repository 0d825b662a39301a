"""Small helpers for tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    Key = tuple[int, int]


def to_numpy(tensor: torch.Tensor, *, copy: bool = True) -> NDArray[np.float32]:
    """Return a tensor of any precision, on any device, as a float32 numpy array.

    Without `copy` the array may share the tensor's memory: for tensors that nobody else has.
    """
    array: NDArray[np.float32] = tensor.detach().float().cpu().numpy()
    return array.copy() if copy else array


def key_of(tensor: torch.Tensor) -> Key:
    """Return where a tensor begins in memory, and its width: a view of its first rows has both."""
    return tensor.data_ptr(), tensor.shape[-1]
