"""Adapters (PEFT) in a folder of their own: find their base model, and add them to it."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from llmscope.loading.checkpoint import ADAPTER, listing, weight_files
from llmscope.loading.claims import check_names
from llmscope.loading.errors import LoadError, damaged
from llmscope.loading.pretrained import building
from llmscope.words import say

if TYPE_CHECKING:
    from llmscope.loading.checkpoint import Checkpoint


def base_name(adapter: Checkpoint, use_safetensors: bool) -> str | None:
    """Return the name of the model that an adapter is for.

    Parameters
    ----------
    adapter
        Where the adapter, or a model, is stored.
    use_safetensors
        Whether weights in pickle files are refused.

    Returns
    -------
    str or None
        A Hub id or a path; `None` where the folder contains a whole model.

    Raises
    ------
    LoadError
        When peft isn't installed, or the adapter has no weights or names no model.
    """
    files = listing(adapter.folder)
    if ADAPTER not in files or adapter.gguf is not None:
        return None
    if find_spec("peft") is None:  # transformers would leave the adapter out silently
        raise LoadError(
            say(
                "{title} holds an adapter, which needs the package peft: `pip install peft`.",
                title=adapter.title,
            ),
            "package",
        )
    if "config.json" in files:
        return None
    weight_files(files, adapter.title, use_safetensors)
    if use_safetensors:
        check_names(adapter.folder, adapter.title)
    kept = json.loads((adapter.folder / ADAPTER).read_text(encoding="utf-8"))
    base = kept.get("base_model_name_or_path")
    if not base:
        raise LoadError(
            say(
                "{title} is an adapter that doesn't say which model it is for. "
                "Load that with transformers, put the adapter in with "
                "peft.PeftModel.from_pretrained, and hand it over: "
                "llmscope.Scope(model, tokenizer).",
                title=adapter.title,
            ),
            "weights",
        )
    return str(base)


def add_adapter(model: Any, adapter: Checkpoint) -> None:
    """Add an adapter to the model that it is for.

    Raises
    ------
    LoadError
        When the model with the adapter can't be run alone, or the adapter lacks tensors.
    """
    from peft import PeftConfig

    from llmscope.capture.wrappers import why_no_model

    reason = why_no_model(PeftConfig.from_pretrained(str(adapter.folder)))
    if reason is not None:
        raise LoadError(
            say("{title} can't be shown: {reason}", title=adapter.title, reason=reason), "weights"
        )
    safe = "adapter_model.safetensors" in listing(adapter.folder)
    with building:
        found = model.load_adapter(adapter.folder, use_safetensors=safe)
    if found.missing_keys:
        missing = sorted(found.missing_keys)
        raise damaged(
            adapter.title,
            say(
                "{count} tensors are missing, such as {missing}",
                count=len(missing),
                missing=missing[0],
            ),
        )
