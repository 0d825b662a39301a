"""What a server's refusals mean, and where its token goes."""

from __future__ import annotations

import urllib.request
from typing import Any

from llmscope.remote.protocol import Busy, ServerLost, error_of
from llmscope.remote.values import FrameError
from llmscope.words import say


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token goes to the address that was given, and to no other."""

    def redirect_request(self, *_args: Any, **_options: Any) -> None:
        """Refuse."""
        return


def refusal(status: int, body: bytes, address: str) -> Exception:
    """Return the error that a status and what came with it tell of."""
    if status in (401, 403):
        return ConnectionError(
            say("The server at {address} doesn't take this token.", address=address)
        )
    try:
        return error_of(body)
    except (FrameError, AttributeError):
        pass
    if status in (429, 503):
        return Busy(say("The server at {address} has too much to do.", address=address))
    return ServerLost(
        say("What answers at {address} says {status}.", address=address, status=status)
    )
