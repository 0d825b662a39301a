"""The client's end of the wire: questions and answers over one WebSocket that heals by itself."""

from __future__ import annotations

import itertools
import logging
import queue
import random
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from llmscope.capture import NEVER, Cancelled
from llmscope.remote.later import Later
from llmscope.remote.protocol import (
    CLIENT,
    DONE,
    ERROR,
    LONGEST,
    MORE,
    ROOM,
    VERSION,
    Busy,
    ServerLost,
    error_of,
    read_reply,
)
from llmscope.remote.refusal import NoRedirect, refusal
from llmscope.remote.values import LARGEST, FrameError, packed, unpacked
from llmscope.words import language, say

_LOOK = 0.02  # seconds between two looks at whether nobody waits any more
_FIRST, _LAST = 0.1, 5.0  # seconds until a lost connection is made anew
_LASTS = 5.0  # seconds after which a connection is no attempt any more
_PATIENCE = 60.0  # seconds of trying before what waits is told
_log = logging.getLogger(__name__)
_OPEN = 10.0  # seconds for a connection to be made
_HEARD = 2**20  # bytes of which the server is told that they were read
_REFUSED = 3  # times that a message is sent again after a refusal
_SHORT = 5.0  # seconds until then, up to which nobody is told of it


@dataclass(eq=False)
class _Asked:
    number: int
    frame: bytes
    pieces: list[bytes] = field(default_factory=list)  # of a reply that isn't whole yet
    replies: queue.SimpleQueue[tuple[bytes, bytes]] = field(default_factory=queue.SimpleQueue)


class Connection:
    """One client's connection to a server.

    Parameters
    ----------
    address
        Of the server, such as "http://127.0.0.1:8000".
    token
        What the server printed.

    Attributes
    ----------
    on_state
        Called with whether the connection stands, when that changes; from another thread.
    """

    def __init__(self, address: str, token: str) -> None:
        parts = urlsplit(address if "//" in address else f"http://{address}")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise ValueError(
                say("{address!r:.80} is no address such as http://host:8000.", address=address)
            )
        self.address = urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))
        self._headers = {"Authorization": f"Bearer {token}", CLIENT: uuid.uuid4().hex}
        self._lock = threading.RLock()  # what is collected may close it within
        self._asked: dict[int, _Asked] = {}
        self._numbers = itertools.count(1)
        self._socket: ClientConnection | None = None
        self._stands = threading.Event()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._why: Exception | None = None
        self.on_state: list[Callable[[bool], None]] = []
        self._led: dict[str, bytes] = {}  # rooms, and what was told of them last
        self._followed: dict[str, list[Callable[[dict[str, Any]], None]]] = {}
        self._later = Later()

    @property
    def stands(self) -> bool:
        """Whether the server can be reached now, as far as is known."""
        return self._stands.is_set()

    def get(self, path: str) -> Any:
        """Return what the server answers to a plain request.

        Raises
        ------
        ConnectionError
            When there is no server, or it doesn't take the token.
        ValueError
            When it is another server, or speaks another version of the protocol.
        """
        request = urllib.request.Request(self.address + quote(path), headers=self._headers)
        opener = urllib.request.build_opener(NoRedirect())
        try:
            with opener.open(request, timeout=_PATIENCE) as answer:
                data = answer.read(LARGEST + 1)
        except urllib.error.HTTPError as error:
            raise refusal(error.code, error.read(10_000), self.address) from None
        except (urllib.error.URLError, OSError) as error:
            reason = getattr(error, "reason", error)
            raise ServerLost(
                say(
                    "There is no server at {address}: {reason}.",
                    address=self.address,
                    reason=reason,
                )
            ) from None
        try:
            return unpacked(data)
        except FrameError:
            raise ValueError(
                say("What answers at {address} is no server of llmscope.", address=self.address)
            ) from None

    def described(self) -> dict[str, Any]:
        """Return what the server is, once it speaks our version."""
        found = self.get("/v1")
        if not isinstance(found, dict) or found.get("version") != VERSION:
            raise ValueError(
                say(
                    "The server at {address} speaks version {theirs} of the protocol, and this is "
                    "version {ours}: install the same llmscope on both.",
                    address=self.address,
                    theirs=found.get("version") if isinstance(found, dict) else None,
                    ours=VERSION,
                )
            )
        return found

    def ask(
        self, message: dict[str, Any], cancelled: Callable[[], bool] = NEVER
    ) -> Iterator[bytes]:
        """Yield the frames that answer a message.

        A connection that is lost is made anew, and the message sent again; so it is, a few times,
        where the server has too much to do for a moment.

        Raises
        ------
        Cancelled
            When `cancelled` returned True before the end.
        ConnectionError
            When the server can't be reached for a minute.
        Exception
            What the server refused it with.
        """
        for left in reversed(range(_REFUSED + 1)):
            is_begun = False
            try:
                for frame in self._replies(message, cancelled):
                    is_begun = True
                    yield frame
                return
            except Busy as busy:
                if is_begun or not left or busy.again > _SHORT:
                    raise
                wait = busy.again * random.uniform(1, 2)  # not all come back at once
            end = time.monotonic() + wait
            while (rest := end - time.monotonic()) > 0:
                if cancelled():
                    raise Cancelled
                time.sleep(min(rest, _LOOK))

    def _replies(self, message: dict[str, Any], cancelled: Callable[[], bool]) -> Iterator[bytes]:
        """Yield the frames that answer a message, which is sent again where nobody got it."""
        number = next(self._numbers)
        asked = _Asked(number, packed({**message, "ask": number, "lang": language()}))
        if len(asked.frame) > LONGEST:
            raise ValueError(say("A message is too large: {most:,} bytes at most.", most=LONGEST))
        with self._lock:
            self._asked[number] = asked
            self._begin()
        self._send(asked.frame)
        is_over = False
        try:
            while True:
                if cancelled():
                    raise Cancelled
                try:
                    kind, frame = asked.replies.get(
                        timeout=_LOOK if cancelled is not NEVER else 1.0
                    )
                except queue.Empty:
                    continue
                if kind == DONE:
                    is_over = True
                    return
                if kind == ERROR:
                    is_over = True
                    raise self._why or ServerLost() if not frame else error_of(frame)
                yield frame
        finally:
            with self._lock:
                self._asked.pop(number, None)
            if not is_over:
                self._send(packed({"cancel": number}))

    def lead(self, room: str, state: dict[str, Any]) -> None:
        """Tell all who follow a room its present state."""
        frame = packed({"lead": room, "state": state})
        with self._lock:
            self._led[room] = frame
            self._begin()
        self._send(frame)

    def follow(self, room: str, hear: Callable[[dict[str, Any]], None]) -> None:
        """Hear of the present state of a room and of each new one, in another thread."""
        with self._lock:
            self._followed.setdefault(room, []).append(hear)
            self._begin()
        self._send(packed({"follow": room}))

    def leave(self, room: str, hear: Callable[[dict[str, Any]], None] | None = None) -> None:
        """Hear nothing more of a room that was followed, or tell nothing more of one led."""
        with self._lock:
            if hear is None:
                ends = {"unlead": room} if self._led.pop(room, None) else None
            else:
                heard = self._followed.get(room, [])
                if hear in heard:
                    heard.remove(hear)
                ends = None if heard else {"unfollow": room}
                if not heard:
                    self._followed.pop(room, None)
        if ends is not None:
            self._send(packed(ends))

    def _hear_room(self, frame: bytes) -> None:
        found = unpacked(frame, classes=False)
        for hear in [*self._followed.get(found["room"], ())]:
            self._later.put(partial(hear, found["state"]))

    def close(self) -> None:
        """End the connection; what waits is told."""
        self._closed.set()
        with self._lock:
            if self._socket is not None:
                self._socket.close()

    # ── the thread that listens ──────────────────────────────────────────────────────────────

    def _begin(self) -> None:
        if self._closed.is_set():
            raise self._ended()
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._listen, name="llmscope-connection", daemon=True
            )
            self._thread.start()

    def _ended(self) -> ServerLost:
        return ServerLost(say("The connection to {address} is closed.", address=self.address))

    def _send(self, frame: bytes) -> None:
        """Send a frame, if there is a connection: what is asked is sent again once there is."""
        socket = self._socket
        if socket is not None:
            with suppress(ConnectionClosed, OSError):
                socket.send(frame)

    def _listen(self) -> None:
        why: Exception = self._ended()
        try:
            why = self._talk() or why
        except Exception as error:  # whatever it is: those who wait are told
            why = error
        finally:
            self._tell_all(why)

    def _talk(self) -> Exception | None:
        """Connect, listen, and connect anew; return why that is of no use any more."""
        wait, since = _FIRST, time.monotonic()
        while not self._closed.is_set():
            begun, error = time.monotonic(), None
            try:
                with self._connecting() as socket:
                    error = self._heard(socket)
            except (OSError, WebSocketException) as refused:
                error = refused
            if time.monotonic() - begun > _LASTS:
                wait, since = _FIRST, time.monotonic()
            if error is not None and (why := self._hopeless(error, since)) is not None:
                return why
            self._closed.wait(wait)
            wait = min(wait * 2, _LAST)
        return None

    def _connecting(self) -> ClientConnection:
        return connect(
            self.address.replace("http", "ws", 1) + "/v1/socket",
            additional_headers=self._headers,
            compression=None,
            max_size=LARGEST,
            open_timeout=_OPEN,
            close_timeout=1,
            proxy=None,
        )

    def _heard(self, socket: ClientConnection) -> Exception | None:
        """Pass on what the server says, until the connection ends; return what ended it."""
        with self._lock:
            if self._closed.is_set():
                return None
            self._socket = socket
            for one in self._asked.values():
                one.pieces.clear()
            again = [packed({"follow": room}) for room in self._followed]
            again += [*self._led.values(), *(one.frame for one in self._asked.values())]
        self._stand(True)
        try:
            for frame in again:
                socket.send(frame)
            heard = 0
            for data in socket:
                heard += len(data)
                if heard > _HEARD:
                    socket.send(packed({"heard": heard}))
                    heard = 0
                self._take(*read_reply(data if isinstance(data, bytes) else data.encode()))
        except (ConnectionClosed, OSError, FrameError) as error:
            return error
        finally:
            with self._lock:
                self._socket = None
            self._stand(False)
        return None

    def _take(self, kind: bytes, number: int, frame: bytes) -> None:
        asked = self._asked.get(number)
        if asked is not None and kind == MORE:
            asked.pieces.append(frame)
        elif asked is not None:
            asked.replies.put((kind, b"".join([*asked.pieces, frame])))
            asked.pieces.clear()
        elif kind == ROOM:
            self._hear_room(frame)
        elif kind == ERROR and number == 0:  # of a room
            _log.warning("%s", error_of(frame))

    def _stand(self, stands: bool) -> None:
        if stands:
            self._stands.set()
        else:
            self._stands.clear()
        for tell in [*self.on_state]:
            self._later.put(partial(tell, stands))

    def _hopeless(self, error: Exception, since: float) -> Exception | None:
        """Return why it is of no use to try again; `None` while it may be."""
        address = self.address
        if isinstance(error, InvalidStatus) and error.response.status_code < 500:
            return refusal(error.response.status_code, bytes(error.response.body or b""), address)
        if time.monotonic() - since > _PATIENCE:
            return ServerLost(
                say("The server at {address} can't be reached: {why}.", address=address, why=error)
            )
        return None

    def _tell_all(self, why: Exception) -> None:
        with self._lock:
            self._why, self._thread = why, None
            asked = [*self._asked.values()]
        for one in asked:
            one.replies.put((ERROR, b""))
