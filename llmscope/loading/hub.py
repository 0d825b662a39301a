"""Download a model from the Hub into a folder on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from llmscope.loading.checkpoint import ADAPTER, ensure_memory, listing, weight_files
from llmscope.loading.errors import LoadError, explain
from llmscope.loading.progress import Progress, silent_bar
from llmscope.words import say

TEXT = {".json", ".txt", ".model", ".jinja", ".tiktoken", ".bpe", ".spm", ".vocab"}


def fetch(
    name: str,
    *,
    revision: str | None,
    token: str | bool | None,
    trust_remote_code: bool,
    use_safetensors: bool,
    check_memory: bool,
    progress: Progress,
) -> Path:
    """Download the files of a model that transformers needs, and no others.

    The list of files shows what is missing or too large before anything large is downloaded. When
    the Hub doesn't answer, a copy in the Hub cache is used.

    Parameters
    ----------
    name, revision, token, trust_remote_code, use_safetensors
        As for `llmscope.load`.
    check_memory
        Whether weights larger than the free memory are refused.
    progress
        Called with the bytes that are downloaded.

    Returns
    -------
    Path
        The folder in the Hub cache.

    Raises
    ------
    LoadError
        When the model doesn't exist, can't be downloaded, or has no weights that may be read.
    """
    from huggingface_hub import HfApi, snapshot_download

    progress(say("Looking up {name}", name=name), 0, None)
    try:
        info = HfApi().model_info(name, revision=revision, token=token, files_metadata=True)
    except Exception as error:
        problem = explain(error, name)
        cached = _in_cache(name, revision, use_safetensors)
        if cached is None:
            raise problem from error
        return cached

    files = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    weights = weight_files(files, name, use_safetensors)
    if check_memory:
        ensure_memory(sum(weights.values()), name)
    wanted = _texts(files, trust_remote_code) | weights
    total = sum(wanted.values())
    stage = f"Downloading {name} ({total / 1e6:,.0f} MB)"
    done = 0

    def report(bar: Any) -> None:
        nonlocal done
        if bar.unit == "B":
            done = min(max(done, int(bar.n)), total)
            progress(stage, done, total)

    folder = snapshot_download(
        name,
        revision=revision,
        token=token,
        allow_patterns=list(wanted),
        tqdm_class=silent_bar(report),
    )
    return Path(folder)


def fetch_tokenizer(name: str) -> Path:
    """Download the files of a tokenizer; a copy in the Hub cache does where the Hub is away.

    Parameters
    ----------
    name
        The model's id.

    Returns
    -------
    Path
        The folder in the Hub cache.
    """
    from huggingface_hub import snapshot_download

    silent = silent_bar(lambda bar: None)
    patterns = [f"*{suffix}" for suffix in sorted(TEXT)]
    return Path(snapshot_download(name, allow_patterns=patterns, tqdm_class=silent))


def _texts(files: Mapping[str, int], trust_remote_code: bool) -> dict[str, int]:
    """Return the files of configuration and tokenizer, and of Python code where it is trusted."""
    suffixes = TEXT | {".py"} if trust_remote_code else TEXT
    return {
        file: size
        for file, size in files.items()
        if "/" not in file and PurePosixPath(file).suffix in suffixes
    }


def _in_cache(name: str, revision: str | None, use_safetensors: bool) -> Path | None:
    """Return the folder of a complete copy in the Hub cache; `None` without one."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        configs = [
            try_to_load_from_cache(name, file, revision=revision)
            for file in ("config.json", ADAPTER)
        ]
    except HFValidationError:
        return None
    found = next((config for config in configs if isinstance(config, str)), None)
    if found is None:
        return None
    folder = Path(found).parent
    try:
        weight_files(listing(folder), name, use_safetensors)
    except LoadError:
        return None
    return folder
