"""A two-layer, attention-only model whose weights are set by hand, so that its numbers are known.

Every feature is a pair of numbers (1, −1), so that layer norm changes nothing but the size. A
position holds four kinds of them: the token, the position, the token before (written by head 0·0)
and the prediction (written by head 1·0): what followed the last time that this token was there.
"""

from __future__ import annotations

from typing import Any

import torch
import transformers

TOKENS, POSITIONS, HEADS = 6, 8, 2
LOGIT = 5.0
SHARP = 60.0  # score of a key that matches; of all others 0

BOS, A, B, C = 0, 1, 2, 3
TEXT = [BOS, A, B, C, A]  # A was followed by B


def induction(tokens: int = TOKENS, positions: int = POSITIONS) -> Any:
    size = 2 * (3 * tokens + positions)
    position_at, before_at, predicted_at = tokens, tokens + positions, 2 * tokens + positions
    config = transformers.GPT2Config(
        vocab_size=tokens,
        n_positions=positions,
        n_embd=size,
        n_layer=2,
        n_head=HEADS,
        n_inner=4,
        tie_word_embeddings=False,
        bos_token_id=BOS,
        eos_token_id=BOS,
        layer_norm_epsilon=0.0,
    )

    def normed(features: float) -> float:
        """What layer norm divides by, where this many features have the size 1."""
        return float((2 * features / size) ** 0.5)

    model = transformers.GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        norms = [model.transformer.ln_f]
        for block in model.transformer.h:
            norms += [block.ln_1, block.ln_2]
        for norm in norms:
            norm.weight.fill_(1)
        for token in range(tokens):
            _set(model.transformer.wte.weight[token], token)
            _set(model.lm_head.weight[token], predicted_at + token, LOGIT * normed(4) / 2)
        for position in range(positions):
            _set(model.transformer.wpe.weight[position], position_at + position)
        first, second = (block.attn for block in model.transformer.h)
        for position in range(1, positions):
            here = position_at + position
            _match(first, normed(2), here, here - 1, position)
        for token in range(tokens):
            _move(first, normed(2), token, before_at + token, token)
            _match(second, normed(3), token, before_at + token, token)
            _move(second, normed(3), token, predicted_at + token, token)
    return model


def _set(row: torch.Tensor, feature: int, size: float = 1.0) -> None:
    row[2 * feature], row[2 * feature + 1] = size, -size


def _match(attention: Any, norm: float, query: int, key: int, channel: int) -> None:
    """Let head 0 look from what has one feature to what has another."""
    size = attention.embed_dim
    scale = (size / HEADS) ** 0.25 * SHARP**0.5 * norm / 2
    _set(attention.c_attn.weight[:, channel], query, scale)
    _set(attention.c_attn.weight[:, size + channel], key, scale)


def _move(attention: Any, norm: float, feature: int, to: int, channel: int) -> None:
    """Let head 0 write one feature where the other was."""
    _set(attention.c_attn.weight[:, 2 * attention.embed_dim + channel], feature, norm / 2)
    _set(attention.c_proj.weight[channel], to)
