"""Adapters (PEFT) in a folder of their own: the model that they belong to, and putting them in."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from llmscope.loading.checkpoint import ADAPTER, listing, weight_files
from llmscope.loading.errors import LoadError, damaged
from llmscope.loading.pretrained import building

if TYPE_CHECKING:
    from llmscope.loading.pretrained import Source


def base_of(adapter: Source, use_safetensors: bool) -> str | None:
    """Name the model that an adapter is for; `None` where the folder holds a whole model.

    Raises
    ------
    LoadError
        When there is an adapter that can't be put into a model.
    """
    files = listing(adapter.folder)
    if ADAPTER not in files or adapter.gguf is not None:
        return None
    if find_spec("peft") is None:  # transformers would leave the adapter out without a word
        raise LoadError(
            f"{adapter.title} holds an adapter, which needs the package peft: `pip install peft`.",
            "package",
        )
    if "config.json" in files:
        return None
    weight_files(files, adapter.title, use_safetensors)
    kept = json.loads((adapter.folder / ADAPTER).read_text(encoding="utf-8"))
    base = kept.get("base_model_name_or_path")
    if not base:
        raise LoadError(
            f"{adapter.title} is an adapter that doesn't say which model it is for. Load that with "
            "transformers, put the adapter in with peft.PeftModel.from_pretrained, and hand it "
            "over: llmscope.Scope(model, tokenizer).",
            "weights",
        )
    return str(base)


def put_in(model: Any, adapter: Source) -> None:
    """Put an adapter into the model that it is for."""
    from peft import PeftConfig

    from llmscope.capture.wrappers import why_no_model

    reason = why_no_model(PeftConfig.from_pretrained(str(adapter.folder)))
    if reason is not None:
        raise LoadError(f"{adapter.title} can't be shown: {reason}", "weights")
    safe = "adapter_model.safetensors" in listing(adapter.folder)
    with building:
        found = model.load_adapter(adapter.folder, use_safetensors=safe)
    if found.missing_keys:
        missing = sorted(found.missing_keys)
        raise damaged(adapter.title, f"{len(missing)} tensors are missing, such as {missing[0]}")
