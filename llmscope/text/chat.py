"""Apply a chat template, and map tokens to message roles."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from llmscope.text.tokens import Token

    Messages = Sequence[dict[str, str]]

_MARK = "\ue000\ue001"  # in the place of one message's content; no template trims or splits it


@dataclass(frozen=True)
class Turns:
    """Where the turns of a rendered conversation end.

    Attributes
    ----------
    ends
        (end in characters, role) in the order of the text; the role is `None` for text of no turn.
    why_none
        Why no turns could be found, in words.
    """

    ends: tuple[tuple[int, str | None], ...] = ()
    why_none: str | None = None

    def roles(self, tokens: Sequence[Token]) -> tuple[str | None, ...]:
        """Return the role in whose turn each token begins (length,); empty without turns."""
        if not self.ends:
            return ()
        ends = [end for end, _ in self.ends]
        last = len(ends) - 1
        return tuple(self.ends[min(bisect_right(ends, t.start), last)][1] for t in tokens)


def render(
    tokenizer: PreTrainedTokenizerBase, messages: Messages, *, add_generation_prompt: bool = True
) -> str:
    """Apply the tokenizer's chat template.

    Parameters
    ----------
    tokenizer
        A tokenizer with a chat template.
    messages
        Dictionaries with a "role" and a "content".
    add_generation_prompt
        Whether the text ends with the beginning of the assistant's turn.

    Returns
    -------
    str
        The text of the conversation.
    """
    conversation: Any = list(messages)
    return str(
        tokenizer.apply_chat_template(
            conversation, tokenize=False, add_generation_prompt=add_generation_prompt
        )
    )


def turns(tokenizer: PreTrainedTokenizerBase, messages: Messages, text: str) -> Turns:
    """Find the turns in `text`, the output of `render` for `messages`.

    A template is a program that can't be parsed, so it is run again with a mark in the place of
    each message's content: the text after the mark doesn't change, and shows where the content
    ends. A turn includes the markers that the template adds around the content. Text before the
    first message has the role "system" where the template adds a system message of its own, and
    no role otherwise; text after the last message is the assistant's.

    Parameters
    ----------
    tokenizer
        A tokenizer with a chat template.
    messages
        The messages.
    text
        The rendered conversation.

    Returns
    -------
    Turns
        Where each turn ends, or why that can't be found.
    """
    begin = _opened(tokenizer, messages, text)
    ends: list[tuple[int, str | None]] = [begin] if begin else []
    reached = begin[0] if begin else 0
    for number, message in enumerate(messages):
        found = _message_ends(tokenizer, messages, number, text)
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
    """Return end and role of the text that the template adds before the first message."""
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


def _message_ends(
    tokenizer: PreTrainedTokenizerBase, messages: Messages, number: int, text: str
) -> tuple[int, int] | None:
    """Return where the content of one message ends, and where its turn does."""
    if not isinstance(messages[number].get("content"), str):
        return None
    marked = {**messages[number], "content": _MARK}
    before, after = list(messages[:number]), messages[number + 1 :]
    whole = _rendered(tokenizer, [*before, marked, *after], add_generation_prompt=True)
    rest = whole.partition(_MARK)[2]
    if whole.count(_MARK) != 1 or not text.endswith(rest):
        return None
    end = len(text) - len(rest)
    closing = _rendered(tokenizer, [*before, marked]).partition(_MARK)[2]
    return end, end + (len(closing) if rest.startswith(closing) else 0)


def _rendered(
    tokenizer: PreTrainedTokenizerBase, messages: Messages, *, add_generation_prompt: bool = False
) -> str:
    """Apply the template; an empty string where it refuses these messages."""
    try:
        return render(tokenizer, messages, add_generation_prompt=add_generation_prompt)
    except Exception:  # whatever a template raises
        return ""
