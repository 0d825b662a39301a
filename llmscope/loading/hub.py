"""From a Hub id to a folder on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from llmscope.loading.checkpoint import ADAPTER, ensure_memory, listing, weight_files
from llmscope.loading.errors import LoadError, explain
from llmscope.loading.progress import Progress, silent_bar

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
    """Download what transformers needs of the model `name`, and nothing else.

    What is missing or refused is found out from the list of files, before anything large is
    downloaded. A copy in the Hub cache serves when the Hub doesn't answer.
    """
    from huggingface_hub import HfApi, snapshot_download

    progress(f"Looking up {name}", 0, None)
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


def _texts(files: Mapping[str, int], trust_remote_code: bool) -> dict[str, int]:
    """Pick configuration and tokenizer, and Python code where it is trusted."""
    suffixes = TEXT | {".py"} if trust_remote_code else TEXT
    return {
        file: size
        for file, size in files.items()
        if "/" not in file and PurePosixPath(file).suffix in suffixes
    }


def _in_cache(name: str, revision: str | None, use_safetensors: bool) -> Path | None:
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
