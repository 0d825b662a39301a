"""Prepare a model's inputs from text, token ids or chat messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import index
from textwrap import shorten
from typing import TYPE_CHECKING, Any, NamedTuple

from llmscope.capture.wrappers import main_device
from llmscope.text import chat
from llmscope.text.limit import NO_LIMIT, Limit
from llmscope.text.tokens import Token, clean, from_ids, tokenize, tokenize_target
from llmscope.words import say

if TYPE_CHECKING:
    import torch
    from torch import nn
    from transformers import PreTrainedTokenizerBase

    Text = str | Sequence[int] | Sequence[dict[str, str]] | torch.Tensor


class Encoded(NamedTuple):
    """A text with its token ids (length,) and their tokens."""

    text: str
    ids: list[int]
    tokens: tuple[Token, ...]


@dataclass(frozen=True)
class ModelInput:
    """The inputs of a forward pass, and the tokens at its positions.

    Attributes
    ----------
    text
        The text that the tokens are parts of: of chat messages, the rendered conversation; of two
        sentences, both joined.
    inputs
        Keyword arguments of the model's forward, (1, length) each.
    tokens
        One for each position; in encoder-decoder models, of the decoder's side.
    source_tokens
        The tokens of the encoder's side; empty for other models.
    turns
        The turns of chat messages; empty for other texts.
    pair
        The second sentence, `None` without one.
    unmasked
        `tokens` before some were masked; empty where none was.
    """

    text: str
    inputs: dict[str, torch.Tensor]
    tokens: tuple[Token, ...]
    source_tokens: tuple[Token, ...]
    turns: chat.Turns
    pair: str | None
    unmasked: tuple[Token, ...] = ()


def as_list(text: Text) -> str | Sequence[int] | Sequence[dict[str, str]]:
    """Return a text as it is given, ids in a tensor as a list.

    Raises
    ------
    ValueError
        For the ids of more than one text.
    """
    import torch

    if not isinstance(text, torch.Tensor):
        return text
    if text.ndim > 2 or (text.ndim == 2 and len(text) != 1):
        raise ValueError(
            say("One text at a time: ids of shape {tuple} are more.", tuple=tuple(text.shape))
        )
    ids: list[int] = text.flatten().tolist()
    return ids


def prepare(
    model: nn.Module,
    tokenizer: PreTrainedTokenizerBase,
    text: Text,
    pair: str | None = None,
    target: str | Sequence[int] | None = None,
    *,
    name: str,
    context: int | None,
) -> ModelInput:
    """Encode a text and put its ids on the model's device.

    Parameters
    ----------
    model, tokenizer
        The model that runs on the inputs, and its tokenizer.
    text
        A text, token ids (a list, or a tensor with one row), or chat messages.
    pair
        A second sentence, for models that take two.
    target
        The decoder's side of encoder-decoder models, text or ids; by default only the token that
        decoding starts with.
    name
        The model's name, for messages of errors.
    context
        Greatest number of tokens, or `None` for no limit.

    Returns
    -------
    ModelInput
        Inputs, tokens and turns.

    Raises
    ------
    ValueError
        When there is no token, when there are more than `context`, for ids outside the
        vocabulary, and for what the model or tokenizer can't take: a second sentence beside ids
        or messages, messages without a chat template, a target without a decoder.
    TypeError
        For what is no text, no ids and no messages.
    """
    import torch

    text = as_list(text)
    if pair is not None and not isinstance(text, str):
        raise ValueError(
            say("A second sentence (pair=) goes with a text, not with ids or messages.")
        )
    vocabulary = vocabulary_size(model, tokenizer)
    limit = Limit(name, context)
    source, ids, tokens = encode(tokenizer, text, pair, vocabulary=vocabulary, limit=limit)
    if not ids:
        raise ValueError(say("The text is empty: the model needs at least one token to read."))
    device = main_device(model)
    inputs = {"input_ids": torch.tensor([ids], device=device)}
    if pair is not None:
        encoded = tokenizer(clean(str(text)), clean(pair), return_tensors="pt")
        if "token_type_ids" in encoded:
            inputs["token_type_ids"] = encoded["token_type_ids"].to(device)
    messages = _messages(text)
    turns = chat.turns(tokenizer, messages, source) if messages else chat.Turns()
    if not getattr(model.config, "is_encoder_decoder", False):
        if target is not None:
            raise ValueError(say("{name} has no decoder side: target= is not for it.", name=name))
        second = None if pair is None else clean(pair)
        return ModelInput(source, inputs, tokens, (), turns, second)
    start = _decoder_start(model)
    target_ids, target_tokens = _encode_target(tokenizer, target, start, vocabulary, limit)
    limit.check(target_ids)
    inputs["decoder_input_ids"] = torch.tensor([target_ids], device=device)
    return ModelInput(source, inputs, target_tokens, tokens, turns, None)


def encode(
    tokenizer: PreTrainedTokenizerBase,
    text: str | Sequence[int] | Sequence[dict[str, str]],
    pair: str | None = None,
    *,
    vocabulary: int | None = None,
    limit: Limit = NO_LIMIT,
) -> Encoded:
    """Encode a text, ids or chat messages.

    Parameters
    ----------
    tokenizer
        Of the model that the ids are for.
    text, pair
        As for `prepare`, but no tensor.
    vocabulary
        Its size: ids outside it are refused. Without it they aren't checked.
    limit
        The model's name, and how many tokens there may be.

    Returns
    -------
    Encoded
        The text that the tokens are parts of, ids and tokens.

    Raises
    ------
    ValueError
        For ids outside the vocabulary, for messages that the chat template can't take, and for too
        many tokens, before they are aligned with the text.
    TypeError
        For what is no text, no ids and no messages.
    """
    if isinstance(text, str):
        ids, tokens = tokenize(tokenizer, text, pair, limit=limit)
        return Encoded(clean(text) + clean(pair or ""), ids, tokens)
    if messages := _messages(text):
        if not getattr(tokenizer, "chat_template", None):
            raise ValueError(
                say(
                    "{name} has no chat template: it was not made for conversations. "
                    "Write the text out and trace that.",
                    name=limit.name,
                )
            )
        source = clean(chat.render(tokenizer, messages))
        ids, tokens = tokenize(tokenizer, source, add_special_tokens=False, limit=limit)
        return Encoded(source, ids, tokens)
    ids = _ids(text)
    limit.check(ids)
    if vocabulary is not None:
        check_ids(ids, vocabulary)
    tokens = from_ids(tokenizer, ids)
    return Encoded("".join(token.text for token in tokens), ids, tokens)


def one_token(tokenizer: PreTrainedTokenizerBase, token: str | int, vocabulary: int) -> int:
    """Return the id of one token, given as text or id; see `Scope.token_id`."""
    if not isinstance(token, str):
        found = index(token)
        check_ids([found], vocabulary)
        return found
    ids = tokenizer(clean(token), add_special_tokens=False)["input_ids"]
    if len(ids) != 1:
        pieces = " + ".join(repr(str(tokenizer.decode([one]))) for one in ids)
        raise ValueError(
            say(
                "{token!r} is {count} tokens ({value}): name one of them, as text "
                "or id. A word within a text mostly begins with a space.",
                token=token,
                count=len(ids),
                value=pieces or say("it is empty"),
            )
        )
    return int(ids[0])


def check_ids(ids: Sequence[int], vocabulary: int) -> None:
    """Raise ValueError for the first id that is outside a vocabulary of this size."""
    outside = next((i for i in ids if not 0 <= i < vocabulary), None)
    if outside is not None:
        raise ValueError(
            say(
                "Token id {outside} is outside the vocabulary (0 to {vocabulary:,}).",
                outside=outside,
                vocabulary=vocabulary - 1,
            )
        )


def vocabulary_size(model: nn.Module, tokenizer: PreTrainedTokenizerBase) -> int:
    """Return the number of token ids that the model has embeddings for."""
    return int(getattr(_text_config(model), "vocab_size", 0) or len(tokenizer))


def context_length(model: nn.Module) -> int | None:
    """Return the number of positions that a model has; `None` where it names no limit."""
    limit = getattr(_text_config(model), "max_position_embeddings", None)
    if not limit or limit < 0:
        return None
    for name, module in model.named_modules():
        # RoBERTa and models derived from it count positions from after the padding id.
        padding = getattr(module, "padding_idx", None)
        if name.endswith("position_embeddings") and padding is not None:
            return int(limit) - int(padding) - 1
    return int(limit)


def _text_config(model: nn.Module) -> Any:
    config: Any = model.config
    return config.get_text_config() if hasattr(config, "get_text_config") else config


def _messages(text: Text) -> list[dict[str, str]]:
    """Return the chat messages of `text`; an empty list for anything else."""
    if isinstance(text, Sequence) and all(isinstance(item, dict) for item in text):
        return [item for item in text if isinstance(item, dict)]
    return []


def _ids(given: Any) -> list[int]:
    """Return token ids; raise TypeError for what is neither these nor anything else to read."""
    try:
        return [index(item) for item in given]
    except TypeError:
        raise TypeError(
            f"{shorten(repr(given), 60)} is no text, no list of token ids, and no list of chat "
            'messages such as {"role": "user", "content": "Hello"}.'
        ) from None


def _decoder_start(model: nn.Module) -> int:
    """Return the id of the token that decoding starts with."""
    config: Any = model.config
    start = getattr(getattr(model, "generation_config", None), "decoder_start_token_id", None)
    if start is None:
        start = getattr(config, "decoder_start_token_id", None)
    return int(start if start is not None else config.pad_token_id or 0)


def _encode_target(
    tokenizer: PreTrainedTokenizerBase,
    target: str | Sequence[int] | None,
    start: int,
    vocabulary: int,
    limit: Limit,
) -> tuple[list[int], tuple[Token, ...]]:
    """Encode the decoder side, `start` first."""
    first = Token(start, "", str(tokenizer.convert_ids_to_tokens(start)), 0, 0, special=True)
    if not target:
        return [start], (first,)
    if isinstance(target, str):
        ids, tokens = tokenize_target(tokenizer, target, limit)
    else:
        ids = _ids(target)
        limit.check(ids)
        check_ids(ids, vocabulary)
        ids = ids[1:] if ids[0] == start else ids
        tokens = from_ids(tokenizer, ids)
    return [start, *ids], (first, *tokens)
