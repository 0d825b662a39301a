"""What a server recorded of a text that it generated, step by step, read when it is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from llmscope.sampling import Distribution

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from llmscope.remote.asked import Asked


class RemoteRecord:
    """Sequences that a server generated, in the place of a `DecodingRecord`.

    Parameters
    ----------
    asked
        The model.
    made_by
        What had it generate: its name, by which any replica can make it anew.
    found
        What the server answered.
    """

    def __init__(self, asked: Asked, made_by: dict[str, Any], found: dict[str, Any]) -> None:
        scores = found["scores"]
        self.sequences = torch.from_numpy(found["sequences"])
        self.lengths: list[int] = found["lengths"]
        self.prompt_length: int = found["prompt_length"]
        self.beam_scores = None if scores is None else torch.from_numpy(scores)
        self.interrupted: bool = found["interrupted"]
        self.made_by = made_by
        self._model = asked

    def ids(self, sequence: int) -> list[int]:
        """Return the token ids of one sequence, without padding."""
        end = self.prompt_length + self.lengths[sequence]
        ids: list[int] = self.sequences[sequence, :end].tolist()
        return ids

    def logits_at(self, sequence: int, step: int) -> torch.Tensor:
        """Return the logits (vocabulary,) that a token of a sequence was chosen from."""
        return torch.from_numpy(self._asked("logits", sequence, step))

    def distribution(
        self, sequence: int, step: int, tokenizer: PreTrainedTokenizerBase
    ) -> Distribution:
        """Return the distribution that a token of a sequence was chosen from."""
        logits, base, stages = self._asked("distribution", sequence, step)
        return Distribution(logits, base, stages, tokenizer)

    def _asked(self, what: str, *args: int) -> Any:
        message = {**self.made_by, "do": "run", "what": what, "args": list(args)}
        return self._model.read(message)


def inputs_of(found: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Return what the model was called with, of what a server answered."""
    inputs = {"input_ids": torch.tensor([found["begin"]])}
    if found["has_encoder"]:
        start = found["sequences"][:1, : found["prompt_length"]]
        inputs["decoder_input_ids"] = torch.from_numpy(start.copy())
    return inputs
