"""The files of a checkpoint, judged by names and sizes before anything is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmscope.loading.errors import LoadError
from llmscope.words import say

ADAPTER = "adapter_config.json"
SAFETENSORS = (re.compile(r"model\.safetensors"), re.compile(r"model-\d+-of-\d+\.safetensors"))
PICKLE = (re.compile(r"pytorch_model\.bin"), re.compile(r"pytorch_model-\d+-of-\d+\.bin"))
_PICKLED = re.compile(r"adapter_model\.bin")
VOCABULARY = re.compile(
    r"tokenizer.*\.(json|model)|vocab.*|merges\.txt|.*\.(model|spm|tiktoken|bpe)", re.IGNORECASE
)


@dataclass(frozen=True)
class Checkpoint:
    """Where a model is stored.

    Attributes
    ----------
    folder
        The folder of its files.
    title
        Its name on screen.
    gguf
        Name of the GGUF file in the folder, if the model is one.
    """

    folder: Path
    title: str
    gguf: str | None = None

    @property
    def keywords(self) -> dict[str, Any]:
        """Keyword arguments of `from_pretrained` beside the folder."""
        return {} if self.gguf is None else {"gguf_file": self.gguf}


def listing(folder: Path) -> dict[str, int]:
    """Return the names of the files in a folder, with their sizes in bytes."""
    return {file.name: file.stat().st_size for file in folder.iterdir() if file.is_file()}


def weight_files(files: Mapping[str, int], name: str, use_safetensors: bool) -> dict[str, int]:
    """Return the files of weights that will be read, an adapter's included, with their sizes.

    Parameters
    ----------
    files
        Names and sizes in bytes of all files, as returned by `listing`.
    name
        The model's name, for messages of errors.
    use_safetensors
        Whether pickle files are refused. Safetensors are preferred in any case.

    Returns
    -------
    dict of str to int
        Names and sizes in bytes.

    Raises
    ------
    LoadError
        When there are none.
    """
    suffixes = (".safetensors",) if use_safetensors else (".safetensors", ".bin")
    adapter = [f"adapter_model{s}" for s in suffixes if f"adapter_model{s}" in files][:1]
    if ADAPTER not in files:
        adapter = []
    elif not adapter:
        raise _no_weights(files, name)
    for pattern in SAFETENSORS if use_safetensors else SAFETENSORS + PICKLE:
        found = [file for file in files if pattern.fullmatch(file)]
        if found:
            return {file: files[file] for file in found + adapter}
    if adapter and "config.json" not in files:
        return {file: files[file] for file in adapter}
    raise _no_weights(files, name)


def ensure_memory(needed: int, name: str) -> None:
    """Raise LoadError where `needed` bytes are more than the memory that is free now."""
    import psutil

    available = psutil.virtual_memory().available
    if needed > available:
        raise LoadError(
            say(
                "{name} needs {needed:.1f} GB of memory, and {available:.1f} GB "
                "are free. Close other programs and notebooks, load it at half the "
                'size with dtype="bfloat16" if it is larger than that, or choose a '
                "smaller model.",
                name=name,
                needed=needed / 1000000000.0,
                available=available / 1000000000.0,
            ),
            "memory",
        )


def _no_weights(files: Mapping[str, int], name: str) -> LoadError:
    """Return the error that says which other weights there are, if any."""
    pickles = [file for file in files if any(p.fullmatch(file) for p in (*PICKLE, _PICKLED))]
    if pickles:
        return LoadError(
            say(
                "{name} holds its weights only as pickle files ({pickles}), and "
                "reading those can run code. If you trust its author, load it with "
                "use_safetensors=False.",
                name=name,
                pickles=pickles[0],
            ),
            "pickle",
        )
    ggufs = sorted(file for file in files if file.endswith(".gguf"))
    if ggufs:
        return LoadError(
            say(
                "{name} holds GGUF files. Give the path of one of them on this "
                'machine, as in load("{Path}").',
                name=name,
                Path=Path(name) / ggufs[0],
            ),
            "weights",
        )
    return LoadError(
        say(
            "{name} holds no weights (no model.safetensors). If this is a "
            "folder of your own, write model and tokenizer into it with "
            "save_pretrained.",
            name=name,
        ),
        "weights",
    )
