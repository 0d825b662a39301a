"""A model of two layers of attention, and nothing else, that repeats what it has read.

Its texts are words in no order, again and again: the only thing to learn is to look for the place
where a word stood before, and to say what came after it.
"""

from __future__ import annotations

import torch
import transformers as tf
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from docs.demos.common import fast, trained

WORDS = (
    "apple arm bear bell bird boat book bread bridge child church city cloud coat corn cup day dog "
    "door dream ear egg eye field fire fish flag foot forest garden gold hand hat hill horse house "
    "ice island key king lake lamp leaf letter milk moon mouse night paper rain ring river road "
    "rose salt sea ship snow star stone sun tree wind window harry potter anna tom"
).split()
LENGTH, BATCH, STEPS = 48, 32, 800
END = "<end>"


def tokenizer() -> tf.PreTrainedTokenizerFast:
    """Cut a text into words."""
    vocabulary = {word: n for n, word in enumerate([END, "<unk>", *WORDS])}
    made = Tokenizer(models.WordLevel(vocabulary, "<unk>"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    special = {"eos_token": END, "unk_token": "<unk>", "pad_token": END}
    return fast(made, model_max_length=2 * LENGTH, **special)


def repeated(vocabulary: int, chance: torch.Generator) -> torch.Tensor:
    """Draw some words, and repeat them until the text is full: six to twenty to a round."""
    count = int(torch.randint(6, 21, (1,), generator=chance))
    words = 2 + torch.randperm(vocabulary - 2, generator=chance)[:count]
    return words.repeat(LENGTH)[:LENGTH]


def made(steps: int = STEPS) -> tuple[tf.LlamaForCausalLM, tf.PreTrainedTokenizerFast]:
    """Train a Llama of two layers whose MLPs add nothing: their weights are zero, and stay so."""
    words = tokenizer()
    config = tf.LlamaConfig(
        vocab_size=len(words),
        hidden_size=64,
        intermediate_size=8,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=2 * LENGTH,
        bos_token_id=None,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    model = tf.LlamaForCausalLM(config)
    for layer in model.model.layers:
        for weights in layer.mlp.parameters():
            weights.requires_grad_(False).zero_()
    chance = torch.Generator().manual_seed(1)

    def batch(step: int) -> dict[str, torch.Tensor]:
        ids = torch.stack([repeated(len(words), chance) for _ in range(BATCH)])
        return {"input_ids": ids, "labels": ids}

    return trained(model, batch, steps=steps, rate=3e-3), words
