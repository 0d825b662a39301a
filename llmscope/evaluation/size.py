"""How large a model is: its parameters, and its bytes on disk and in memory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from llmscope.loading.checkpoint import listing, weight_files
from llmscope.loading.errors import LoadError

if TYPE_CHECKING:
    from torch import nn


def parameters(model: nn.Module) -> int:
    """Return the number of parameters, those that are shared counted once."""
    return sum(one.numel() for one in model.parameters())


def memory_bytes(model: nn.Module) -> int:
    """Return the size of parameters and buffers in bytes, those that are shared counted once."""
    stored = {}
    for one in [*model.parameters(), *model.buffers()]:
        memory = one.untyped_storage()
        stored[memory.data_ptr(), one.device] = memory.nbytes()
    return sum(stored.values())


def disk_bytes(model: nn.Module, name: str | None = None) -> int | None:
    """Return the size of the files that its weights were read from; `None` where unknown.

    Parameters
    ----------
    model
        The model.
    name
        The name that it was loaded by, if it is known.
    """
    path = Path(name).expanduser() if name else None
    if path is not None and path.is_file():
        return path.stat().st_size
    folder = Path(str(getattr(model.config, "_name_or_path", "") or "."))
    if folder == Path() or not folder.is_dir():
        return None
    try:
        return sum(weight_files(listing(folder), folder.name, use_safetensors=False).values())
    except (LoadError, OSError):
        return None
