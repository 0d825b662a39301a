"""Small tokenizers of every kind, made on the spot."""

from __future__ import annotations

import base64
import io
import json
import tempfile
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

import sentencepiece
import transformers as tf
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers.convert_slow_tokenizer import TikTokenConverter
from transformers.models.bert.tokenization_bert_legacy import BertTokenizerLegacy
from transformers.models.bert_generation import BertGenerationTokenizer

from tests import tiny

CORPUS = [
    "The quick brown fox jumps over the lazy dog.",
    "the dogs sleep, and the cat is naïve in a café",
    "日本語 你好世界 שלום مرحبا",
    "hello world, hello dogs: 1998-03-03",
] * 4
WORDS = ["the", "dog", "##s", "cat", "sleep", "##ing", "hello", "world", ".", ",", "你", "好"]


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="tokenizers-"))


def _file(name: str, text: str) -> str:
    path = _folder() / name
    path.write_text(text, encoding="utf-8")
    return str(path)


@cache
def sentence_piece_file(kind: str, normalization: str, *, byte_fallback: bool = False) -> str:
    """Train with SentencePiece itself."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS),
        model_writer=model,
        model_type=kind,
        vocab_size=400 if byte_fallback else 100,
        hard_vocab_limit=False,
        byte_fallback=byte_fallback,
        normalization_rule_name=normalization,
        minloglevel=2,
    )
    path = _folder() / f"{kind}-{normalization}-{byte_fallback}.model"
    path.write_bytes(model.getvalue())
    return str(path)


def roberta() -> tf.PreTrainedTokenizerFast:
    """Byte-level BPE with a space put before the text, NFC, and special tokens around it."""
    tokenizer = tiny.byte_level()._tokenizer
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    from tokenizers.processors import RobertaProcessing

    tokenizer.post_processor = RobertaProcessing(("<eos>", 1), ("<pad>", 0))
    return tf.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<eos>", pad_token="<pad>"
    )


def t5() -> tf.PreTrainedTokenizerFast:
    """Unigram with NFKC, spaces drawn together, without byte fall-back."""
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -3.0), ("▁the", -3.0)]
    pieces += [(char, -4.0) for char in "abcdefghijklmnopqrstuvwxyz.,0123456789好你"]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(" {2,}", " "), normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    return tf.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", eos_token="</s>", pad_token="<pad>"
    )


def llama() -> tf.PreTrainedTokenizerFast:
    """BPE over whole texts, spaces as marks, bytes for the rest, as the first Llamas had it."""
    vocabulary = {"<unk>": 0, "<s>": 1, "</s>": 2}
    for piece in [f"<0x{byte:02X}>" for byte in range(256)] + ["▁", "t", "h", "e", "▁t", "he"]:
        vocabulary[piece] = len(vocabulary)
    vocabulary["▁the"] = len(vocabulary)
    merges = [("▁", "t"), ("h", "e"), ("▁t", "he")]
    tokenizer = Tokenizer(
        models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return tf.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )


def tiktoken() -> tf.PreTrainedTokenizerFast:
    """A rank file as tiktoken reads it, and as transformers converts it."""
    ranks = [bytes([byte]) for byte in range(256)]
    ranks += [b"th", b"the", b" the", b"do", b"dog", "你".encode()[:2]]
    lines = [f"{base64.b64encode(token).decode()} {rank}" for rank, token in enumerate(ranks)]
    path = _file("ranks.tiktoken", "\n".join(lines) + "\n")
    converted = TikTokenConverter(path, extra_special_tokens=["<|end|>"]).converted()
    return tf.PreTrainedTokenizerFast(tokenizer_object=converted, eos_token="<|end|>")


def characters() -> tf.PreTrainedTokenizerFast:
    """One token for each known character; others are unknown."""
    known = ["<unk>", "<s>", *sorted({char for line in CORPUS for char in line})]
    tokenizer = Tokenizer(models.WordLevel({c: i for i, c in enumerate(known)}, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.decoder = decoders.Fuse()
    return tf.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>"
    )


def word_piece_in_python() -> tf.PreTrainedTokenizer:
    letters = [*"abcdefghijklmnopqrstuvwxyz", *(f"##{c}" for c in "abcdefghijklmnopqrtuvwxyz")]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *letters]
    return BertTokenizerLegacy(_file("vocab.txt", "\n".join(words)))


def ctrl() -> tf.PreTrainedTokenizer:
    """BPE in Python with marks for what goes on."""
    pieces = [*"abcdefghijklmnopqrstuvwxyz", *(f"{c}@@" for c in "abcdefghijklmnopqrstuvwxyz")]
    vocabulary = {piece: number for number, piece in enumerate(["<unk>", *pieces, "the", "th@@"])}
    merges = _file("merges.txt", "#version: 0.2\nt h\nth e</w>\n")
    return tf.CTRLTokenizer(_file("vocab.json", json.dumps(vocabulary)), merges)


def marian() -> tf.PreTrainedTokenizer:
    source = sentence_piece_file("unigram", "nmt_nfkc")
    model = sentencepiece.SentencePieceProcessor(model_file=source)
    pieces = ["</s>", "<unk>", *(model.id_to_piece(i) for i in range(3, len(model))), "<pad>"]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*sacremoses")
        return tf.MarianTokenizer(source, source, _file("marian.json", json.dumps(vocabulary)))


def m2m() -> tf.PreTrainedTokenizer:
    source = sentence_piece_file("unigram", "nmt_nfkc")
    model = sentencepiece.SentencePieceProcessor(model_file=source)
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *map(model.id_to_piece, range(3, len(model)))]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    return tf.M2M100Tokenizer(_file("m2m.json", json.dumps(vocabulary)), source)


# Those whose tokens tell where they stand, then those in Python, which don't.
FAST: dict[str, Callable[[], tf.PreTrainedTokenizerFast]] = {
    "byte-level": tiny.byte_level,
    "roberta": roberta,
    "sentence-piece": tiny.sentence_piece,
    "t5": t5,
    "llama": llama,
    "word-piece": tiny.word_piece,
    "tiktoken": tiktoken,
    "characters": characters,
}
SLOW: dict[str, Callable[[], tf.PreTrainedTokenizer]] = {
    "byt5": tf.ByT5Tokenizer,
    "canine": tf.CanineTokenizer,
    "perceiver": tf.PerceiverTokenizer,
    "unigram": lambda: BertGenerationTokenizer(sentence_piece_file("unigram", "identity")),
    "unigram-nfkc": lambda: BertGenerationTokenizer(sentence_piece_file("unigram", "nmt_nfkc")),
    "bpe-bytes": lambda: BertGenerationTokenizer(
        sentence_piece_file("bpe", "identity", byte_fallback=True)
    ),
    "word-piece-in-python": word_piece_in_python,
    "ctrl": ctrl,
    "marian": marian,
    "m2m": m2m,
}


@cache
def make(name: str) -> tf.PreTrainedTokenizerBase:
    return {**FAST, **SLOW}[name]()
