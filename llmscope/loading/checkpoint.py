"""What a folder or repository holds, judged by names and sizes before anything is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from llmscope.loading.errors import LoadError

ADAPTER = "adapter_config.json"
SAFETENSORS = (re.compile(r"model\.safetensors"), re.compile(r"model-\d+-of-\d+\.safetensors"))
PICKLE = (re.compile(r"pytorch_model\.bin"), re.compile(r"pytorch_model-\d+-of-\d+\.bin"))
_PICKLED = re.compile(r"adapter_model\.bin")
VOCABULARY = re.compile(
    r"tokenizer.*\.(json|model)|vocab.*|merges\.txt|.*\.(model|spm|tiktoken|bpe)", re.IGNORECASE
)


def listing(folder: Path) -> dict[str, int]:
    """List the files of a folder with their sizes in bytes."""
    return {file.name: file.stat().st_size for file in folder.iterdir() if file.is_file()}


def weight_files(files: Mapping[str, int], name: str, use_safetensors: bool) -> dict[str, int]:
    """Pick the weights that will be read, with their sizes; those of an adapter among them.

    Safetensors are preferred; pickle files count only when `use_safetensors` is False.
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
    """Refuse weights that don't fit into the memory that is free now."""
    import psutil

    available = psutil.virtual_memory().available
    if needed > available:
        raise LoadError(
            f"{name} needs {needed / 1e9:.1f} GB of memory, and {available / 1e9:.1f} GB are free. "
            "Close other programs and notebooks, load it at half the size with "
            'dtype="bfloat16" if it is larger than that, or choose a smaller model.',
            "memory",
        )


def _no_weights(files: Mapping[str, int], name: str) -> LoadError:
    pickles = [file for file in files if any(p.fullmatch(file) for p in (*PICKLE, _PICKLED))]
    if pickles:
        return LoadError(
            f"{name} holds its weights only as pickle files ({pickles[0]}), and reading those can "
            "run code. If you trust its author, load it with use_safetensors=False.",
            "pickle",
        )
    ggufs = sorted(file for file in files if file.endswith(".gguf"))
    if ggufs:
        return LoadError(
            f"{name} holds GGUF files. Give the path of one of them on this machine, "
            f'as in load("{Path(name) / ggufs[0]}").',
            "weights",
        )
    return LoadError(
        f"{name} holds no weights (no model.safetensors). If this is a folder of your own, write "
        "model and tokenizer into it with save_pretrained.",
        "weights",
    )
