"""Search of a tokenizer's vocabulary by the text of its tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmscope.tokens import labels, visible

if TYPE_CHECKING:
    from llmscope.scope import Scope

FOUND = 12  # tokens that a search returns


class Vocabulary:
    """All tokens of a model by label.

    Parameters
    ----------
    scope
        The model.
    """

    def __init__(self, scope: Scope) -> None:
        count = min(scope.facts.vocabulary, len(scope.tokenizer))
        self._labels = labels(scope.tokenizer, range(count))

    def search(self, text: str) -> dict[str, Any]:
        """Return the tokens that match best: equal ones, those that begin so, the rest.

        Parameters
        ----------
        text
            What labels contain, whatever the case.

        Returns
        -------
        dict
            ``ids`` and ``labels`` of at most `FOUND` tokens.
        """
        wanted = visible(text)
        bare, low = wanted.lstrip("·"), wanted.lower()

        def distance(label: str) -> tuple[bool, bool, int]:
            own = label.lstrip("·")
            return own != bare, not own.lower().startswith(bare.lower()), len(label)

        found = [
            (*distance(label), token_id)
            for token_id, label in enumerate(self._labels)
            if low in label.lower()
        ]
        ids = [token_id for *_, token_id in sorted(found)[:FOUND]]
        return {"ids": ids, "labels": [self._labels[token_id] for token_id in ids]}
