"""The part of a comparison that is about the head: the next token, the chain of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from llmscope.analysis.comparison import (
    NextTextDifference,
    NextTokenDifference,
    Side,
    read_next_text,
)
from llmscope.text import labels
from llmscope.words import later, refused

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llmscope.text import AlignedTokens
    from llmscope.trace import Trace

NATS = float(np.log(2))  # in a bit


class ComparisonHead:
    """What the language-model heads of two traces, A and B, say.

    Attributes
    ----------
    a, b
        The traces.
    same_vocabulary
        Whether both have the same tokens under the same ids.
    """

    a: Trace
    b: Trace
    same_vocabulary: bool

    @property
    def tokens(self) -> tuple[AlignedTokens, ...]:
        """The rows: all tokens of A and B side by side."""
        raise NotImplementedError

    @property
    def same_logits(self) -> bool:
        """Whether both give logits to the same tokens under the same ids."""
        sizes = {trace.scope.facts.vocabulary for trace in (self.a, self.b)}
        return self.same_vocabulary and len(sizes) == 1

    @cached_property
    def next_token(self) -> NextTokenDifference | NextTextDifference:
        """What both say of what comes after the text: see `next_token_at`."""
        return self.next_token_at(-1)

    def next_token_at(self, row: int) -> NextTokenDifference | NextTextDifference:
        """Return what both say comes next, where each has read up to a row of `tokens`.

        Parameters
        ----------
        row
            Index of a row; -1 is the last one. Where the texts are the same, it is the position of
            a token. What a model predicts is that at its last token so far.

        Returns
        -------
        NextTokenDifference or NextTextDifference
            Of models with one vocabulary: logits and probabilities of both, Kullback-Leibler
            divergence both ways, total variation, and which tokens gain and lose most. Of others
            the same over the texts of their likeliest tokens, never id by id.

        Raises
        ------
        IndexError
            When there is no such row.
        ValueError
            For models without a language-model head, for a masked model beside one that predicts
            the next token, and where a text has no token so far.
        """
        one, other = self._ends(row)
        if self.same_logits:
            tokenizer = self.a.scope.tokenizer
            return NextTokenDifference(
                self.a.logits_at(one),
                self.b.logits_at(other),
                lambda ids: labels(tokenizer, ids),
            )
        self.check_current()
        return read_next_text(_side(self.a, one), _side(self.b, other))

    def _ends(self, row: int) -> tuple[int, int]:
        """Return the last position of A and of B up to a row."""
        rows = self.tokens
        if not -len(rows) <= row < len(rows):
            raise IndexError(f"There is no row {row}: the two texts have {len(rows)} rows.")
        here = rows[row]
        masked = [trace.scope.facts.family == "masked" for trace in (self.a, self.b)]
        if masked[0] != masked[1]:
            names = (self.a.scope.name, self.b.scope.name)
            one, other = names if masked[0] else names[::-1]
            raise refused(
                "{one} is a masked model, {other} predicts the token that comes next: what they "
                "predict isn't compared.",
                one=one,
                other=other,
            )
        if not (here.a and here.b) and (masked[0] or not (here.a.stop and here.b.stop)):
            lacks = "B" if here.a else "A"
            which = (
                later("Text {lacks} has no token in row {row}, and none before."),
                later(
                    "Text {lacks} has no token in row {row}, where a masked model would predict."
                ),
            )
            raise refused(which[masked[0]], lacks=lacks, row=row)
        return here.a.stop - 1, here.b.stop - 1

    @property
    def logprobs(self) -> NDArray[np.float32]:
        """Log-probability of each row's tokens in A less that in B: (rows,), in nats.

        The chain rule: where the texts are the same, their sum is by how much the text is likelier
        in A. NaN where one side has no token, and where a side's first token is, before which
        nothing came. Raises as `Trace.logprobs`.
        """
        one, other = self.both_logprobs
        found: NDArray[np.float32] = one - other
        return found

    @property
    def both_logprobs(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Log-probability of the tokens of each row, in A and in B: (rows,) each, in nats.

        The sum of a row's tokens; NaN where there are none, and for the first of a text. Raises as
        `Trace.logprobs`.
        """
        a, b = self.a.logprobs, self.b.logprobs
        return _sums(a, [row.a for row in self.tokens]), _sums(b, [row.b for row in self.tokens])

    @property
    def surprisal(self) -> NDArray[np.float32]:
        """By how much the tokens of each row are more surprising in A than in B: (rows,), in bits.

        −log₂ of their probability in A less that in B: above 0, A expected them less. NaN where
        `logprobs` is.
        """
        found: NDArray[np.float32] = self.logprobs / np.float32(-NATS)
        return found

    def check_current(self) -> None:
        """Raise RuntimeError when a model was changed after its trace was made."""
        self.a.check_current()
        self.b.check_current()


def _sums(values: NDArray[np.float32], parts: Sequence[range]) -> NDArray[np.float32]:
    """Return the sum of each part, NaN for an empty one."""
    sums = [values[part.start : part.stop].sum() if part else np.nan for part in parts]
    return np.array(sums, dtype=np.float32)


def _side(trace: Trace, position: int) -> Side:
    facts = trace.scope.facts
    goes_on = facts.family != "masked"
    return Side(trace.recording, trace.scope.tokenizer, position, goes_on, facts.context)
