"""Every model type of transformers' three text mappings, built tiny with random weights."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import torch
import transformers
from transformers.models.auto import modeling_auto
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from tests.sweep.shrink import SPECIAL, shrunk

VOCABULARY = SPECIAL + 20
TOKENS = 72  # several windows, chunks and blocks of the tiny configurations
MAPPINGS: dict[str, dict[str, Any]] = {
    "causal": modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    "masked": modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    "seq2seq": modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
}
_DRAFTS = "drafts tokens from another model's keys and values, reads no text of its own"
_CODES = "writes audio codes, several at each step, not text"
# What is no text model on its own.
NOT_TEXT = {
    "gemma3n": "needs the package timm for its images; its text model is gemma3n_text",
    "gemma4_assistant": _DRAFTS,
    "gemma4_unified_assistant": _DRAFTS,
    "musicgen": _CODES,
    "musicgen_melody": _CODES,
    "voxtral_realtime": "reads no text without speech",
}


@dataclass(frozen=True)
class Entry:
    """A model type in one of the mappings."""

    mapping: str
    model_type: str
    class_name: str

    def config(self) -> Any:
        config_class = getattr(transformers, self.class_name).config_class
        config_class = config_class or CONFIG_MAPPING[self.model_type]
        given: dict[str, Any] = {}
        if self.mapping == "causal" and "is_decoder" in {f.name for f in fields(config_class)}:
            given["is_decoder"] = True
        return shrunk(config_class(), VOCABULARY, **given)

    def model(self, dtype: torch.dtype = torch.float32) -> torch.nn.Module:
        """Build the model, each time with the same weights."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model: torch.nn.Module = getattr(transformers, self.class_name)(self.config()).eval()
            for module in model.modules():
                weight = getattr(module, "weight", None)
                if isinstance(weight, torch.nn.Parameter) and weight.ndim == 2:
                    # Larger than a new model's, so that attention is far from even.
                    weight.data.normal_(0, weight.shape[-1] ** -0.5)
        return model.to(dtype)


def entries() -> list[Entry]:
    """List all that the mappings name, one entry a type and mapping."""
    return [
        Entry(mapping, model_type, classes if isinstance(classes, str) else classes[0])
        for mapping, names in MAPPINGS.items()
        for model_type, classes in names.items()
    ]


def ids() -> list[int]:
    """Give random token ids, of which a stretch comes twice."""
    generator = torch.Generator().manual_seed(1)
    drawn: list[int] = torch.randint(10, SPECIAL, (TOKENS,), generator=generator).tolist()
    return drawn[: TOKENS - TOKENS // 4] + drawn[: TOKENS // 4]
