"""Apply a chat template, and map tokens to message roles."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from llmscope.text.tokens import clean
from llmscope.words import say

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from llmscope.text.tokens import Token

    Messages = Sequence[dict[str, str]]

_MARK = "\ue000\ue001"  # in the place of one message's content; no template trims or splits it
_MARKS = re.compile("\ue000([0-9]+)\ue001")  # after contents, with the number of the message


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

    Raises
    ------
    ValueError
        When a message has no role or no content, and when the template refuses the messages.
    """
    conversation: Any = list(messages)
    for number, message in enumerate(messages, start=1):
        if not isinstance(message.get("role"), str):
            raise ValueError(
                f'Message {number} has no role: {{"role": "user", "content": "Hello"}} has one.'
            )
        # What calls a tool needs no content.
        if message.get("content") is None and not message.keys() - {"role", "content"}:
            raise ValueError(f"Message {number}, of role {message['role']!r}, has no content.")
    try:
        text = tokenizer.apply_chat_template(
            conversation, tokenize=False, add_generation_prompt=add_generation_prompt
        )
    except Exception as error:  # whatever a template raises
        raise ValueError(
            say("The chat template refuses these messages: {error}", error=error)
        ) from error
    return str(text)


def turns(tokenizer: PreTrainedTokenizerBase, messages: Messages, text: str) -> Turns:
    """Find the turns in `text`, the output of `render` for `messages`.

    A template is a program that can't be parsed, so it is run again with a mark at the end of each
    message's content: marks that don't change the text show where contents end. Where they change
    it, each message gets a run of its own with a mark in the place of its content: the text after
    the mark doesn't change. A turn includes the markers that the template adds around the content.
    Text before the first message has the role "system" where the template adds a system message of
    its own, and no role otherwise; text after the last message is the assistant's.

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
    contents = _content_ends(tokenizer, messages, text)
    closings: dict[tuple[str, str | None], str] = {}  # by roles of a message and of the next one
    for number, message in enumerate(messages):
        end = contents.get(number)
        if end is None:
            end = _content_end(tokenizer, messages, number, text)
        if end is None or end < reached:
            return Turns(
                why_none=say(
                    "Message {number} can't be told from the others in what the chat template "
                    "writes, so no roles are shown.",
                    number=number + 1,
                )
            )
        role, content = message["role"], message["content"]
        blanks = content[len(content.rstrip()) :] if number in contents else ""
        following = messages[number + 1]["role"] if number + 1 < len(messages) else None
        if (role, following) not in closings:
            closings[role, following] = _closing(tokenizer, messages, number)
        reached = _turn_end(text, end, blanks, closings[role, following])
        ends.append((reached, role))
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


def _content_ends(
    tokenizer: PreTrainedTokenizerBase, messages: Messages, text: str
) -> dict[int, int]:
    """Return where contents end, by number of message; nothing where marks change the text.

    Blank contents have no mark, as templates ask whether there is any. White space at the end of a
    content comes after its mark, as templates trim it.
    """
    marked, numbers = [], []
    for number, message in enumerate(messages):
        content = message.get("content")
        if isinstance(content, str) and (bare := content.rstrip()):
            numbers.append(number)
            message = {**message, "content": f"{bare}\ue000{number}\ue001{content[len(bare) :]}"}
        marked.append(message)
    pieces = _MARKS.split(_rendered(tokenizer, marked, add_generation_prompt=True))
    if pieces[1::2] != [str(number) for number in numbers] or "".join(pieces[::2]) != text:
        return {}
    return dict(zip(numbers, accumulate(map(len, pieces[::2])), strict=False))


def _content_end(
    tokenizer: PreTrainedTokenizerBase, messages: Messages, number: int, text: str
) -> int | None:
    """Return where the content of one message ends; `None` where that can't be found."""
    if not isinstance(messages[number].get("content"), str):
        return None
    marked = {**messages[number], "content": _MARK}
    before, after = messages[:number], messages[number + 1 :]
    whole = _rendered(tokenizer, [*before, marked, *after], add_generation_prompt=True)
    rest = whole.partition(_MARK)[2]
    if whole.count(_MARK) != 1 or not text.endswith(rest):
        return None
    return len(text) - len(rest)


def _closing(tokenizer: PreTrainedTokenizerBase, messages: Messages, number: int) -> str:
    """Return what the template adds after the content of a message, if none follows."""
    marked = {**messages[number], "content": _MARK}
    return _rendered(tokenizer, [*messages[:number], marked]).partition(_MARK)[2]


def _turn_end(text: str, end: int, blanks: str, closing: str) -> int:
    """Return where the turn of a content ends, which `blanks` follow unless they were trimmed."""
    whole = end + len(blanks) if text.startswith(blanks, end) else end
    for place in (whole, end):
        if text.startswith(closing, place):
            return place + len(closing)
    return whole


def _rendered(
    tokenizer: PreTrainedTokenizerBase, messages: Messages, *, add_generation_prompt: bool = False
) -> str:
    """Apply the template; an empty string where it refuses these messages."""
    try:
        return clean(render(tokenizer, messages, add_generation_prompt=add_generation_prompt))
    except ValueError:
        return ""
