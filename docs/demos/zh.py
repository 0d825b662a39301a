"""A small GPT that writes Chinese, character by character: the little stories of `stories.py`."""

from __future__ import annotations

import random

import torch
import transformers as tf
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from docs.demos.common import fast, trained
from docs.demos.stories import story

LENGTH, BATCH, STEPS = 96, 16, 2000
END = "<end>"


def texts(count: int, seed: int) -> list[str]:
    """Tell some stories."""
    draw = random.Random(seed)
    return [story(draw) for _ in range(count)]


def tokenizer() -> tf.PreTrainedTokenizerFast:
    """Cut a text into characters."""
    seen = sorted({character for text in texts(30_000, 0) for character in text})
    vocabulary = {token: n for n, token in enumerate([END, "<unk>", *seen])}
    made = Tokenizer(models.WordLevel(vocabulary, "<unk>"))
    made.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    made.decoder = decoders.Fuse()
    special = {"eos_token": END, "unk_token": "<unk>", "pad_token": END}
    return fast(made, model_max_length=LENGTH, **special)


def stream(words: tf.PreTrainedTokenizerFast, count: int, seed: int) -> torch.Tensor:
    """Return characters of stories, one story after another, each ended by `END`."""
    ids: list[int] = []
    draw = random.Random(seed)
    while len(ids) < count:
        ids += [*words(story(draw)).input_ids, words.eos_token_id]
    return torch.tensor(ids[:count])


def made(steps: int = STEPS) -> tuple[tf.GPT2LMHeadModel, tf.PreTrainedTokenizerFast]:
    """Train a GPT-2 of three layers to say the next character."""
    words = tokenizer()
    config = tf.GPT2Config(
        vocab_size=len(words),
        n_positions=LENGTH,
        n_embd=96,
        n_layer=3,
        n_head=4,
        n_inner=288,
        initializer_range=0.05,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=words.eos_token_id,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    model = tf.GPT2LMHeadModel(config)
    size = BATCH * LENGTH
    ids = stream(words, steps * size, 1)

    def batch(step: int) -> dict[str, torch.Tensor]:
        rows = ids[step * size : (step + 1) * size].view(BATCH, LENGTH)
        return {"input_ids": rows, "labels": rows}

    return trained(model, batch, steps=steps, rate=3e-3), words
