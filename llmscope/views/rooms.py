"""Views of a model on a server: whether it can be reached, and a view that others follow."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import traitlets

from llmscope.views.traits import INPUT, Edits, ViewTraits
from llmscope.words import refused

_OWN = ("lecture", "saved_page_mb", "lang")  # of each view by itself


class RoomTraits(ViewTraits):
    """The traits of a view whose model may be on a server; `Explorer` documents them."""

    # Where the model is, and whether that can be reached: {"address", "stands"}.
    _server = traitlets.Dict().tag(sync=True)
    # The room that is followed; the page empties it to let go.
    _room = traitlets.Unicode("").tag(sync=True)

    _there: Any = None  # what asks the server
    _led = ""

    def broadcast(self, room: str) -> None:
        """Let the views of a class follow this one, which takes the owner's token.

        Its text, its selection, its settings and, of a lesson, its slide are told as they change,
        and to whoever comes later as they are then.

        Parameters
        ----------
        room
            A name, by which others follow: see `follow`. An empty one ends it.

        Raises
        ------
        ValueError
            When the model isn't on a server, and with the token of a class.
        """
        elsewhere = self._elsewhere()
        if elsewhere.role != "owner":
            raise refused("A room is led with the owner's token.")
        if self._led:
            elsewhere.connection.leave(self._led)
            self.unobserve(self._tell_room)
        self._led = room
        if room:
            self.observe(self._tell_room)
            self._tell_room(None)

    def follow(self, room: str) -> None:
        """Show what a view that is broadcast shows, as it changes, until `unfollow`.

        Parameters
        ----------
        room
            The name that it is broadcast by. What it had shown when this view came is shown first.

        Raises
        ------
        ValueError
            When the model isn't on a server.
        """
        self._elsewhere()
        self._room = room

    def unfollow(self) -> None:
        """Go one's own way again: what is shown stays."""
        self._room = ""

    def _elsewhere(self) -> Any:
        if self._there is None:
            raise refused("A room is on a server: llmscope.connect() opens a model there.")
        return self._there

    @traitlets.observe("_room")
    def _go(self, change: Any) -> None:
        if self._there is None:
            return
        connection = self._there.connection
        if change["old"]:
            connection.leave(change["old"], self._hear_room)
        if change["new"]:
            connection.follow(change["new"], self._hear_room)

    def _tell_room(self, _change: Any) -> None:
        state = {name: _plain(value) for name, value in self._told().items()}
        self._elsewhere().connection.lead(self._led, state)

    def _told(self) -> dict[str, Any]:
        """Return what a room is told of: the traits that a person sets."""
        shared = self.shared_traits()
        named = {name: value for name, value in shared.items() if not name.startswith("_")}
        return {name: value for name, value in named.items() if name not in _OWN}

    def _hear_room(self, state: dict[str, Any]) -> None:
        """Set what another view shows, as if a person had; what can't be set is left as it is."""
        first = [name for name in INPUT if name != "masked"]
        told = self._told().keys() & state.keys()
        for name in sorted(told, key=lambda name: (name not in first, name)):
            try:
                value = state[name]
                if name == "edits":
                    value = Edits.from_json(value, self)
                setattr(self, name, value)
            except (traitlets.TraitError, ValueError, TypeError, IndexError):
                continue

    def _stand(self, stands: bool) -> None:
        self._server = {**self._server, "stands": stands}

    def _watch_server(self, elsewhere: Any) -> None:
        """Tell the page where the model is, and whether that can be reached."""
        self._there = elsewhere
        address = urlsplit(elsewhere.connection.address).netloc
        self._server = {"address": address, "stands": True}
        elsewhere.connection.on_state.append(self._stand)

    def _leave_server(self) -> None:
        if self._there is not None:
            self.unfollow()
            self._there.connection.on_state.remove(self._stand)
            if self._led:
                self.broadcast("")
            self._there = None


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
