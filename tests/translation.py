"""A tiny encoder-decoder that learns to write dates in numbers: "March 3, 1998" → "1998-03-03".

``python -m tests.translation`` trains it anew into the file of weights beside this one.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import torch
import transformers as tf
from safetensors.torch import load_model, save_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

FIRST, LAST = date(1000, 1, 1), date(9999, 12, 31)
FORMATS = ("{month} {day}, {year}", "{day} {month} {year}", "{month} {day} {year}")
WEIGHTS = Path(__file__).with_suffix(".safetensors")
PAD, START, END = "<pad>", "<s>", "</s>"


@dataclass(frozen=True)
class Pair:
    """A date in words and in numbers."""

    source: str
    target: str


def dates(count: int, seed: int) -> list[Pair]:
    """Draw dates, each in one of three ways to write it."""
    draw = random.Random(seed)
    days = (LAST - FIRST).days
    pairs = []
    for _ in range(count):
        day = FIRST + timedelta(days=draw.randrange(days + 1))
        name = day.strftime("%B" if draw.random() < 0.5 else "%b")
        source = draw.choice(FORMATS).format(month=name, day=day.day, year=day.year)
        pairs.append(Pair(source, day.isoformat()))
    return pairs


def tokenizer() -> tf.PreTrainedTokenizerFast:
    """One token for each character, and one for the end."""
    characters = sorted({c for pair in dates(2_000, 0) for c in pair.source + pair.target})
    vocabulary = {token: n for n, token in enumerate([PAD, START, END, "<unk>", *characters])}
    made = Tokenizer(models.WordLevel(vocabulary, "<unk>"))
    made.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    made.decoder = decoders.Fuse()
    made.post_processor = processors.TemplateProcessing(
        single=f"$A {END}", special_tokens=[(END, vocabulary[END])]
    )
    return tf.PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token=PAD,
        bos_token=START,
        eos_token=END,
        unk_token="<unk>",
    )


def untrained(characters: tf.PreTrainedTokenizerFast) -> tf.BartForConditionalGeneration:
    """A BART of one encoder and one decoder layer."""
    config = tf.BartConfig(
        vocab_size=len(characters),
        d_model=64,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=128,
        decoder_ffn_dim=128,
        max_position_embeddings=32,
        dropout=0.0,
        pad_token_id=characters.pad_token_id,
        bos_token_id=characters.bos_token_id,
        eos_token_id=characters.eos_token_id,
        decoder_start_token_id=characters.bos_token_id,
        forced_eos_token_id=None,
    )
    model = tf.BartForConditionalGeneration(config)
    model.generation_config.max_length = 16
    return model


def trained(
    characters: tf.PreTrainedTokenizerFast, *, steps: int = 800, batch: int = 64, seed: int = 0
) -> tf.BartForConditionalGeneration:
    """Train on dates drawn anew in each step."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = untrained(characters).train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=steps)
        pairs = dates(steps * batch, seed + 1)
        for step in range(steps):
            own = pairs[step * batch : (step + 1) * batch]
            inputs = characters([p.source for p in own], padding=True, return_tensors="pt")
            labels = characters([p.target for p in own], return_tensors="pt").input_ids
            loss = model(**inputs, labels=labels).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    return model.eval()


def load(characters: tf.PreTrainedTokenizerFast) -> tf.BartForConditionalGeneration:
    """Load what `trained` gave once: a test can wait for that, each run of all tests can't."""
    model = untrained(characters)
    load_model(model, WEIGHTS)
    return model.eval()


if __name__ == "__main__":
    save_model(trained(tokenizer()), WEIGHTS)
