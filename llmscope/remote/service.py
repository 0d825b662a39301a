"""What a server listens with: an ASGI application with one WebSocket, and who may use it."""

from __future__ import annotations

import asyncio
import re
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect, WebSocketState

from llmscope._version import __version__
from llmscope.remote.bounds import rows_and_tokens
from llmscope.remote.limits import Client, Limits, Tokens
from llmscope.remote.protocol import (
    CLIENT,
    ERROR,
    LONGEST,
    ROOM,
    VERSION,
    Busy,
    error_frame,
    language_of,
    pieces,
    reply,
)
from llmscope.remote.rooms import Rooms
from llmscope.remote.values import FrameError, packed, unpacked
from llmscope.words import refused, say, spoken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from starlette.requests import HTTPConnection, Request
    from starlette.websockets import WebSocket

    from llmscope.remote.host import Reply

_NUMBER = re.compile("[0-9a-f]{32}")
_SLOW = 30.0  # seconds that a client may take to read what it asked for
_UNHEARD = 16 * 2**20  # bytes that it may have left to read, before it is sent more
_UNANSWERED = 256  # questions of one connection, after which it isn't listened to
_LARGE = frozenset(["read", "path", "compare", "run"])  # what may be as large as a message
_APART = 2000  # characters of a message beside its texts
_FULL = 30.0  # seconds after which a connection that is one too many may be tried again
_SOCKETS = 8  # connections of one client
_FORGOTTEN = 10_000  # clients whose quotas are known


class Models(Protocol):
    """Where models are: in this process, or on a cluster."""

    def ask(self, person: str, frame: bytes) -> AsyncIterator[Reply]:
        """Yield what is replied to a message."""

    async def tokenizer(self, model: str) -> bytes:
        """Return the files of a model's tokenizer, as a frame."""


class Service:
    """A server of models.

    Parameters
    ----------
    models
        What answers.
    names
        The names of the models: no others are asked for.
    tokens
        Who may ask.
    limits
        How much.
    origins
        Of pages in a browser that may connect; by default none.

    Attributes
    ----------
    app
        The ASGI application.
    rooms
        Views that others follow.
    """

    def __init__(
        self,
        models: Models,
        names: Sequence[str],
        tokens: Tokens,
        limits: Limits | None = None,
        origins: Sequence[str] = (),
    ) -> None:
        self._models = models
        self._names = tuple(names)
        self._tokens = tokens
        self._limits = limits or Limits()
        self._origins = frozenset(origins)
        self._clients: dict[str, Client] = {}
        self._all = {role: Client(role, role) for role in ("owner", "room")}
        self._waiting = 0
        self.rooms = Rooms()
        self.app = Starlette(
            routes=[
                Route("/v1", self._describe),
                Route("/v1/tokenizer/{model:path}", self._tokenizer),
                WebSocketRoute("/v1/socket", self._socket),
            ]
        )

    def _client(self, connection: HTTPConnection) -> Client | None:
        """Return who asks; `None` for nobody that we know."""
        origin = connection.headers.get("origin")
        role = self._tokens.role(connection.headers.get("authorization"))
        number = connection.headers.get(CLIENT, "")
        if role is None or not _NUMBER.fullmatch(number):
            return None
        if origin is not None and origin not in self._origins:
            return None
        person = f"{role}-{number}"
        if person not in self._clients:
            if len(self._clients) >= _FORGOTTEN:
                idle = [name for name, one in self._clients.items() if not one.sockets]
                for name in idle[: len(idle) // 2 + 1]:
                    del self._clients[name]
            self._clients[person] = Client(person, role)
        return self._clients[person]

    async def _describe(self, request: Request) -> Response:
        client = self._client(request)
        if client is None:
            return Response(status_code=401)
        about = {"llmscope": __version__, "version": VERSION, "models": list(self._names)}
        about["role"] = client.role
        return Response(packed(about), media_type="application/octet-stream")

    async def _tokenizer(self, request: Request) -> Response:
        if self._client(request) is None:
            return Response(status_code=401)
        try:
            model = self._known(request.path_params["model"])
            frame = await self._models.tokenizer(model)
        except Exception as error:
            return Response(error_frame(error), status_code=400)
        return Response(frame, media_type="application/octet-stream")

    def _known(self, model: Any) -> str:
        if not isinstance(model, str) or model not in self._names:
            raise refused(
                "There is no model {model!r:.80} here: there is {names}.",
                model=model,
                names=", ".join(self._names),
            )
        return model

    async def _socket(self, socket: WebSocket) -> None:
        client = self._client(socket)
        if client is None:
            await _deny(socket, 401)
            return
        alike = [one for one in self._clients.values() if one.role == client.role and one.sockets]
        if client.sockets >= _SOCKETS or len(alike) - (client in alike) >= self._limits.clients:
            full = Busy(say("The server has as many connections as it takes."), _FULL)
            await _deny(socket, 429, error_frame(full))
            return
        client.sockets += 1
        talk = _Talk(self, socket, client)
        try:
            await socket.accept()
            await talk.listen()
        except (WebSocketDisconnect, RuntimeError, TimeoutError, OSError):
            pass
        finally:
            client.sockets -= 1
            await talk.end()

    def check(self, client: Client, message: Any) -> None:
        """Check what a client sent, as far as it can be seen without the model.

        Raises
        ------
        Busy
            When the client, or all of them, ask too much.
        ValueError
            For what can't be answered.
        """
        self._known(message.get("model"))
        if client.streams >= self._limits.streams:
            raise Busy(say("You wait for {most} answers already.", most=self._limits.streams), 0.2)
        if self._waiting >= self._limits.waiting:
            raise Busy(say("The server has too much to do."), 1.0)
        names = message.get("of", [])
        if not isinstance(names, list) or len(names) > 2:
            raise refused("{name!r:.80} names no trace.", name=names)
        for name in names:
            if not isinstance(name, dict):
                raise refused("{name!r:.80} names no trace.", name=name)
            if "model" in name:
                self._known(name["model"])
            self._check_length(sum(_length(name.get(part)) for part in ("text", "pair", "target")))
        entries = message.get("entries", [])
        if not isinstance(entries, list):
            raise refused("There is nothing to do by {message!r:.80}.", message=message)
        size = _length({**message, "entries": None})
        size = max(size, *(_length(entry) for entry in entries), 0)
        self._check_length(size - _APART)
        tokens = self._tokens_of(message, size, len(entries))
        client.spend(tokens, self._limits.tokens_a_minute)
        self._all[client.role].spend(tokens, self._limits.tokens_of_all)

    def _check_length(self, size: int) -> None:
        if size > self._limits.text:
            raise refused(
                "The server reads texts of up to {most:,} characters; this one has {size:,}.",
                most=self._limits.text,
                size=size,
            )

    def _tokens_of(self, message: dict[str, Any], size: int, entries: int) -> int:
        """Return about how many tokens a message has read, and generated."""
        match message.get("do"):
            case "about" | "survey":
                return size // 4 + 1
            case "generate":
                rows, tokens = rows_and_tokens(message.get("settings"))
                return size // 4 + 1 + rows * tokens
            case "write":
                return entries
        return 0

    async def replies(self, client: Client, message: dict[str, Any]) -> AsyncIterator[Reply]:
        """Yield what is replied to a message, once it is checked."""
        try:
            with spoken(language_of(message)):
                self.check(client, message)
        except Exception as error:
            yield ERROR, error_frame(error)
            return
        is_large = message.get("do") in _LARGE
        frame = packed(message)
        client.streams += 1
        self._waiting += 1
        try:
            async with client.large if is_large else nullcontext():
                async for said in self._models.ask(client.person, frame):
                    yield said
        except Exception as error:  # such as a cluster that is gone
            yield ERROR, error_frame(error)
        finally:
            client.streams -= 1
            self._waiting -= 1


class _Talk:
    """One connection."""

    def __init__(self, service: Service, socket: WebSocket, client: Client) -> None:
        self._service = service
        self._socket = socket
        self._client = client
        self._sending = asyncio.Lock()
        self._unheard = 0  # bytes
        self._heard = asyncio.Event()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._states: dict[str, bytes] = {}  # of rooms, that aren't told yet
        self._telling: asyncio.Task[None] | None = None

    async def listen(self) -> None:
        """Take messages until the connection ends."""
        while True:
            while len(self._tasks) >= _UNANSWERED:
                await asyncio.wait(self._tasks.values(), return_when=asyncio.FIRST_COMPLETED)
            data = await self._socket.receive_bytes()
            if len(data) > LONGEST:
                await self._socket.close(1009)
                return
            try:
                message = unpacked(data, classes=False, largest=2 * LONGEST)
                if not isinstance(message, dict):
                    raise FrameError("message")
            except FrameError:
                await self._socket.close(1007)
                return
            self._take(message)
            await self._meet(message)

    async def _meet(self, message: dict[str, Any]) -> None:
        """Lead a room or end it, follow it or leave it."""
        rooms = self._service.rooms
        try:
            if message.keys() & {"lead", "unlead"} and self._client.role != "owner":
                raise refused("A room is led with the owner's token.")
            if "lead" in message:
                rooms.lead(message["lead"], message.get("state"))
            elif "unlead" in message:
                rooms.end(message["unlead"])
            elif "follow" in message:
                rooms.follow(message["follow"], self._tell)
            elif "unfollow" in message:
                rooms.leave(self._tell, message["unfollow"])
        except ValueError as error:
            await self._send(reply(ERROR, 0, error_frame(error)))

    def _tell(self, room: str, frame: bytes) -> None:
        """Tell the state of a room soon; of those that follow each other quickly, the last."""
        self._states[room] = frame
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_states())

    async def _tell_states(self) -> None:
        while self._states:
            frame = self._states.pop(next(iter(self._states)))
            with suppress(WebSocketDisconnect, RuntimeError, TimeoutError, OSError):
                await self._send(reply(ROOM, 0, frame))

    def _take(self, message: dict[str, Any]) -> None:
        heard, gone, number = (message.get(word) for word in ("heard", "cancel", "ask"))
        if type(heard) is int and heard > 0:
            self._unheard = max(0, self._unheard - heard)
            self._heard.set()
        if type(gone) is int and gone in self._tasks:
            self._tasks.pop(gone).cancel()
        if type(number) is int and 0 < number < 2**63 and number not in self._tasks:
            task = asyncio.create_task(self._answer(number, message))
            self._tasks[number] = task
            task.add_done_callback(lambda _: self._tasks.pop(number, None))

    async def _answer(self, number: int, message: dict[str, Any]) -> None:
        try:
            async for kind, frame in self._service.replies(self._client, message):
                for part in pieces(kind, number, frame):
                    await self._send(part)
        except (WebSocketDisconnect, RuntimeError, TimeoutError, OSError):
            await self._hang_up()

    async def _send(self, data: bytes) -> None:
        """Send a reply, once the client has read enough of those before.

        Raises
        ------
        TimeoutError
            When it doesn't.
        """
        async with self._sending, asyncio.timeout(_SLOW):
            while self._unheard > _UNHEARD:
                self._heard.clear()
                await self._heard.wait()
            self._unheard += len(data)
            await self._socket.send_bytes(data)

    async def _hang_up(self) -> None:
        if self._socket.client_state == WebSocketState.CONNECTED:
            with suppress(RuntimeError, TimeoutError, OSError):
                await asyncio.wait_for(self._socket.close(1008), 1.0)

    async def end(self) -> None:
        """Drop what is asked: nobody waits any more."""
        self._service.rooms.leave(self._tell)
        tasks = [*self._tasks.values()]
        tasks += [] if self._telling is None else [self._telling]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _deny(socket: WebSocket, status: int, frame: bytes = b"") -> None:
    """Refuse a connection, and say why where what stands between can pass that on."""
    if "websocket.http.response" in (socket.scope.get("extensions") or {}):
        await socket.send_denial_response(Response(frame, status_code=status))
    else:
        await socket.close(4000 + status)


def _length(value: Any) -> int:
    """Return about how many characters texts, ids and messages are, wherever they stand."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(_length(one) for one in value.values())
    if isinstance(value, (list, tuple)):
        return sum(_length(one) for one in value)
    if isinstance(value, np.ndarray):
        return 4 * value.shape[0] if value.ndim == 1 else 0  # ids; vectors are bounded by bytes
    return 4 if type(value) is int else 0
