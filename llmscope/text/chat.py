"""Chat messages: the text that a template makes of them, and whose turn each part of it is."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from llmscope.text.tokens import Token

    Messages = Sequence[dict[str, str]]

_MARK = "\ue000\ue001"  # stands for the words of one message; nothing trims or splits it


@dataclass(frozen=True)
class Turns:
    """Where the turns of a rendered conversation end.

    Attributes
    ----------
    ends
        (end, role) in the order of the text, in characters; `None` is nobody's.
    why_none
        Why they can't be told, in words.
    """

    ends: tuple[tuple[int, str | None], ...] = ()
    why_none: str | None = None

    def roles(self, tokens: Sequence[Token]) -> tuple[str | None, ...]:
        """Give the role in whose turn each token begins."""
        if not self.ends:
            return ()
        ends = [end for end, _ in self.ends]
        last = len(ends) - 1
        return tuple(self.ends[min(bisect_right(ends, t.start), last)][1] for t in tokens)


def render(
    tokenizer: PreTrainedTokenizerBase, messages: Messages, *, add_generation_prompt: bool = True
) -> str:
    """Write messages out as the tokenizer's chat template does."""
    conversation: Any = list(messages)
    return str(
        tokenizer.apply_chat_template(
            conversation, tokenize=False, add_generation_prompt=add_generation_prompt
        )
    )


def turns(tokenizer: PreTrainedTokenizerBase, messages: Messages, text: str) -> Turns:
    """Find the turns in `text`, which is what `render` made of `messages`.

    A template is a program, so nothing is read from it: it is run with other words in the place
    of each message, and what stays the same behind them tells where they end. A turn holds what
    the template puts around its words. What it puts before the first message is of the role
    "system" where it stands in the place of such a message, and nobody's otherwise; what it puts
    behind the last is the assistant's.
    """
    begin = _opened(tokenizer, messages, text)
    ends: list[tuple[int, str | None]] = [begin] if begin else []
    reached = begin[0] if begin else 0
    for number, message in enumerate(messages):
        found = _found(tokenizer, messages, number, text)
        if found is None or found[0] < reached:
            what = f"Message {number + 1} can't be told from the others in what the chat template"
            return Turns(why_none=f"{what} writes, so no roles are shown.")
        reached = found[1]
        ends.append((reached, message["role"]))
    if reached < len(text):
        ends.append((len(text), "assistant"))
    return Turns(tuple(ends))


def _opened(
    tokenizer: PreTrainedTokenizerBase, messages: Messages, text: str
) -> tuple[int, str | None] | None:
    """Find what the template puts before the first message of its own accord."""
    bos = tokenizer.bos_token
    start = len(bos) if bos and text.startswith(bos) else 0
    if messages[0].get("role") != "system":
        system = {"role": "system", "content": _MARK}
        opened = _rendered(tokenizer, [system])
        whole = _rendered(tokenizer, [system, *messages], add_generation_prompt=True)
        if opened.count(_MARK) == 1 and whole.startswith(opened):
            head, rest = opened.partition(_MARK)[0], whole[len(opened) :]
            end = len(text) - len(rest)
            if text.endswith(rest) and text.startswith(head) and end > max(len(head), start):
                return end, "system"
    return (start, None) if start else None


def _found(
    tokenizer: PreTrainedTokenizerBase, messages: Messages, number: int, text: str
) -> tuple[int, int] | None:
    """Find where the words of one message end, and where its turn does."""
    if not isinstance(messages[number].get("content"), str):
        return None
    marked = {**messages[number], "content": _MARK}
    before, behind = list(messages[:number]), messages[number + 1 :]
    whole = _rendered(tokenizer, [*before, marked, *behind], add_generation_prompt=True)
    rest = whole.partition(_MARK)[2]
    if whole.count(_MARK) != 1 or not text.endswith(rest):
        return None
    end = len(text) - len(rest)
    closing = _rendered(tokenizer, [*before, marked]).partition(_MARK)[2]
    return end, end + (len(closing) if rest.startswith(closing) else 0)


def _rendered(
    tokenizer: PreTrainedTokenizerBase, messages: Messages, *, add_generation_prompt: bool = False
) -> str:
    """Render; nothing where the template refuses these messages."""
    try:
        return render(tokenizer, messages, add_generation_prompt=add_generation_prompt)
    except Exception:  # whatever a template raises
        return ""
