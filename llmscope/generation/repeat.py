"""The Python call that repeats a generated text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from llmscope.text.prepare import Text

# Settings relative to the prompt length: a call that starts later would differ.
_FROM_PROMPT = {
    "min_new_tokens", "min_length", "max_length", "exponential_decay_length_penalty",
    "begin_suppress_tokens", "forced_bos_token_id", "forced_eos_token_id",
    "encoder_repetition_penalty", "max_time", "generation_config",
}  # fmt: skip


def repeating_call(
    text: Text,
    target: str | Sequence[int] | None,
    *,
    ids: list[int],
    new: int,
    after_forced: bool,
    configuration: tuple[int, Mapping[str, Any]] | None,
    has_encoder: bool,
) -> str:
    """Return a call of `Scope.generate` that repeats a text, or of `Scope.trace` with its ids.

    Parameters
    ----------
    text, target
        The prompt, as it was given.
    ids
        Token ids of the whole text; with an encoder, of the decoder's side.
    new
        Number of tokens at the end that the model chose.
    after_forced
        Whether a forced token comes before these.
    configuration
        Seed and settings that these were generated with; `None` for several of them.
    has_encoder
        Whether the model is an encoder-decoder.

    Returns
    -------
    str
        A call of `Scope.trace` where no call of `Scope.generate` gives the same.
    """
    begin: Any = text.tolist() if isinstance(text, torch.Tensor) else text
    seed, settings = configuration or (0, {})
    is_relative = after_forced and bool(_FROM_PROMPT & settings.keys())
    if configuration is None or not new or is_relative:
        return f"scope.trace({begin!r}, target={ids})" if has_encoder else f"scope.trace({ids})"
    given = {"seed": seed, **settings, "max_new_tokens": new}
    if has_encoder and (after_forced or target is not None):
        given = {"target": ids[: len(ids) - new], **given}
    elif after_forced:
        begin = ids[: len(ids) - new]
    given.pop("max_length", None)
    return f"scope.generate({begin!r}, {', '.join(f'{n}={v!r}' for n, v in given.items())})"
