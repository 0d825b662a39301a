"""One text through several tokenizers, as a page shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.kernel.summary import utf16
from llmscope.text.samples import SAMPLES
from llmscope.text.side_by_side import SideBySide, side_by_side

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from llmscope.kernel.requests import Part, Tokenizers

MOST_COLUMNS = 1000  # that a page shows


class TokenizersHandler:
    """Answers what a view of tokenizers asks.

    Parameters
    ----------
    tokenizers
        By name.
    """

    def __init__(self, tokenizers: Mapping[str, PreTrainedTokenizerBase]) -> None:
        self.tokenizers = tokenizers

    def __call__(self, request: Tokenizers, _cancelled: Callable[[], bool]) -> Iterator[Part]:
        """Yield the one part of the answer."""
        found = side_by_side(request.input, self.tokenizers)
        columns = found.columns[:MOST_COLUMNS]
        yield {
            "characters": len(found.text),
            "bytes": len(found.text.encode()),
            "columns": np.array(utf16(found.text, columns), np.int32).reshape(-1, 2),
            "left_out": len(found.columns) - len(columns),
            "rows": [self._row(name, found, len(columns)) for name in self.tokenizers],
            "samples": self._samples,
        }

    def _row(self, name: str, found: SideBySide, columns: int) -> dict[str, Any]:
        vocabulary = len(self.tokenizers[name])
        if name in found.refused:
            return {"name": name, "vocabulary": vocabulary, "refused": found.refused[name]}
        counts = found.counts(name)[:columns]
        tokens = found.tokens[name]
        shown = tokens[: sum(counts)]
        return {
            "name": name,
            "vocabulary": vocabulary,
            "tokens": len(tokens),
            "counts": counts,
            "unknown": found.unknown(name),
            "ids": [token.id for token in shown],
            "labels": [token.label for token in shown],
        }

    @cached_property
    def _samples(self) -> list[dict[str, Any]]:
        samples = []
        for name, text in SAMPLES.items():
            found = side_by_side(text, self.tokenizers)
            counts = [
                [len(found.tokens[one]), len(found.unknown(one))] if one in found.tokens else None
                for one in self.tokenizers
            ]
            samples.append({"name": name, "text": text, "tokens": counts, "characters": len(text)})
        return samples
