"""How well a model predicts a text: what each token surprises it, by rolling windows."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.capture import NEVER, Cancel, Cancelled
from llmscope.text import tokenize
from llmscope.text.prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch
    from numpy.typing import NDArray

    from llmscope.scope import Scope

NO_LIMIT = 2_048  # tokens of a window of models that name no context, as in lm-eval
KEPT_TOKENS = 400  # of each text, whose surprisal is kept
_MASKED_AT_ONCE = 16  # copies of a text, each with another token masked


@dataclass
class TextScore:
    """What one model says of one text.

    Attributes
    ----------
    tokens
        Number of tokens, without those that the tokenizer adds around.
    windows
        How many windows it was read in: more than 1 where it is longer than the context.
    bits
        −log₂ of the text's probability, its first token predicted from the one that begins texts;
        `None` where there is no such number.
    surprisal
        Sum over `predicted` tokens of −ln p, of all but the first; in a masked model, of each
        token while it is masked.
    predicted, correct
        How many tokens that is, and how many of them were the likeliest.
    labels, each
        The first tokens as they are shown, and −log₂ p of each; `None` where it isn't predicted.
    """

    tokens: int
    windows: int = 1
    bits: float | None = None
    surprisal: float = 0.0
    predicted: int = 0
    correct: int = 0
    labels: list[str] = field(default_factory=list)
    each: list[float | None] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the fields, for JSON."""
        return asdict(self)


def context_of(scope: Scope, window: int | None) -> int:
    """Return how many tokens are read at once, at most `window`."""
    return min(scope.facts.context or NO_LIMIT, window or 2**31)


def score(
    scope: Scope, text: str, window: int | None = None, cancelled: Cancel = NEVER
) -> TextScore:
    """Let a model predict a text, in windows of at most `window` tokens.

    Raises
    ------
    ValueError
        For models that neither predict the next token nor a masked one.
    Cancelled
        When nobody waits any more.
    """
    family = scope.facts.family
    if family == "masked":
        return _score_masked(scope, text, context_of(scope, window), cancelled)
    if family != "causal":
        raise ValueError(
            f"{scope.name} predicts no running text ({family}): it has tasks, size and speed."
        )
    return _score_causal(scope, text, context_of(scope, window), cancelled)


# ── models that predict the next token ──────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Window:
    """Part of a text that is read at once: ids from `start` to `stop`, of which some are scored.

    `first` is the first that is scored, and may be predicted from the last one that is read: id
    number `stop` itself is only predicted.
    """

    start: int
    stop: int
    first: int


def rolling(count: int, context: int) -> Iterator[Window]:
    """Yield windows over `count` ids, the first of which is given and all others predicted once.

    They are lm-eval's: each reads `context` tokens at most. The first predicts as many as fit; each
    further one predicts the next `context` from the one token before them, and the last, which has
    fewer to predict, reads as many before them as fit.
    """
    done = 0
    while done < count - 1:
        size = min(context, count - 1 - done)
        end = done + size  # the last id that is predicted
        start = max(0, end - context) if size < context else done
        yield Window(start, end, done + 1)
        done = end


def _score_causal(scope: Scope, text: str, context: int, cancelled: Cancel) -> TextScore:
    tokenizer: Any = scope.tokenizer
    ids: list[int] = tokenizer.encode(text)
    if not ids:
        return TextScore(0)
    own = len(tokenizer.encode(text, add_special_tokens=False))
    parts = list(rolling(len(ids), context))
    found = TextScore(own, windows=max(1, len(parts)))
    logprobs, is_best = _predicted(scope, ids, parts, cancelled)
    found.predicted, found.correct = len(ids) - 1, int(is_best.sum())
    found.surprisal = float(-logprobs[1:].sum())
    found.labels = [token.label for token in tokenize(tokenizer, text)[1][:KEPT_TOKENS]]
    found.each = [None, *_bits(logprobs[1:KEPT_TOKENS])]
    begin = tokenizer.bos_token_id
    begin = tokenizer.eos_token_id if begin is None else begin
    if begin is not None:
        given = [int(begin), *ids]
        from_begin, _ = _predicted(scope, given, list(rolling(len(given), context)), cancelled)
        found.bits = float(-from_begin[1:].sum() / np.log(2))
    return found


def _predicted(
    scope: Scope, ids: Sequence[int], windows: Sequence[Window], cancelled: Cancel
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return of each id (count,) its log-probability, and whether it was the likeliest."""
    logprobs = np.full(len(ids), np.nan)
    is_best = np.zeros(len(ids), dtype=np.bool_)
    for window in windows:
        trace = scope.trace(list(ids[window.start : window.stop]), cancelled=cancelled)
        inside = slice(window.first, window.stop)
        here = slice(window.first - window.start, window.stop - window.start)
        if window.first < window.stop:
            logprobs[inside] = trace.logprobs[here]
            is_best[inside] = trace.ranks[here] == 0
        last = trace.logits_at(-1).astype(np.float64)  # (vocabulary,)
        own = last[ids[window.stop]]
        top = last.max()
        logprobs[window.stop] = own - top - np.log(np.exp(last - top).sum())
        is_best[window.stop] = not (last > own).any()
    return logprobs, is_best


# ── models that predict a masked token ──────────────────────────────────────────────────────────


def _score_masked(scope: Scope, text: str, context: int, cancelled: Cancel) -> TextScore:
    """Mask each token in turn [1]_.

    References
    ----------
    .. [1] Salazar et al., "Masked Language Model Scoring", ACL 2020.
    """
    tokenizer: Any = scope.tokenizer
    mask = tokenizer.mask_token_id
    if mask is None:
        raise ValueError(f"{scope.name} has no mask token: nothing can be masked.")
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False)
    around: list[int] = tokenizer.encode("")
    lead = next((n for n, one in enumerate(around) if one == tokenizer.sep_token_id), len(around))
    room = context - len(around)
    if room < 1:
        raise ValueError(f"A window of {context} tokens has no room for a text in {scope.name}.")
    found = TextScore(len(ids), windows=0)
    logprobs = np.full(len(ids), np.nan)
    for start in range(0, len(ids), room):
        part = ids[start : start + room]
        whole = [*around[:lead], *part, *around[lead:]]
        places = list(range(lead, lead + len(part)))
        for first in range(0, len(places), _MASKED_AT_ONCE):
            some = places[first : first + _MASKED_AT_ONCE]
            scores, best = _masked_at(scope, whole, some, int(mask), cancelled)
            at = start + first
            logprobs[at : at + len(some)] = scores
            found.correct += best
        found.windows += 1
    found.windows = max(1, found.windows)
    found.predicted = len(ids)
    found.surprisal = float(-logprobs.sum())
    tokens = tokenize(tokenizer, text, add_special_tokens=False)[1]
    found.labels = [token.label for token in tokens[:KEPT_TOKENS]]
    found.each = list(_bits(logprobs[:KEPT_TOKENS]))
    return found


def _masked_at(
    scope: Scope, ids: list[int], places: list[int], mask: int, cancelled: Cancel
) -> tuple[NDArray[np.float64], int]:
    """Return log-probabilities (places,), each token masked in a copy; and how many are likeliest.

    Raises
    ------
    Cancelled
        When nobody waits any more.
    """
    import torch

    if cancelled():
        raise Cancelled
    name, context = scope.name, scope.facts.context
    inputs = prepare(scope.model, scope.tokenizer, ids, name=name, context=context).inputs
    copies = inputs["input_ids"].repeat(len(places), 1)  # (places, positions)
    rows = torch.arange(len(places), device=copies.device)
    at = torch.tensor(places, device=copies.device)
    own = copies[rows, at]
    copies[rows, at] = mask

    def run() -> torch.Tensor:
        logits: torch.Tensor = scope.model(input_ids=copies).logits
        return logits[rows, at].float()

    logits = scope.runner_for(inputs).undisturbed(run)  # (places, vocabulary)
    chosen = logits.log_softmax(-1)[rows, own]
    best = (logits > logits[rows, own][:, None]).sum(1) == 0
    return chosen.double().cpu().numpy(), int(best.sum())


def _bits(logprobs: NDArray[np.float64]) -> Iterator[float]:
    """Yield −log₂ p of each, to four digits."""
    for one in logprobs:
        yield round(float(-one / np.log(2)), 4) + 0.0
