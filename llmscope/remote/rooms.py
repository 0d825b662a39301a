"""Rooms: views that others follow, by the values of their traits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llmscope.remote.values import packed
from llmscope.words import refused

_MOST = 100  # rooms
_EACH = 8  # rooms that one connection follows
_LONGEST = 64  # characters of a name
_LARGEST = 2**18  # bytes of a state

Tell = Callable[[str, bytes], None]  # a room, and a frame with its state


class Rooms:
    """The present state of each room, and who follows it."""

    def __init__(self) -> None:
        self._states: dict[str, bytes] = {}
        self._followers: dict[str, dict[Tell, None]] = {}

    def lead(self, room: Any, state: Any) -> None:
        """Take the present state of a room, and tell it to all who follow.

        Raises
        ------
        ValueError
            For what is no room or no state, and when there are too many.
        """
        name = _name(room)
        if not isinstance(state, dict):
            raise refused("There is nothing to do by {message!r:.80}.", message=state)
        frame = packed({"room": name, "state": state})
        if len(frame) > _LARGEST:
            raise refused("A message is too large: {most:,} bytes at most.", most=_LARGEST)
        if name not in self._states and len(self._states) >= _MOST:
            raise refused("There are {most} rooms already: end one by broadcast('').", most=_MOST)
        self._states[name] = frame
        for tell in self._followers.get(name, ()):
            tell(name, frame)

    def follow(self, room: Any, tell: Tell) -> None:
        """Tell the present state of a room, and each new one.

        Raises
        ------
        ValueError
            For what is no room.
        """
        name = _name(room)
        if sum(tell in followers for followers in self._followers.values()) >= _EACH:
            raise refused("One connection follows {most} rooms at most.", most=_EACH)
        self._followers.setdefault(name, {})[tell] = None
        if name in self._states:
            tell(name, self._states[name])

    def end(self, room: Any) -> None:
        """Forget the state of a room; who follows it keeps what is shown, and hears of another."""
        self._states.pop(_name(room), None)

    def leave(self, tell: Tell, room: Any = None) -> None:
        """Tell nothing more of a room, or of any."""
        for name in [room] if isinstance(room, str) else [*self._followers]:
            followers = self._followers.get(name, {})
            followers.pop(tell, None)
            if not followers:
                self._followers.pop(name, None)


def _name(room: Any) -> str:
    if not isinstance(room, str) or not 0 < len(room) <= _LONGEST:
        raise refused("A room has a name of 1 to {most} characters.", most=_LONGEST)
    return room
