"""Load a model and its tokenizer by name: the default, demos, Hub ids, folders, GGUF files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from llmscope.loading.adapters import add_adapter, base_name
from llmscope.loading.available import ModelChoice, choices
from llmscope.loading.checkpoint import Checkpoint
from llmscope.loading.default import (
    DEFAULT,
    TITLE,
    converted,
    find_gguf,
    install_default,
    not_installed,
)
from llmscope.loading.demos import demo_checkpoint
from llmscope.loading.errors import LoadError, in_plain_words
from llmscope.loading.folders import asked_by_page, ensure_listed
from llmscope.loading.hub import fetch, fetch_tokenizer
from llmscope.loading.pretrained import (
    has_tokenizer,
    read_config,
    read_model,
    read_tokenizer,
)
from llmscope.loading.progress import Progress, reporting
from llmscope.words import say

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from llmscope.loading.pretrained import DeviceMap

__all__ = [
    "DEFAULT",
    "LoadError",
    "ModelChoice",
    "Progress",
    "asked_by_page",
    "choices",
    "install_default",
    "load_parts",
    "load_tokenizer",
]


def load_parts(
    name: str | os.PathLike[str] | None = None,
    *,
    revision: str | None = None,
    token: str | bool | None = None,
    dtype: torch.dtype | str | None = None,
    device: torch.device | str | None = None,
    device_map: DeviceMap | None = None,
    trust_remote_code: bool = False,
    use_safetensors: bool = True,
    progress: Progress | None = None,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, str]:
    """Load a model with its tokenizer.

    Parameters
    ----------
    name, revision, token, dtype, device, device_map, trust_remote_code, use_safetensors, progress
        As for `llmscope.load`, whose signature is this one.

    Returns
    -------
    model, tokenizer, title
        The model in evaluation mode, its tokenizer, and a short name.

    Raises
    ------
    LoadError
        When that fails, in plain words, with its `kind`.
    ValueError
        For `device` beside `device_map`.
    """
    if device is not None and device_map is not None:
        raise ValueError("Give either device or device_map, not both.")

    def download(repository: str, revision: str | None = revision) -> Checkpoint:
        folder = fetch(
            repository,
            revision=revision,
            token=token,
            trust_remote_code=trust_remote_code,
            use_safetensors=use_safetensors,
            check_memory=device_map is None,
            progress=report,
        )
        return Checkpoint(folder, repository.rpartition("/")[2])

    with in_plain_words(os.fspath(name or TITLE)), reporting(progress) as report:
        if name is None:
            checkpoint = _default_checkpoint(report, download)
        else:
            checkpoint = _local_checkpoint(name) or download(os.fspath(name))
        title, adapter = checkpoint.title, checkpoint
        base = base_name(adapter, use_safetensors)
        if base is not None:
            checkpoint = _base_checkpoint(adapter, base, download)
        report(f"Opening {title}", 0, None)
        config = read_config(checkpoint, trust_remote_code)
        own = base is not None and has_tokenizer(adapter)
        tokenizer = read_tokenizer(adapter if own else checkpoint, trust_remote_code)
        model = read_model(
            checkpoint,
            config,
            dtype=dtype,
            device=device,
            device_map=device_map,
            trust_remote_code=trust_remote_code,
            use_safetensors=use_safetensors,
        )
        if base is not None:
            add_adapter(model, adapter)
    return model, tokenizer, title


def load_tokenizer(
    name: str | os.PathLike[str] | None = None,
) -> tuple[PreTrainedTokenizerBase, str]:
    """Load only the tokenizer of a model.

    Parameters
    ----------
    name
        As for `llmscope.load`.

    Returns
    -------
    tokenizer, title
        The tokenizer, and a short name.

    Raises
    ------
    LoadError
        When that fails, in plain words.
    """

    def download(repository: str) -> Checkpoint:
        folder = fetch_tokenizer(repository)
        return Checkpoint(folder, repository.rpartition("/")[2])

    with in_plain_words(os.fspath(name or TITLE)), reporting(None) as report:
        if name is None:
            checkpoint = _default_checkpoint(report, download)
        else:
            checkpoint = _local_checkpoint(name) or download(os.fspath(name))
        return read_tokenizer(checkpoint, trust_remote_code=False), checkpoint.title


def _base_checkpoint(
    adapter: Checkpoint, base: str, download: Callable[[str, str | None], Checkpoint]
) -> Checkpoint:
    """Return the checkpoint of the model that an adapter is for."""
    try:
        return _local_checkpoint(base) or download(base, None)
    except LoadError as error:
        what = say(
            "{title} is an adapter of {base}, which is needed too.", title=adapter.title, base=base
        )
        raise LoadError(f"{what} {error}", error.kind) from error


def _default_checkpoint(report: Progress, download: Callable[[str], Checkpoint]) -> Checkpoint:
    gguf = find_gguf()
    if gguf is not None:
        return Checkpoint(converted(gguf, report), TITLE)
    try:
        return download(DEFAULT)
    except LoadError as error:
        if error.kind == "offline":
            raise not_installed() from error
        raise


def _local_checkpoint(name: str | os.PathLike[str]) -> Checkpoint | None:
    """Return the demo, folder or GGUF file of that name; `None` for what can only be a Hub id."""
    demo = demo_checkpoint(name)
    if demo is not None:
        return demo
    ensure_listed(name)
    path = Path(name).expanduser()
    if path.is_file() and path.suffix.lower() == ".gguf":
        return Checkpoint(path.parent, path.stem, path.name)
    if path.is_dir():
        return Checkpoint(path, path.resolve().name)
    if path.is_file():
        raise LoadError(
            say("{path} is a file, but no GGUF file. Give the folder that it lies in.", path=path),
            "unknown",
        )
    if not isinstance(name, str) or _looks_like_path(name):
        raise LoadError(
            say(
                "There is no file or folder {path} (looked in {cwd}). Check the "
                "path; a model on the Hub is named owner/name.",
                path=path,
                cwd=Path.cwd(),
            ),
            "unknown",
        )
    return None


def _looks_like_path(name: str) -> bool:
    return (
        name.startswith((".", "~", os.sep))
        or name.count("/") > 1
        or "\\" in name
        or name.lower().endswith((".gguf", ".safetensors", ".bin"))
    )
