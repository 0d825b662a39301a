"""The models that a picker offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llmscope.loading import default
from llmscope.loading.checkpoint import PICKLE, SAFETENSORS, VOCABULARY
from llmscope.loading.demos import DEMOS, PREFIX
from llmscope.words import say


@dataclass(frozen=True)
class ModelChoice:
    """One model in a picker.

    Attributes
    ----------
    name
        Argument of `load`: a Hub id, ``demo:…``, or `None` for the default model.
    title, detail
        What the picker shows, in one line each.
    ready
        Whether the model loads without installing or downloading anything.
    text, target
        An input that suits it, if one is known.
    """

    name: str | None
    title: str
    detail: str
    ready: bool
    text: str | None = None
    target: str | None = None


def choices() -> list[ModelChoice]:
    """Return the default model, the demos, then the text models in the local Hub cache by name."""
    cached = sorted(_cached(), key=lambda choice: choice.title.lower())
    return [_default({choice.name for choice in cached}), *_demos(), *cached]


def _default(cached: set[str | None]) -> ModelChoice:
    gguf = default.find_gguf()
    if gguf is not None and default.is_intact(default.copy_folder(gguf)):
        detail, ready = say("the default, ready"), True
    elif gguf is not None:
        detail, ready = say("the default; converted on first use, to 538 MB"), True
    elif default.DEFAULT in cached:
        detail, ready = say("the default, from the Hub cache"), True
    else:
        command = default.COMMAND
        detail, ready = say("the default, not installed yet: {command}", command=command), False
    return ModelChoice(None, default.TITLE, detail, ready, default.TEXT)


def _demos() -> list[ModelChoice]:
    return [
        ModelChoice(
            f"{PREFIX}{name}", f"{PREFIX}{name}", say(demo.detail), True, demo.text, demo.target
        )
        for name, demo in DEMOS.items()
    ]


def _cached() -> list[ModelChoice]:
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repositories = scan_cache_dir().repos
    except CacheNotFound:
        return []
    return [
        ModelChoice(
            repo.repo_id,
            repo.repo_id,
            say("{size:,.0f} MB, downloaded", size=repo.size_on_disk / 1e6),
            True,
        )
        for repo in repositories
        if repo.repo_type == "model" and any(_is_text_model(rev) for rev in repo.revisions)
    ]


def _is_text_model(revision: Any) -> bool:
    """Whether a snapshot has weights, a tokenizer, and no files for images or sound."""
    files = {file.file_name for file in revision.files}
    return (
        "config.json" in files
        and "preprocessor_config.json" not in files
        and any(pattern.fullmatch(file) for pattern in SAFETENSORS + PICKLE for file in files)
        and any(map(VOCABULARY.fullmatch, files))
    )
