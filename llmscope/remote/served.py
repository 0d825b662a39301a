"""From names to a server: models served by Ray Serve, on this machine or on a cluster."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmscope.loading import load_parts
from llmscope.remote.launch import NAME, check_free, check_room, installed_ray, run, start
from llmscope.remote.limits import Limits, Tokens
from llmscope.remote.protocol import ERROR, error_of
from llmscope.words import refused, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_DEFAULT = "smollm2"


@dataclass(frozen=True)
class Served:
    """A model that is served with resources of its own: see `llmscope.serve`.

    Attributes
    ----------
    model
        As for `llmscope.load`; or "smollm2", the default model.
    name
        By which it is connected to; by default its id, or the last part of a folder's path.
    num_gpus, num_cpus
        What each replica takes; of CPUs by default as `llmscope.serve` has them.
    replicas
        How many there are; or the least and the most, between which there are as many as are asked.
    options
        Of `llmscope.load`, such as ``{"dtype": "bfloat16", "device_map": "auto"}``.

    Examples
    --------
    >>> import llmscope
    >>> model = llmscope.Served("org/model-8b", num_gpus=1, replicas=(1, 4))
    >>> model.replicas
    (1, 4)
    """

    model: str | os.PathLike[str]
    name: str | None = None
    num_gpus: float = 0
    num_cpus: float | None = None
    replicas: int | tuple[int, int] = 1
    options: Mapping[str, Any] = field(default_factory=dict)


class Server:
    """Models that are served: what `llmscope.serve` returns.

    It ends with its block, or with `stop`.

    Parameters
    ----------
    address
        What clients connect to.
    names
        Of the models.
    tokens
        The owner's and the class's.
    ray_is_ours, is_here
        Whether this process connected to Ray for it, and whether it started Ray.

    Attributes
    ----------
    token
        The owner's token.
    room_token
        The class's token.
    problems
        Why a model didn't load, by its name.

    Examples
    --------
    >>> import llmscope
    >>> server = llmscope.serve("smollm2")  # doctest: +SKIP
    >>> server.stop()  # doctest: +SKIP
    """

    def __init__(
        self, address: str, names: Sequence[str], tokens: Tokens, ray_is_ours: bool, is_here: bool
    ) -> None:
        self.address = address
        self.names = tuple(names)
        self.token, self.room_token = tokens.owner, tokens.room
        self.problems: dict[str, str] = {}
        self._ray_is_ours = ray_is_ours
        self._ends_ray = is_here
        self._stands = True

    def stop(self) -> None:
        """End it: what is asked is answered first, for ten seconds at most."""
        if not self._stands:
            return
        self._stands = False
        import ray
        from ray import serve

        with suppress(ray.exceptions.RayError, ConnectionError):
            serve.delete(NAME)
            if not self._ends_ray and not serve.status().applications:
                serve.shutdown()
        if self._ray_is_ours:
            ray.shutdown()

    def __enter__(self) -> Server:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.stop()

    def __repr__(self) -> str:
        """Return where it is, without its tokens."""
        return f"<Server of {', '.join(self.names)} at {self.address}>"


def serve(
    models: str | os.PathLike[str] | Served | Iterable[str | os.PathLike[str] | Served] = _DEFAULT,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    room_token: str | None = None,
    address: str | None = None,
    replicas: int | tuple[int, int] = 1,
    num_gpus: float = 0,
    num_cpus: float | None = None,
    at_once: int = 3,
    limits: Limits | None = None,
    origins: Sequence[str] = (),
    **options: Any,
) -> Server:
    """Serve models to many, by Ray Serve: see `llmscope.connect`.

    The address, the tokens and the line to paste into a notebook are printed. Serving again on the
    same Ray replaces what is served, replica by replica, while clients go on.

    Parameters
    ----------
    models
        As for `llmscope.load`: Hub ids, folders, "demo:dates"; or "smollm2", the default model.
        Those that are given as a `Served` have resources of their own; all others share theirs.
    host, port
        Where to listen: by default this machine alone can connect. For others there should be
        a proxy with TLS before it.
    token, room_token
        The owner's and the class's token; by default new ones.
    address
        Of a Ray cluster, such as "auto"; by default this machine's own Ray, which ends with this
        process. On a cluster, models are served until `stop`, and folders must be on each node.
    replicas
        Processes that hold the shared models; or the least and the most, between which there are
        as many as are asked.
    num_gpus, num_cpus
        What each of these takes. A forward has as many threads as it has whole CPUs (Ray sets
        ``OMP_NUM_THREADS``, unless it is set where Ray starts), and the last bits of its numbers
        depend on how many these are. By default the CPUs of this machine are divided; on a cluster
        it is one.
    at_once
        How many of the shared models one process holds: more are loaded when they are asked for.
    limits
        `llmscope.remote.limits.Limits`: how much one client may ask.
    origins
        Of pages in a browser that may connect; by default none.
    **options
        Of `llmscope.load`, for all models, such as ``dtype`` and ``device_map``.

    Returns
    -------
    Server
        With `address`, `token` and `room_token`; `Server.stop` ends it, as does its ``with`` block.

    Raises
    ------
    ModuleNotFoundError
        When Ray is not installed.
    OSError
        When the port is taken.
    TypeError
        For options that `llmscope.load` doesn't have.
    ValueError
        For no models, two of one name, tokens that are short or equal, and for more GPUs or CPUs
        than there are here; for a cluster, where nodes may come later, that is printed.

    Examples
    --------
    >>> import llmscope
    >>> with llmscope.serve(["smollm2", "org/model"]) as server:  # doctest: +SKIP
    ...     scope = llmscope.connect(server.address, "smollm2", token=server.token)
    """
    ray = installed_ray()
    tokens = _tokens(token, room_token)
    wanted = _named(models)
    for given in (options, *(one.served.options for one in wanted)):
        _check_options(given)
    shared = {one.name: one for one in wanted if one.shares}
    own = {one.name: one for one in wanted if not one.shares}
    if at_once < 1:
        raise refused("A process holds one model at least: at_once=1.")
    ray_is_ours = not ray.is_initialized()
    is_here = ray_is_ours and address is None
    if is_here:
        check_free(host, port)
    counts = [(_most(one.served.replicas), one.served.num_cpus) for one in own.values()]
    counts += [(_most(replicas), num_cpus)] if shared else []
    cpus = _share(counts) if is_here else 1
    resources = {
        one.name: _resources(one.served.replicas, one.served.num_gpus, one.served.num_cpus, cpus)
        for one in own.values()
    }
    resources[""] = _resources(replicas, num_gpus, num_cpus, cpus)
    if ray_is_ours:
        start(ray, address)
    try:
        needs = [resources[name] for name in (*own, *([""] if shared else []))]
        check_room(ray, needs, is_here)
        address = run(
            host,
            port,
            {name: one.loaded_with(options) for name, one in shared.items()},
            {name: one.loaded_with(options) for name, one in own.items()},
            resources,
            tokens,
            limits or Limits(),
            origins,
            at_once,
        )
    except BaseException:
        if ray_is_ours:
            ray.shutdown()
        raise
    server = Server(address, [one.name for one in wanted], tokens, ray_is_ours, is_here)
    server.problems = _problems([*[*shared][:at_once], *own])
    _tell(server, owner=token is None, room=room_token is None)
    return server


@dataclass(frozen=True)
class _Named:
    name: str
    where: str | None  # as `llmscope.load` takes it
    served: Served
    shares: bool

    def loaded_with(self, options: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
        """Return what it is loaded from, and how."""
        return self.where, {**options, **self.served.options}


def _named(models: Any) -> list[_Named]:
    listed = [models] if isinstance(models, (str, os.PathLike, Served)) else [*models]
    found: dict[str, _Named] = {}
    for one in listed:
        served = one if isinstance(one, Served) else Served(one)
        where = os.fspath(served.model)
        name = served.name or (Path(where).resolve().name if Path(where).exists() else where)
        if name in found:
            raise refused("Two models are named {name!r:.80}: give one another name.", name=name)
        path = str(Path(where).resolve()) if Path(where).exists() else where
        loaded = None if where == _DEFAULT else path
        found[name] = _Named(name, loaded, served, not isinstance(one, Served))
    if not found:
        raise refused("There is no model to serve.")
    return [*found.values()]


def _check_options(options: Mapping[str, Any]) -> None:
    """Raise TypeError for what is no option of `llmscope.load`."""
    for name in options.keys() - signature(load_parts).parameters.keys():
        raise TypeError(
            say(
                "{name}=… is no option of llmscope.load: a model that is larger than one device is "
                "divided by device_map.",
                name=name,
            )
        )


def _tokens(owner: str | None, room: str | None) -> Tokens:
    given = [one for one in (owner, room) if one is not None]
    if any(len(one) < 16 or not one.isascii() or not one.isprintable() for one in given):
        raise refused("A token has 16 characters at least, of ASCII: leave it out for a new one.")
    found = Tokens(owner or secrets.token_urlsafe(24), room or secrets.token_urlsafe(24))
    if found.owner == found.room:
        raise refused("The owner's token and the class's are the same: they must differ.")
    return found


def _most(replicas: int | tuple[int, int]) -> int:
    return replicas if isinstance(replicas, int) else replicas[1]


def _share(counts: Sequence[tuple[int, float | None]]) -> float:
    """Return the CPUs of this machine that each replica has, of those that none are given to."""
    left = (os.cpu_count() or 1) - sum(count * (cpus or 0) for count, cpus in counts)
    among = sum(count for count, cpus in counts if cpus is None) or 1
    return max(left // among or left / among, 0)


def _resources(
    replicas: int | tuple[int, int], gpus: float, cpus: float | None, share: float
) -> dict[str, Any]:
    used = share if cpus is None else cpus
    return {"replicas": replicas, "num_gpus": gpus, "num_cpus": used}


def _problems(names: Sequence[str]) -> dict[str, str]:
    """Return why models didn't load, once they have had time to."""
    from ray import serve

    handle = serve.get_app_handle(NAME)
    found: dict[str, str] = {}
    for name in names:
        kind, frame = handle.problem.remote(name).result()
        if kind == ERROR:
            found[name] = str(error_of(frame))
    return found


def _tell(server: Server, *, owner: bool, room: bool) -> None:
    """Print what a person needs; a token that was given is known, and isn't said again."""
    print(
        say("Models at {address}: {names}", address=server.address, names=", ".join(server.names))
    )
    for name, why in server.problems.items():
        print(say("{name} can't be used: {why}", name=name, why=why))
    if owner:
        print(say("The owner's token: {token}", token=server.token))
    if room:
        print(say("The class's token: {token}", token=server.room_token))
    print(say("In a notebook:"))
    told = f'token="{server.token}"' if owner else "token=…"
    name = next((name for name in server.names if name not in server.problems), server.names[0])
    print(f'scope = llmscope.connect("{server.address}", "{name}", {told})')
