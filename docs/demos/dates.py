"""An encoder-decoder that writes dates in numbers: "the third of May 1998" → 1998-05-03.

It reads English and Chinese. A token is a word, a digit, a Chinese character or a mark.
"""

from __future__ import annotations

import random
from datetime import date, timedelta

import torch
import transformers as tf
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from docs.demos.common import fast, trained

FIRST, LAST = date(1000, 1, 1), date(9999, 12, 31)
MONTHS = (
    "January February March April May June July August September October November December"
).split()
ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth"
).split()
TENS = {2: ("twentieth", "twenty"), 3: ("thirtieth", "thirty")}
ENGLISH = (
    "the {ordinal} of {month} {year}",
    "the {ordinal} of {month} {year}",
    "on the {ordinal} of {month}, {year}",
    "{month} the {ordinal}, {year}",
    "in {year}, on the {ordinal} of {month}",
    "{month} {day}, {year}",
    "{day} {month} {year}",
    "the {day}{ending} of {month} {year}",
    "{month} {day}{ending}, {year}",
)
CHINESE = ("{year}年{month}月{day}日", "{year}年{month}月{day}号", "{month}月{day}日，{year}年")
DIGITS = "〇一二三四五六七八九"
STEPS, BATCH = 1200, 64


def ordinal(day: int) -> str:
    """Return the word for the place of a day in its month."""
    if day < 20:
        return ORDINALS[day - 1]
    whole, begun = TENS[day // 10]
    return f"{begun}-{ORDINALS[day % 10 - 1]}" if day % 10 else whole


def ending(day: int) -> str:
    """Return the letters after a number: 3rd, 11th."""
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10 if day not in (11, 12, 13) else 0, "th")


def counted(number: int) -> str:
    """Return a number up to 31 in Chinese, as 二十三."""
    tens, ones = divmod(number, 10)
    return ("", "十", "二十", "三十")[tens] + (DIGITS[ones] if ones else "")


def written(day: date, draw: random.Random) -> str:
    """Return a date in words, in one of the ways to write it."""
    if draw.random() < 0.3:
        in_words = draw.random() < 0.5
        year = "".join(DIGITS[int(digit)] for digit in str(day.year)) if in_words else day.year
        month, number = (counted(n) if in_words else n for n in (day.month, day.day))
        return draw.choice(CHINESE).format(year=year, month=month, day=number)
    month = MONTHS[day.month - 1]
    return draw.choice(ENGLISH).format(
        ordinal=ordinal(day.day),
        ending=ending(day.day),
        day=day.day,
        month=month[:3] if draw.random() < 0.15 else month,
        year=day.year,
    )


def pairs(count: int, seed: int) -> list[tuple[str, str]]:
    """Draw dates: in words, and in numbers."""
    draw = random.Random(seed)
    days = (LAST - FIRST).days
    drawn = [FIRST + timedelta(days=draw.randrange(days + 1)) for _ in range(count)]
    return [(written(day, draw), day.isoformat()) for day in drawn]


def tokenizer() -> tf.PreTrainedTokenizerFast:
    """Cut a text into words, digits, Chinese characters and marks."""
    cut = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Split(Regex(r"\p{Han}|〇|\d|[^\p{L}\s\d]"), "isolated"),
        ]
    )
    lower = normalizers.Lowercase()
    texts = [text for pair in pairs(5_000, 0) for text in pair]
    seen = {piece for text in texts for piece, _ in cut.pre_tokenize_str(lower.normalize_str(text))}
    vocabulary = {
        token: n for n, token in enumerate(["<pad>", "<s>", "</s>", "<unk>", *sorted(seen)])
    }
    made = Tokenizer(models.WordLevel(vocabulary, "<unk>"))
    made.normalizer, made.pre_tokenizer, made.decoder = lower, cut, decoders.Fuse()
    made.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", vocabulary["</s>"])]
    )
    special = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    return fast(made, model_max_length=32, **special)


def made(steps: int = STEPS) -> tuple[tf.BartForConditionalGeneration, tf.PreTrainedTokenizerFast]:
    """Train a BART of one layer on each side."""
    words = tokenizer()
    config = tf.BartConfig(
        vocab_size=len(words),
        d_model=64,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=128,
        decoder_ffn_dim=128,
        max_position_embeddings=32,
        init_std=0.05,
        dropout=0.0,
        pad_token_id=words.pad_token_id,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        decoder_start_token_id=words.bos_token_id,
        forced_eos_token_id=None,
    )
    model = tf.BartForConditionalGeneration(config)
    model.generation_config.max_length = 16
    drawn = pairs(steps * BATCH, 1)

    def batch(step: int) -> dict[str, torch.Tensor]:
        sources, targets = zip(*drawn[step * BATCH : (step + 1) * BATCH], strict=True)
        read = words(list(sources), padding=True, return_tensors="pt")
        labels = words(list(targets), return_tensors="pt").input_ids
        return {
            "input_ids": read.input_ids,
            "attention_mask": read.attention_mask,
            "labels": labels,
        }

    return trained(model, batch, steps=steps, rate=3e-3), words
