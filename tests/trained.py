"""Tiny models that learn something one can see, watched while they do."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers as tf
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers import models as token_models

from llmscope.training import Watch

SOUNDS = {"dog": "barks", "cat": "purrs", "cow": "moos", "duck": "quacks", "lion": "roars"}
KINDS = ("old", "young", "small", "big", "grey")
OFTEN = ("often", "seldom", "now", "never")
PROBES = ("the old cow often", "the small duck now quacks and the big lion never")


def words() -> tf.PreTrainedTokenizerFast:
    """A token for each word."""
    known = ["<pad>", "<eos>", "<unk>", "the", "and", *SOUNDS, *SOUNDS.values(), *KINDS, *OFTEN]
    vocabulary = {word: number for number, word in enumerate(known)}
    tokenizer = Tokenizer(token_models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.decoder = decoders.Sequence([decoders.Replace("", "")])
    special = {"pad_token": "<pad>", "eos_token": "<eos>", "unk_token": "<unk>"}
    return tf.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)


def sentences(count: int, chance: random.Random) -> list[str]:
    """Animals with their sounds: which one it is takes a look two words back."""

    def one() -> str:
        animal = chance.choice(list(SOUNDS))
        return f"the {chance.choice(KINDS)} {animal} {chance.choice(OFTEN)} {SOUNDS[animal]}"

    return [f"{one()} and {one()}" for _ in range(count)]


def gpt2(seed: int = 0) -> Any:
    """Two layers with four heads."""
    torch.manual_seed(seed)
    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 32}
    ids = {"bos_token_id": 1, "eos_token_id": 1, "vocab_size": len(words())}
    drops = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    return tf.GPT2LMHeadModel(tf.GPT2Config(**sizes, **ids, **drops))


def bart(seed: int = 2) -> Any:
    """An encoder and a decoder of one layer with two heads."""
    torch.manual_seed(seed)
    return tf.BartForConditionalGeneration(
        tf.BartConfig(
            vocab_size=len(words()),
            d_model=32,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=64,
            decoder_ffn_dim=64,
            max_position_embeddings=16,
            dropout=0.0,
            decoder_start_token_id=1,
            bos_token_id=1,
            eos_token_id=1,
            pad_token_id=0,
            forced_eos_token_id=None,
        )
    )


def trained(
    model: Any,
    batch: Callable[[], dict[str, torch.Tensor]],
    watch: Watch,
    steps: int,
    rate: float = 5e-3,
    end: float = 0.1,
) -> Watch:
    """Train a model for some steps, with a rate that falls to a share of it, and watch it."""
    updates = torch.optim.AdamW(model.parameters(), rate)
    slower = torch.optim.lr_scheduler.LinearLR(updates, 1.0, end, steps)
    for step in range(steps + 1):
        loss = model(**batch()).loss
        norm = None
        if step:
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).item()
            updates.step()
            slower.step()
            updates.zero_grad()
        more = {} if norm is None else {"grad_norm": norm}
        watch.step(step, loss=loss.item(), learning_rate=slower.get_last_lr()[0], **more)
        if watch.should_stop:
            break
    watch.end()
    return watch


def of_sounds(
    steps: int = 200,
    every: Any = 5,
    *,
    model: Any = None,
    folder: Path | None = None,
    name: str = "tiny GPT-2",
    rate: float = 5e-3,
    **options: Any,
) -> Watch:
    """Which sound an animal makes, learnt by a causal model."""
    tokenizer, chance = words(), random.Random(0)
    model = gpt2() if model is None else model
    parts = {"model": model, "tokenizer": tokenizer, "name": name, "folder": folder}
    watch = Watch(PROBES, every, **parts, **options)

    def batch() -> dict[str, torch.Tensor]:
        ids = tokenizer(sentences(16, chance), return_tensors="pt")["input_ids"]
        return {"input_ids": ids, "labels": ids}

    return trained(model, batch, watch, steps, rate)


def of_animals(steps: int = 150, every: Any = 10, folder: Path | None = None) -> Watch:
    """The sounds of several animals in order, learnt by an encoder-decoder."""
    tokenizer, chance = words(), random.Random(0)
    model = bart()
    probes = [("dog cat cow", "barks purrs moos"), ("lion duck dog", "roars")]
    parts = {"model": model, "tokenizer": tokenizer, "name": "tiny BART", "folder": folder}
    watch = Watch(probes, every, **parts)

    def batch() -> dict[str, torch.Tensor]:
        rows = [[chance.choice(list(SOUNDS)) for _ in range(3)] for _ in range(24)]
        read = tokenizer([" ".join(row) for row in rows], return_tensors="pt")["input_ids"]
        told = [" ".join([*(SOUNDS[one] for one in row), "<eos>"]) for row in rows]
        return {"input_ids": read, "labels": tokenizer(told, return_tensors="pt")["input_ids"]}

    return trained(model, batch, watch, steps, end=1.0)
