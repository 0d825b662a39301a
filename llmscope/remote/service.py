"""What a server listens with: an ASGI application with one WebSocket, and who may use it."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect, WebSocketState

from llmscope._version import __version__
from llmscope.remote.limits import Client, Limits, Tokens
from llmscope.remote.protocol import (
    CLIENT,
    ERROR,
    LONGEST,
    ROOM,
    VERSION,
    Busy,
    error_frame,
    reply,
)
from llmscope.remote.rooms import Rooms
from llmscope.remote.values import FrameError, packed, unpacked
from llmscope.words import refused, say

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from starlette.requests import HTTPConnection, Request
    from starlette.websockets import WebSocket

    from llmscope.remote.host import Reply

_NUMBER = re.compile("[0-9a-f]{32}")
_SLOW = 30.0  # seconds that a client may take to read one reply
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
            await socket.close(4401)
            return
        alike = [one for one in self._clients.values() if one.role == client.role and one.sockets]
        if len(alike) >= self._limits.clients and client not in alike:
            await socket.close(1013)
            return
        await socket.accept()
        client.sockets += 1
        talk = _Talk(self, socket, client)
        try:
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
            size = sum(_length(name.get(part)) for part in ("text", "pair", "target"))
            if size > self._limits.text:
                raise refused(
                    "The server reads texts of up to {most:,} characters; this one has {size:,}.",
                    most=self._limits.text,
                    size=size,
                )
        if message.get("do") in ("about", "generate"):
            read = sum(_length(name.get("text")) for name in names) // 4 + 1
            settings = message.get("settings")
            more = settings.get("max_new_tokens") if isinstance(settings, dict) else 0
            client.spend(read + (more if type(more) is int and more > 0 else 0), self._limits)

    async def replies(self, client: Client, message: dict[str, Any]) -> AsyncIterator[Reply]:
        """Yield what is replied to a message, once it is checked."""
        try:
            self.check(client, message)
        except Exception as error:
            yield ERROR, error_frame(error)
            return
        client.streams += 1
        self._waiting += 1
        try:
            async for said in self._models.ask(client.person, packed(message)):
                yield said
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
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def listen(self) -> None:
        """Take messages until the connection ends."""
        while True:
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
        """Lead a room, follow it, or leave it."""
        rooms = self._service.rooms
        try:
            if "lead" in message:
                if self._client.role != "owner":
                    raise refused("A room is led with the owner's token.")
                await rooms.lead(message["lead"], message.get("state"))
            elif "follow" in message:
                await rooms.follow(message["follow"], self._tell)
            elif "unfollow" in message:
                rooms.leave(self._tell, message["unfollow"])
        except ValueError as error:
            await self._send(reply(ERROR, 0, error_frame(error)))

    async def _tell(self, frame: bytes) -> None:
        await self._send(reply(ROOM, 0, frame))

    def _take(self, message: dict[str, Any]) -> None:
        gone, number = message.get("cancel"), message.get("ask")
        if type(gone) is int and gone in self._tasks:
            self._tasks.pop(gone).cancel()
        if type(number) is int and 0 < number < 2**63 and number not in self._tasks:
            task = asyncio.create_task(self._answer(number, message))
            self._tasks[number] = task
            task.add_done_callback(lambda _: self._tasks.pop(number, None))

    async def _answer(self, number: int, message: dict[str, Any]) -> None:
        try:
            async for kind, frame in self._service.replies(self._client, message):
                await self._send(reply(kind, number, frame))
        except (WebSocketDisconnect, RuntimeError, TimeoutError, OSError):
            await self._hang_up()
        except Exception as error:  # such as a cluster that is gone
            await self._send(reply(ERROR, number, error_frame(error)))

    async def _send(self, data: bytes) -> None:
        async with self._sending:
            await asyncio.wait_for(self._socket.send_bytes(data), _SLOW)

    async def _hang_up(self) -> None:
        if self._socket.client_state == WebSocketState.CONNECTED:
            with suppress(RuntimeError, TimeoutError, OSError):
                await asyncio.wait_for(self._socket.close(1008), 1.0)

    async def end(self) -> None:
        """Drop what is asked: nobody waits any more."""
        self._service.rooms.leave(self._tell)
        tasks = [*self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _length(text: Any) -> int:
    """Return about how many characters a text, ids or messages are."""
    if isinstance(text, list):
        return sum(_length(one.get("content")) if isinstance(one, dict) else 4 for one in text)
    return len(text) if isinstance(text, str) else 0
