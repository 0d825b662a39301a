"""How much one client, and all that have one token, may ask of a server."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections import deque
from dataclasses import dataclass, field

from llmscope.remote.protocol import Busy
from llmscope.words import refused, say

_MINUTE = 60.0
_LARGE = 4  # answers of one client at once that may be large


@dataclass(frozen=True)
class Limits:
    """What a server takes.

    Attributes
    ----------
    text
        Characters of a text, with its second sentence and its target.
    tokens_a_minute
        Tokens of texts that one client has read in a minute, and tokens that it has generated.
    tokens_of_all
        The same, of all clients with one token.
    streams
        Answers that one client waits for at once.
    clients
        Clients that may be connected at once with one token.
    waiting
        Answers that all wait for at once, from which on what is new is refused.
    """

    text: int = 40_000
    tokens_a_minute: int = 60_000
    tokens_of_all: int = 2_000_000
    streams: int = 64
    clients: int = 100
    waiting: int = 1000


@dataclass(frozen=True)
class Tokens:
    """The two tokens of a server.

    Attributes
    ----------
    owner
        For whoever started it, and leads a class.
    room
        For the class.
    """

    owner: str
    room: str

    def role(self, header: str | None) -> str | None:
        """Return "owner" or "room", by an Authorization header; `None` for neither."""
        kind, _, given = (header or "").partition(" ")
        found = None
        # Both are compared, so that no time tells which one was nearly right.
        for role, token in (("owner", self.owner), ("room", self.room)):
            if hmac.compare_digest(given.strip().encode(), token.encode()):
                found = role
        return found if kind.lower() == "bearer" else None


@dataclass
class Client:
    """One client, by its own number; it may come back after its connection was lost.

    Attributes
    ----------
    person
        Its token's role and its number.
    role
        "owner" or "room".
    sockets
        How many connections it has.
    streams
        Answers that it waits for.
    large
        Held while one that may be large is computed and sent.
    """

    person: str
    role: str
    sockets: int = 0
    streams: int = 0
    large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_LARGE))
    _spent: deque[tuple[float, int]] = field(default_factory=deque)
    _total: int = 0

    def spend(self, tokens: int, most: int) -> None:
        """Count tokens, of which there may be so many in a minute.

        Raises
        ------
        Busy
            When these are too many for a minute.
        ValueError
            When no minute has as many.
        """
        now = time.monotonic()
        if tokens > most:
            raise refused(
                "That is {tokens:,} tokens, and the server gives {most:,} in a minute.",
                tokens=tokens,
                most=most,
            )
        while self._spent and self._spent[0][0] < now - _MINUTE:
            self._total -= self._spent.popleft()[1]
        over = self._total + tokens - most
        for at, count in self._spent:
            if over <= 0:
                break
            over -= count
            again = at + _MINUTE - now
            if over <= 0:
                raise Busy(
                    say(
                        "That is more than {most:,} tokens in a minute, which is what the server "
                        "gives.",
                        most=most,
                    ),
                    again,
                )
        self._spent.append((now, tokens))
        self._total += tokens
