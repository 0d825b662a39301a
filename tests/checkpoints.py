"""Small checkpoints on disk, and what loading them says when it fails."""

import json
from pathlib import Path

import pytest
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers

from llmscope.loading import LoadError, load_parts

WORDS = ["[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat"]
SMALL = {"vocab_size": len(WORDS), "num_hidden_layers": 2, "num_attention_heads": 2}
SMALL |= {"hidden_size": 8, "intermediate_size": 16, "max_position_embeddings": 32}
NO_TOKENS = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}


def tiny_tokenizer() -> transformers.PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", mask_token="[MASK]"
    )


def llama(layers: int = 2) -> transformers.LlamaConfig:
    return transformers.LlamaConfig(**SMALL | NO_TOKENS | {"num_hidden_layers": layers})


def save(folder: Path, model: transformers.PreTrainedModel) -> Path:
    model.save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def edit_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    kept = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in kept.items() if value is not ...}))


def silent(stage: str, done: int, total: int | None) -> None:
    pass


def failure(*args: object, **kwargs: object) -> LoadError:
    with pytest.raises(LoadError) as caught:
        load_parts(*args, progress=silent, **kwargs)  # type: ignore[arg-type]
    return caught.value
