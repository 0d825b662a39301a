"""What crosses the wire between a notebook and a server: version, messages, errors.

``GET /v1`` describes the server; ``GET /v1/tokenizer/{model}`` returns a tokenizer's files; both
are frames (`llmscope.remote.values`). All else goes over one WebSocket, ``/v1/socket``. A client
sends frames: ``{"ask": number, "model": name, "do": …, …}``, or ``{"cancel": number}``. A server
sends what `pieces` makes: the kind of reply, the number, and a frame: parts, and the end; or an
error in words, of a kind, perhaps with the seconds after which to try again. A large frame comes in
pieces, of which all but the last are of a kind of their own. A client tells how
many bytes it has read, ``{"heard": bytes}``, at least once every few megabytes: a server sends no
more to one that doesn't, and ends such a connection.

A room is a view that others follow: ``{"lead": room, "state": {trait: value}}`` takes the owner's
token; ``{"follow": room}`` and ``{"unfollow": room}`` take any, and who follows is sent the present
state, and each new one, as ``{"room": room, "state": …}``.

Each request carries the token as ``Authorization: Bearer …``, and the client's own number as
``X-Llmscope-Client``, by which a connection that was lost goes on.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from llmscope.capture import Cancelled
from llmscope.kernel.requests import FIRST, LAST, LATER, SOON, RequestError
from llmscope.remote.values import FrameError, packed, unpacked
from llmscope.words import ENGLISH, LANGUAGES, say

VERSION = 1
CLIENT = "X-Llmscope-Client"
LONGEST = 4 * 2**20  # bytes of a message to a server

PART, DONE, ERROR, ROOM = b"P", b"D", b"E", b"R"
MORE = b"M"  # the beginning of a frame, of which the rest follows
_PIECE = 2**20  # bytes
_HEAD = struct.Struct("<cQ")

_ERRORS: dict[str, type[Exception]] = {
    kind.__name__: kind
    for kind in (ValueError, IndexError, TypeError, KeyError, RuntimeError, RequestError)
}
_URGENCY = {"model": FIRST, "about": FIRST, "write": SOON, "generate": LATER, "run": SOON}


class Busy(RuntimeError):
    """The server has too much to do.

    Attributes
    ----------
    again
        Seconds after which to try again.
    """

    def __init__(self, message: str, again: float = 1.0) -> None:
        super().__init__(message)
        self.again = again


class ServerLost(ConnectionError):
    """The server doesn't answer any more."""


def reply(kind: bytes, number: int, frame: bytes = b"") -> bytes:
    """Return what a server sends."""
    return _HEAD.pack(kind, number) + frame


def pieces(kind: bytes, number: int, frame: bytes) -> Iterator[bytes]:
    """Yield what a server sends of a frame: in pieces, so that others come in between."""
    last = max(0, len(frame) - 1) // _PIECE * _PIECE
    for at in range(0, last, _PIECE):
        yield reply(MORE, number, frame[at : at + _PIECE])
    yield reply(kind, number, frame[last:])


def read_reply(data: bytes) -> tuple[bytes, int, bytes]:
    """Return the kind, number and frame of what a server sent.

    Raises
    ------
    FrameError
        For anything else.
    """
    if len(data) < _HEAD.size:
        raise FrameError("reply")
    kind, number = _HEAD.unpack_from(data)
    return kind, number, data[_HEAD.size :]


def error_frame(error: BaseException) -> bytes:
    """Return an error as a frame: its words and its kind."""
    kind = type(error).__name__
    value: dict[str, Any] = {"kind": kind}
    if isinstance(error, Busy):
        value["again"] = error.again
    is_ours = kind in _ERRORS or isinstance(error, (*_ERRORS.values(), Busy))
    text = error.args[0] if error.args and isinstance(error.args[0], str) else str(error)
    value["error"] = str(text) if is_ours else f"{kind}: {error}"
    return packed(value)


def error_of(frame: bytes) -> Exception:
    """Return the error that a frame tells of."""
    value = unpacked(frame, classes=False)
    words, kind = str(value.get("error")), value.get("kind")
    if kind == "Busy":
        again = float(value.get("again", 1.0))
        told = say("{words} Try again in {seconds:.0f} s.", words=words, seconds=max(again, 1))
        return Busy(told, again)
    if kind == Cancelled.__name__:
        return Cancelled()
    return _ERRORS.get(str(kind), RuntimeError)(words)


def language_of(message: dict[str, Any]) -> str:
    """Return the language that a message asks for words in."""
    language = message.get("lang")
    return str(language) if language in LANGUAGES else ENGLISH


def urgency_of(message: dict[str, Any]) -> int:
    """Return how urgent a message is, as requests of views are."""
    from llmscope.kernel.protocol import parse

    if message.get("do") == "view":
        return parse(message.get("key")).urgency
    return min(_URGENCY.get(str(message.get("do")), SOON), LAST)
