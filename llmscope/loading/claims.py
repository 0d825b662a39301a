"""What the files of a checkpoint claim, held to what they store, before a model is built."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llmscope.loading.checkpoint import Checkpoint, listing
from llmscope.loading.errors import LoadError, damaged
from llmscope.words import say

_LAYERS = re.compile(r"(^|_)n?_?layers?$")  # num_hidden_layers, n_layer, decoder_layers
# In GGUF a number of 32 or 64 bits has its type before it.
_BLOCKS = re.compile(rb"\.block_count([\x04\x05\x0a\x0b])\0\0\0(.{8})", re.DOTALL)
_INDEX = ".safetensors.index.json"
_METADATA = 2**24  # bytes at the beginning of a GGUF file
_DESCRIBED = 24  # bytes that describe a tensor there, at least
_SHARED = 1000  # layers that may have the same tensors, as ALBERT's


def check_layers(checkpoint: Checkpoint) -> None:
    """Refuse more layers than the weights can be of: building them would take minutes.

    Raises
    ------
    LoadError
        When the configuration claims more layers than there are tensors.
    """
    if checkpoint.gguf is not None:
        claimed, stored = _of_gguf(checkpoint.folder / checkpoint.gguf)
    else:
        config = json.loads((checkpoint.folder / "config.json").read_text(encoding="utf-8"))
        claimed, stored = max(_layers(config), default=0), 0
        if claimed > _SHARED:
            stored = _safetensors(checkpoint.folder)
    if claimed > max(stored, _SHARED):
        raise damaged(
            checkpoint.title,
            say(
                "{claimed:,} layers are claimed, of {stored:,} tensors",
                claimed=claimed,
                stored=stored,
            ),
        )


def check_names(folder: Path, title: str, named: str | None = None) -> None:
    """Refuse safetensors that are other files by name: transformers would unpickle them.

    Parameters
    ----------
    folder
        The folder of the checkpoint's files.
    title
        The model's name, for messages of errors.
    named
        The file of weights that its configuration names, if any.

    Raises
    ------
    LoadError
        When the configuration, or an index of weights in several files, names another kind of file.
    """
    for file in (*_indexed(folder, title), named or "model.safetensors"):
        if not file.endswith((".safetensors", _INDEX)):
            raise LoadError(
                say(
                    "{title} names {file} as its safetensors, which it isn't, and "
                    "reading that can run code. If you trust its author, load it with "
                    "use_safetensors=False.",
                    title=title,
                    file=file,
                ),
                "pickle",
            )


def _indexed(folder: Path, title: str) -> Iterator[str]:
    """Yield the names of files in all indexes of safetensors."""
    for name in listing(folder):
        if name.endswith(_INDEX):
            index = json.loads((folder / name).read_text(encoding="utf-8"))
            files = index.get("weight_map") if isinstance(index, dict) else None
            if not isinstance(files, dict):
                raise damaged(title, say("{name} lists no weights", name=name))
            yield from map(str, files.values())


def _layers(config: Any) -> Iterator[int]:
    """Yield all numbers of layers in a configuration, those of its parts included."""
    if isinstance(config, dict):
        for name, value in config.items():
            if isinstance(value, int) and _LAYERS.search(name):
                yield value
            else:
                yield from _layers(value)


def _safetensors(folder: Path) -> int:
    """Return the number of tensors in all safetensors of a folder."""
    from safetensors import safe_open

    count = 0
    for name in listing(folder):
        if name.endswith(".safetensors"):
            with safe_open(folder / name, framework="numpy") as file:
                count += len(file.keys())
    return count


def _of_gguf(path: Path) -> tuple[int, int]:
    """Return the number of layers that a GGUF file claims, and at most how many tensors it has.

    Only these numbers are looked for: to read all of the metadata takes seconds.
    """
    with path.open("rb") as file:
        head = file.read(_METADATA)
    claimed = [
        int.from_bytes(number[: 4 if kind in b"\x04\x05" else 8], "little")
        for kind, number in _BLOCKS.findall(head)
    ]
    tensors = int.from_bytes(head[8:16], "little")
    return max(claimed, default=0), min(tensors, path.stat().st_size // _DESCRIBED)
