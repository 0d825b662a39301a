"""Tiny models with random weights, and tokenizers made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import transformers as tf
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from llmscope.capture.cache_argument import cache_argument

TEXT = "The quick brown fox jumps over the lazy dog, and then it sleeps."
CORPUS = [
    TEXT,
    "日本語 你好世界 naïve café 👩‍👩‍👧",
    "def f(x):\n\treturn x ** 2  # ok",
    "<s> & </s>",
]
VOCABULARY = 300

Make = Callable[[], torch.nn.Module]


def byte_level() -> tf.PreTrainedTokenizerFast:
    """As GPT-2's: every text has tokens, and a character may be spread over several."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<pad>", "<eos>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tf.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>"
    )


def sentence_piece() -> tf.PreTrainedTokenizerFast:
    """As Llama's: a mark for spaces, and bytes for what has no piece."""
    pieces = [("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0)]
    pieces += [(f"<0x{byte:02X}>", -9.0) for byte in range(256)]
    words = ["▁The", "▁the", "▁dog", "▁", "a", "e", "o", "t", "h", "▁lazy", "好"]
    pieces += [(word, -3.0) for word in words]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    return tf.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )


def word_piece() -> tf.PreTrainedTokenizerFast:
    """As BERT's: lower case, special tokens around the text, what is unknown is [UNK]."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "dog", "##s", "sleep", "##ing"]
    words += list("abcdefghijklmnopqrstuvwxyz,.")
    words += [f"##{letter}" for letter in "abcdefghijklmnopqrtuvwxyz"]
    vocabulary = {word: index for index, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    from tokenizers.processors import TemplateProcessing

    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return tf.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )


_IDS = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 0, "vocab_size": VOCABULARY}
_COMMON: dict[str, Any] = {
    **_IDS,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
}
_GROUPED: dict[str, Any] = {**_COMMON, "num_key_value_heads": 2, "head_dim": 8}
_SEEN = {"d_model": 32, "decoder_start_token_id": 0, **_IDS}


def _random(make: Callable[[], torch.nn.Module], larger: float = 2) -> Make:
    def seeded() -> torch.nn.Module:
        state = torch.random.get_rng_state()
        torch.manual_seed(0)
        try:
            model = make()
        finally:
            torch.random.set_rng_state(state)
        for parameter in model.parameters():
            # Larger than a new model's, so that attention is far from even.
            parameter.data.mul_(larger)
        return model.eval()

    return seeded


def _gpt2() -> torch.nn.Module:
    return tf.GPT2LMHeadModel(tf.GPT2Config(n_embd=32, n_layer=3, n_head=4, n_positions=64, **_IDS))


MODELS: dict[str, Make] = {
    # name: (what it stands for)
    "gpt2": _random(_gpt2),
    "llama": _random(lambda: tf.LlamaForCausalLM(tf.LlamaConfig(**_GROUPED))),
    "mistral": _random(  # sliding window
        lambda: tf.MistralForCausalLM(tf.MistralConfig(**_GROUPED, sliding_window=4))
    ),
    "gemma2": _random(  # soft cap, alternating windows, scaled logits
        lambda: tf.Gemma2ForCausalLM(tf.Gemma2Config(**_GROUPED, sliding_window=4))
    ),
    "gpt_oss": _random(  # sinks
        lambda: tf.GptOssForCausalLM(
            tf.GptOssConfig(
                **_GROUPED | {"intermediate_size": 32}, sliding_window=4, num_local_experts=4
            )
        )
    ),
    "cohere": _random(lambda: tf.CohereForCausalLM(tf.CohereConfig(**_GROUPED))),
    "bert": _random(lambda: tf.BertForMaskedLM(tf.BertConfig(**_COMMON))),
    "albert": _random(  # one layer's weights for all
        lambda: tf.AlbertForMaskedLM(tf.AlbertConfig(**_COMMON, embedding_size=16))
    ),
    "bert_encoder": _random(lambda: tf.BertModel(tf.BertConfig(**_COMMON))),
    "t5": _random(  # relative bias, cross-attention
        lambda: tf.T5ForConditionalGeneration(
            tf.T5Config(d_kv=8, d_ff=48, num_layers=3, num_heads=4, **_SEEN)
        ),
        larger=1,
    ),
    "bart": _random(
        lambda: tf.BartForConditionalGeneration(
            tf.BartConfig(
                encoder_layers=2,
                decoder_layers=3,
                encoder_attention_heads=4,
                decoder_attention_heads=4,
                encoder_ffn_dim=48,
                decoder_ffn_dim=48,
                max_position_embeddings=64,
                **_SEEN,
            )
        )
    ),
    "gptj": _random(  # asks no interface before transformers 5.24
        lambda: tf.GPTJForCausalLM(
            tf.GPTJConfig(n_embd=32, n_layer=3, n_head=4, n_positions=64, rotary_dim=4, **_IDS)
        )
    ),
    "bloom": _random(  # ALiBi, asks no interface
        lambda: tf.BloomForCausalLM(tf.BloomConfig(hidden_size=32, n_layer=3, n_head=4, **_IDS))
    ),
    "falcon": _random(  # asks no interface, and computes with SDPA
        lambda: tf.FalconForCausalLM(
            tf.FalconConfig(hidden_size=32, num_hidden_layers=3, num_attention_heads=4, **_IDS)
        )
    ),
    "mamba": _random(  # no attention at all
        lambda: tf.MambaForCausalLM(
            tf.MambaConfig(hidden_size=32, num_hidden_layers=3, state_size=8, **_IDS)
        )
    ),
}

# GPT-J asks an interface from transformers 5.24 on.
OWN_CODE = ("bloom", "falcon", *(() if cache_argument() == "cache" else ("gptj",)))
