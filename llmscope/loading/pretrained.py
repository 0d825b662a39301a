"""Read configuration, tokenizer and model with transformers' `from_pretrained`."""

from __future__ import annotations

import json
import threading
import warnings
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from llmscope.loading.checkpoint import (
    VOCABULARY,
    Checkpoint,
    ensure_memory,
    listing,
    weight_files,
)
from llmscope.loading.claims import check_layers, check_names
from llmscope.loading.errors import LoadError, damaged, remote_code
from llmscope.words import say

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

    DeviceMap = str | int | torch.device | dict[str, int | str | torch.device]

# While transformers builds a model it changes torch's default dtype, for all threads.
building = threading.Lock()


def read_config(checkpoint: Checkpoint, trust_remote_code: bool) -> PreTrainedConfig:
    """Read the configuration.

    Parameters
    ----------
    checkpoint
        Where the model is stored.
    trust_remote_code
        Whether Python code of the checkpoint may run.

    Returns
    -------
    PreTrainedConfig
        The configuration.

    Raises
    ------
    LoadError
        For a folder without a model, a model type that this transformers doesn't know, one that
        needs code that isn't trusted, and more layers than there are weights for.
    """
    from transformers import CONFIG_MAPPING, AutoConfig

    if checkpoint.gguf is None:
        path = checkpoint.folder / "config.json"
        if not path.is_file():
            raise LoadError(
                say(
                    "{title} is no model: {folder} holds no config.json. Give the "
                    "folder that a model was saved to with save_pretrained.",
                    title=checkpoint.title,
                    folder=checkpoint.folder,
                ),
                "weights",
            )
        kept = json.loads(path.read_text(encoding="utf-8"))
        known = kept.get("model_type") in CONFIG_MAPPING
        if not known and not trust_remote_code and "auto_map" in kept:
            raise remote_code(checkpoint.title)
        if not known and "auto_map" not in kept:
            raise _unknown_type(checkpoint.title, kept.get("model_type"))
    check_layers(checkpoint)
    config: PreTrainedConfig = AutoConfig.from_pretrained(
        checkpoint.folder, trust_remote_code=trust_remote_code, **checkpoint.keywords
    )
    return config


def has_tokenizer(checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint has files of a vocabulary."""
    return any(map(VOCABULARY.fullmatch, listing(checkpoint.folder)))


def read_tokenizer(checkpoint: Checkpoint, trust_remote_code: bool) -> PreTrainedTokenizerBase:
    """Read the tokenizer.

    Parameters
    ----------
    checkpoint
        Where the tokenizer is stored.
    trust_remote_code
        Whether Python code of the checkpoint may run.

    Returns
    -------
    PreTrainedTokenizerBase
        The tokenizer.

    Raises
    ------
    LoadError
        When there is none, also where transformers makes one up without a vocabulary.
    """
    from transformers import AutoTokenizer

    if checkpoint.gguf is None and not has_tokenizer(checkpoint):
        raise _no_tokenizer(checkpoint.title)
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            checkpoint.folder, trust_remote_code=trust_remote_code, **checkpoint.keywords
        )
    except ValueError as error:
        if "instantiate the backend tokenizer" in str(error):
            raise _no_tokenizer(checkpoint.title) from error
        raise
    if len(tokenizer) <= len(tokenizer.all_special_tokens):
        raise _no_tokenizer(checkpoint.title)
    return tokenizer


def read_model(
    checkpoint: Checkpoint,
    config: PreTrainedConfig,
    *,
    dtype: torch.dtype | str | None = None,
    device: torch.device | str | None = None,
    device_map: DeviceMap | None = None,
    trust_remote_code: bool = False,
    use_safetensors: bool = True,
) -> PreTrainedModel:
    """Read the weights into the class that the checkpoint was saved from, in evaluation mode.

    Parameters
    ----------
    checkpoint, config
        Where the model is stored, and its configuration.
    dtype, device, device_map, trust_remote_code, use_safetensors
        As for `llmscope.load`.

    Returns
    -------
    PreTrainedModel
        On its device.

    Raises
    ------
    LoadError
        When weights are missing, lie in pickle files that aren't allowed, or need more memory than
        is free.
    """
    import torch

    if use_safetensors and checkpoint.gguf is None:
        named = getattr(config, "transformers_weights", None)
        check_names(checkpoint.folder, checkpoint.title, named)
    target = torch.device(device) if device is not None else best_device()
    stored = _stored(checkpoint, use_safetensors)
    if device_map is None:
        dtype = dtype or _own_dtype(config, target)
        ensure_memory(_needed(stored, config, dtype), checkpoint.title)
        if hasattr(config, "quantization_config"):  # some quantisers' weights can't be moved
            device_map = {"": target}
    with building:
        model, report = _auto_class(config).from_pretrained(
            checkpoint.folder,
            config=config,
            dtype=dtype or "auto",
            device_map=device_map,
            trust_remote_code=trust_remote_code,
            # To transformers, False means "never safetensors"; here it means "pickle as well".
            use_safetensors=use_safetensors or None,
            output_loading_info=True,
            **checkpoint.keywords,
        )
    model = _without_invented_head(model, report["missing_keys"], checkpoint.title)
    if device_map is None:
        model.to(target)  # type: ignore[arg-type]
    return model


def best_device() -> torch.device:
    """Return a GPU if there is one, else the CPU."""
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _own_dtype(config: PreTrainedConfig, device: torch.device) -> torch.dtype | str:
    """Return the checkpoint's precision, but float32 for float16 on a CPU, which is slow there."""
    import torch

    return torch.float32 if config.dtype == torch.float16 and device.type == "cpu" else "auto"


def _stored(checkpoint: Checkpoint, use_safetensors: bool) -> int:
    """Return the size of the weights in bytes; unpacking at least doubles a GGUF file."""
    if checkpoint.gguf is not None:
        return 2 * (checkpoint.folder / checkpoint.gguf).stat().st_size
    return sum(weight_files(listing(checkpoint.folder), checkpoint.title, use_safetensors).values())


def _needed(stored: int, config: PreTrainedConfig, dtype: torch.dtype | str) -> int:
    """Return the bytes of memory that the weights take in this precision."""
    import torch

    wanted = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
    own = None if hasattr(config, "quantization_config") else config.dtype
    if isinstance(wanted, torch.dtype) and isinstance(own, torch.dtype):
        return stored * wanted.itemsize // own.itemsize
    return stored


def _auto_class(config: PreTrainedConfig) -> Any:
    """Return the Auto class that the checkpoint has a head for; `AutoModel` without a head."""
    import transformers as hf
    from transformers.models.auto import modeling_auto as auto

    heads = {
        hf.AutoModelForCausalLM: auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        hf.AutoModelForSeq2SeqLM: auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
        hf.AutoModelForMaskedLM: auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    }
    own_code = getattr(config, "auto_map", None) or {}
    architecture = next(iter(config.architectures or ()), None)
    for head, names in heads.items():
        if head.__name__ in own_code or names.get(config.model_type) == architecture is not None:
            return head
    if architecture is not None and not architecture.endswith("ForPreTraining"):
        return hf.AutoModel
    for head in _likely_heads(config):
        if config.model_type in heads[head]:
            return head
    return hf.AutoModel


def _likely_heads(config: PreTrainedConfig) -> tuple[Any, ...]:
    """Return Auto classes in order of likelihood, for a configuration that names no class."""
    import transformers as hf

    causal, seq2seq, masked = (
        hf.AutoModelForCausalLM,
        hf.AutoModelForSeq2SeqLM,
        hf.AutoModelForMaskedLM,
    )
    if config.is_encoder_decoder:
        return (seq2seq,)
    # BERT and models like it have a causal class too, for use as a decoder.
    return (causal, masked) if getattr(config, "is_decoder", False) else (masked, causal)


def _without_invented_head(
    model: PreTrainedModel, missing: Collection[str], title: str
) -> PreTrainedModel:
    """Drop a head that the checkpoint has no weights for: its numbers would be random."""
    missing = sorted(key for key in missing if "pooler" not in key.split("."))
    if not missing:
        return model
    trunk = model.base_model
    if trunk is model or any(key.startswith(f"{model.base_model_prefix}.") for key in missing):
        raise damaged(
            title,
            say(
                "{count} tensors are missing, such as {missing}",
                count=len(missing),
                missing=missing[0],
            ),
        )
    warnings.warn(
        f"{title} has no weights for a language-model head ({missing[0]} is missing), so it is "
        "loaded without one: attention and hidden states can be seen, next tokens can't.",
        stacklevel=2,
    )
    return trunk  # type: ignore[return-value]


def _no_tokenizer(title: str) -> LoadError:
    return LoadError(
        say(
            "{title} comes without a tokenizer. Save one beside the weights "
            "with tokenizer.save_pretrained(folder), or hand both over: "
            "llmscope.Scope(model, tokenizer).",
            title=title,
        ),
        "tokenizer",
    )


def _unknown_type(title: str, model_type: str | None) -> LoadError:
    import transformers

    what = (
        say("of type {model_type!r}", model_type=model_type)
        if model_type
        else say("of a type that its config.json leaves out")
    )
    return LoadError(
        say(
            "{title} is {what}, which transformers {version} doesn't know. A "
            "newer one may: `pip install --upgrade transformers`.",
            title=title,
            what=what,
            version=transformers.__version__,
        ),
        "architecture",
    )
