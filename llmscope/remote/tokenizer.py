"""A tokenizer on another machine: its files, without code."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.words import refused

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MOST = 64 * 2**20  # bytes of all files


def files_of(tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """Return what a tokenizer saves: the bytes of each file, by its name."""
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        found = {one.name: one.read_bytes() for one in Path(folder).iterdir() if one.is_file()}
    return {
        name: np.frombuffer(data, np.uint8)
        for name, data in found.items()
        if not name.endswith(".py")
    }


def tokenizer_of(files: dict[str, Any]) -> PreTrainedTokenizerBase:
    """Return the tokenizer that has some files.

    Raises
    ------
    ValueError
        For files that are too large, or whose tokenizer needs code of its own.
    """
    from transformers import AutoTokenizer

    if sum(item.nbytes for item in files.values()) > MOST:
        raise refused("The server's tokenizer is larger than {most:,} bytes.", most=MOST)
    with tempfile.TemporaryDirectory() as folder:
        for name, item in files.items():
            if Path(name).name != name or name.startswith("."):
                raise refused("{name!r:.80} is no file of a tokenizer.", name=name)
            (Path(folder) / name).write_bytes(item.tobytes())
        config = Path(folder) / "tokenizer_config.json"
        if config.exists() and "auto_map" in json.loads(config.read_bytes()):
            raise refused("The server's tokenizer is code of its own, which isn't run here.")
        made: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True
        )
    return made
