"""A server of models within the tests' own process, over real sockets."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from functools import partial

import uvicorn
from websockets.sync.client import connect as dial

from llmscope.remote.connect import connect
from llmscope.remote.host import Host
from llmscope.remote.limits import Limits, Tokens
from llmscope.remote.protocol import CLIENT
from llmscope.remote.service import Service

TOKENS = Tokens(owner="owner-of-the-tests", room="room-of-the-tests")

HEADERS = {"Authorization": f"Bearer {TOKENS.owner}", CLIENT: "0" * 32}


def socket(server, close_timeout=10, **headers):
    """A WebSocket of one's own, which may send what our client wouldn't."""
    return dial(
        server.address.replace("http", "ws") + "/v1/socket",
        additional_headers={**HEADERS, **headers},
        compression=None,
        proxy=None,
        max_queue=None,
        close_timeout=close_timeout,
    )


class Served:
    """A server that stands.

    Attributes
    ----------
    address
        Where.
    host
        Its models.
    scopes
        These, by their names.
    service
        What listens.
    """

    def __init__(self, models, limits=None, port=0):
        self.scopes = models
        self.host = Host({name: partial(models.__getitem__, name) for name in models})
        self.service = Service(self.host, tuple(models), TOKENS, limits or Limits())
        config = uvicorn.Config(
            self.service.app,
            host="127.0.0.1",
            port=port,
            log_level="error",
            lifespan="off",
            ws="websockets-sansio",
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            self.thread.join(0.005)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"

    def connect(self, model=None, token=TOKENS.owner):
        """Return a scope of one of its models."""
        return connect(self.address, model, token=token)

    def stop(self):
        """End it, and its connections."""
        self.server.should_exit = True
        self.server.force_exit = True
        self.thread.join(10)
        self.host.close()


@contextmanager
def serving(models, limits=None, port=0):
    """Serve scopes, by their names."""
    server = Served(models, limits, port)
    try:
        yield server
    finally:
        server.stop()


def until(condition, seconds=10):
    """Wait for what another thread does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
