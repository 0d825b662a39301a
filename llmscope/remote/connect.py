"""From an address to a scope of a model there."""

from __future__ import annotations

import os
import weakref

from llmscope.remote.connection import Connection
from llmscope.remote.scope import Elsewhere, RemoteScope
from llmscope.words import refused


def connect(address: str, model: str | None = None, *, token: str | None = None) -> RemoteScope:
    """Connect to a server of models: see `llmscope.serve`.

    Parameters
    ----------
    address
        What the server printed, such as "http://127.0.0.1:8000".
    model
        The name of a model there; it may be left out where there is one only.
    token
        What the server printed; by default the environment variable ``LLMSCOPE_TOKEN``.

    Returns
    -------
    RemoteScope
        Used as a `Scope` is. What is read is computed where the model is.

    Raises
    ------
    ConnectionError
        When there is no server at the address, or it doesn't take the token.
    ValueError
        For an address that is none, a server of another version, and a model that isn't there.

    Examples
    --------
    >>> import llmscope
    >>> try:
    ...     llmscope.connect("http://127.0.0.1:9", "smollm2", token="secret")
    ... except ConnectionError as error:
    ...     print(str(error)[:41])
    There is no server at http://127.0.0.1:9:
    """
    given = token or os.environ.get("LLMSCOPE_TOKEN")
    if not given:
        raise refused("A server is asked with a token: connect(address, model, token=…).")
    if not given.isascii():
        raise refused("A token is of ASCII characters: this one isn't whole, or none.")
    connection = Connection(address, given)
    about = connection.described()
    names = about["models"]
    if model is None and len(names) == 1:
        model = names[0]
    if model is None or model not in names:
        raise refused(
            "{address} has {names}: say which, as model=….",
            address=connection.address,
            names=", ".join(map(repr, names)),
        )
    elsewhere = Elsewhere(connection, model, about["role"])
    weakref.finalize(elsewhere, connection.close)  # once no scope and no view has it any more
    return RemoteScope(elsewhere)
