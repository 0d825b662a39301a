"""One text through several tokenizers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from llmscope.extras import data_frame
from llmscope.kernel import requests as ask
from llmscope.kernel.tokenizers import TokenizersHandler
from llmscope.text.side_by_side import side_by_side
from llmscope.views.base import View

if TYPE_CHECKING:
    import pandas as pd
    from transformers import PreTrainedTokenizerBase

    from llmscope.kernel.handlers import Answers
    from llmscope.scope import Scope
    from llmscope.text import Token
    from llmscope.text.side_by_side import SideBySide

    Given = PreTrainedTokenizerBase | Scope | str | os.PathLike[str]

MOST = 8  # tokenizers, told apart at a glance


class TokenizersView(View):
    """One text through several tokenizers, piece under piece; no model is needed.

    Parameters
    ----------
    text
        What is cut at first; it can be edited in the view.
    tokenizers
        At most eight: tokenizers of transformers, scopes, names as for `llmscope.load` (of which
        only the tokenizer is loaded), or a mapping of such by the names that are shown.
    **traits
        First values of traits, those of `View`; of these only ``text`` and ``lecture`` count here.

    Raises
    ------
    ValueError
        Without tokenizers, or with too many.
    TypeError
        For anything else in their place.

    Examples
    --------
    >>> view = llmscope.TokenizersView("A tiny model", [scope.tokenizer])
    >>> [token.text for (tokens,) in [view.tokens.values()] for token in tokens]
    ['A', ' tiny', ' model']
    """

    def __init__(
        self,
        text: str = "",
        tokenizers: Iterable[Given] | Mapping[str, Given] = (),
        **traits: Any,
    ) -> None:
        self._tokenizers = _named(tokenizers)
        answers: Answers = {ask.Tokenizers: TokenizersHandler(self._tokenizers)}
        super().__init__(
            None, text, answers=answers, _panels=["tokenizers"], _editable=True, **traits
        )

    @property
    def tokens(self) -> dict[str, tuple[Token, ...]]:
        """By the tokenizer's name, the tokens of the text on screen."""
        return self._cut().tokens

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with a row for each tokenizer.

        Returns
        -------
        DataFrame
            By name: tokens of the text on screen, characters and UTF-8 bytes for each token, and
            the length of the vocabulary.

        Raises
        ------
        ModuleNotFoundError
            When pandas is not installed.
        """
        table = data_frame("to_pandas")
        found = self._cut()
        rows = {
            name: {
                "tokens": len(tokens),
                "characters_per_token": len(found.text) / max(1, len(tokens)),
                "bytes_per_token": len(found.text.encode()) / max(1, len(tokens)),
                "vocabulary": len(self._tokenizers[name]),
            }
            for name, tokens in found.tokens.items()
        }
        return table.from_dict(rows, orient="index").rename_axis("tokenizer")

    def close(self) -> None:
        """End the widget, and its hold on the tokenizers."""
        super().close()
        self._tokenizers = {}

    def _cut(self) -> SideBySide:
        return side_by_side(self.text, self._tokenizers)

    def __repr__(self) -> str:
        return f"<TokenizersView {', '.join(self._tokenizers)}: {self.text!r}>"


def _named(given: Iterable[Given] | Mapping[str, Given]) -> dict[str, PreTrainedTokenizerBase]:
    """Return tokenizers by the names that are shown, each name once."""
    if isinstance(given, str | os.PathLike):
        given = [given]
    pairs = [*given.items()] if isinstance(given, Mapping) else [(None, one) for one in given]
    if not 0 < len(pairs) <= MOST:
        raise ValueError(
            f"A view shows 1 to {MOST} tokenizers, not {len(pairs)}: "
            "TokenizersView(text, [one, other])."
        )
    found: dict[str, PreTrainedTokenizerBase] = {}
    for name, one in pairs:
        tokenizer, title = _tokenizer(one)
        named = wanted = name or title
        number = 1
        while named in found:
            number += 1
            named = f"{wanted} ({number})"
        found[named] = tokenizer
    return found


def _tokenizer(given: Given) -> tuple[PreTrainedTokenizerBase, str]:
    from transformers import PreTrainedTokenizerBase

    from llmscope.loading import load_tokenizer
    from llmscope.scope import Scope

    if isinstance(given, Scope):
        return given.tokenizer, given.name
    if isinstance(given, str | os.PathLike):
        return load_tokenizer(given)
    if isinstance(given, PreTrainedTokenizerBase):
        path = str(given.name_or_path).rstrip("/\\").replace("\\", "/")
        return given, path.rpartition("/")[2] or type(given).__name__
    raise TypeError(f"A tokenizer of transformers, a scope or a name is shown, not {given!r:.60}.")
