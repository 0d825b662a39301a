"""A small BERT that fills gaps, in the small world of `world.py`.

A token is a word of that world; any other word is cut into its letters.
"""

from __future__ import annotations

import random
import string
from collections import Counter

import torch
import transformers as tf
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from docs.demos.common import fast, trained
from docs.demos.world import told

STEPS, BATCH = 3000, 48
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def sentences(count: int, seed: int) -> list[str]:
    """Tell some things."""
    draw = random.Random(seed)
    return [told(draw) for _ in range(count)]


def tokenizer() -> tf.PreTrainedTokenizerFast:
    """Cut a text into words, as BERT does, and words that it doesn't know into letters."""
    lower = normalizers.BertNormalizer(lowercase=True)
    cut = pre_tokenizers.BertPreTokenizer()
    seen = Counter(
        word
        for text in sentences(20_000, 0)
        for word, _ in cut.pre_tokenize_str(lower.normalize_str(text))
    )
    often = {word for word, count in seen.items() if count > 5}
    letters = string.ascii_lowercase + string.digits
    singles = sorted({*letters, *string.punctuation, *(f"##{letter}" for letter in letters)})
    known = [*SPECIAL, *singles, *sorted(often - set(singles))]
    made = Tokenizer(
        models.WordPiece(vocab={word: n for n, word in enumerate(known)}, unk_token="[UNK]")
    )
    made.normalizer, made.pre_tokenizer, made.decoder = lower, cut, decoders.WordPiece()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, SPECIAL.index(name)) for name in ("[CLS]", "[SEP]")],
    )
    names = {f"{name[1:-1].lower()}_token": name for name in SPECIAL}
    given = ["input_ids", "token_type_ids", "attention_mask"]
    return fast(made, model_max_length=64, model_input_names=given, **names)


def masked(
    ids: torch.Tensor, words: tf.PreTrainedTokenizerFast, chance: torch.Generator
) -> dict[str, torch.Tensor]:
    """Hide words: in each text another share of them, from a tenth to a half."""
    special = torch.isin(ids, torch.tensor(words.all_special_ids))
    share = 0.1 + 0.4 * torch.rand(len(ids), 1, generator=chance) ** 2
    hidden = (torch.rand(ids.shape, generator=chance) < share) & ~special
    kept = torch.rand(ids.shape, generator=chance) < 0.1
    return {
        "input_ids": ids.masked_fill(hidden & ~kept, words.mask_token_id),
        "attention_mask": (ids != words.pad_token_id).long(),
        "labels": ids.masked_fill(~hidden, -100),
    }


def made(steps: int = STEPS) -> tuple[tf.BertForMaskedLM, tf.PreTrainedTokenizerFast]:
    """Train a BERT of three layers to fill gaps."""
    words = tokenizer()
    config = tf.BertConfig(
        vocab_size=len(words),
        hidden_size=128,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=384,
        max_position_embeddings=64,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.06,  # wider than BERT's own 0.02: this model is narrow
        pad_token_id=words.pad_token_id,
    )
    model = tf.BertForMaskedLM(config)
    texts = sentences(steps * BATCH, 1)
    chance = torch.Generator().manual_seed(2)

    def batch(step: int) -> dict[str, torch.Tensor]:
        own = texts[step * BATCH : (step + 1) * BATCH]
        ids = words(own, padding=True, return_tensors="pt").input_ids
        return masked(ids, words, chance)

    return trained(model, batch, steps=steps, rate=3e-3), words
