"""A model of two layers of attention, and nothing else, that repeats what it has read.

Its texts are words in no order, parts of which come again: the only thing to learn is to look for
the place where a word stood before, and to say what came after it.
"""

from __future__ import annotations

import string

import torch
import transformers as tf
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

from docs.demos.common import fast, trained

WORDS = (
    "the a an of to in on at for with and or but not is was are were be has had have do did can "
    "will i you he she it we they me him her us them my your his its our their this that here "
    "there who what when where why how all some no one two three four five six seven eight nine "
    "ten red green blue white black yellow old new young big small good bad happy sad hot cold "
    "fast slow long short high low man woman boy girl child king queen friend mother father "
    "brother sister teacher doctor baker farmer dog cat bird fish horse cow sheep mouse lion bear "
    "tree flower grass leaf river sea lake mountain hill field forest garden sun moon star sky "
    "cloud rain snow wind fire water stone sand road street bridge house door window room table "
    "chair bed lamp book letter pen paper key clock cup plate knife bread milk tea egg apple salt "
    "hat coat shoe ring bag box ship boat train car bus plane city village school shop church day "
    "night morning evening week month year spring summer autumn winter go come see hear say tell "
    "ask give take make find look read write eat drink sleep run walk play sing work love like "
    "want know think open close sit stand went came saw said gave took made found looked sat met "
    "then later again little lady lamb mat lake professor snow white thank very well much too "
    "anna tom mary john emma paul harry alice potter smith paris london berlin rome"
).split()
LENGTH, BATCH, STEPS = 64, 48, 1500
END = "<end>"


def tokenizer() -> tf.PreTrainedTokenizerFast:
    """Cut a text into words, and words that it doesn't know into letters."""
    letters = string.ascii_lowercase + string.digits
    singles = [*letters, *string.punctuation, *(f"##{letter}" for letter in letters)]
    known = list(dict.fromkeys([END, "<unk>", *WORDS, *singles]))
    vocabulary = {word: n for n, word in enumerate(known)}
    made = Tokenizer(models.WordPiece(vocab=vocabulary, unk_token="<unk>"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece(cleanup=False)
    special = {"eos_token": END, "unk_token": "<unk>", "pad_token": END}
    return fast(made, model_max_length=2 * LENGTH, **special)


def repeated(vocabulary: int, chance: torch.Generator) -> torch.Tensor:
    """Draw a text: words again and again, or new ones and passages that were there before."""

    def below(least: int, most: int) -> int:
        return int(torch.randint(least, most, (1,), generator=chance))

    text = torch.randint(2, vocabulary, (below(3, 20),), generator=chance)
    if below(0, 2):
        return text.repeat(LENGTH)[:LENGTH]
    while len(text) < LENGTH:
        if below(0, 5):
            begin = below(0, len(text) - 2)
            more = text[begin : begin + below(3, 13)]
        else:
            more = torch.randint(2, vocabulary, (below(1, 6),), generator=chance)
        text = torch.cat([text, more])
    return text[:LENGTH]


def made(steps: int = STEPS) -> tuple[tf.LlamaForCausalLM, tf.PreTrainedTokenizerFast]:
    """Train a Llama of two layers whose MLPs add nothing: their weights are zero, and stay so."""
    words = tokenizer()
    config = tf.LlamaConfig(
        vocab_size=len(words),
        hidden_size=96,
        intermediate_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
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
