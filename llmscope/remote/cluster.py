"""What runs on a Ray cluster: replicas that hold models, and the ingress that asks them."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING, Any

from ray import serve
from ray.exceptions import RayError, RayTaskError, TaskCancelledError
from ray.serve.config import RequestRouterConfig
from transformers.utils.logging import disable_progress_bar

from llmscope.remote.host import Host
from llmscope.remote.limits import Limits, Tokens
from llmscope.remote.protocol import DONE, ERROR, PART, Busy, error_frame, error_of, language_of
from llmscope.remote.service import Service
from llmscope.remote.values import unpacked
from llmscope.scope import load
from llmscope.words import ENGLISH, refused, say, spoken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from starlette.applications import Starlette

    from llmscope.remote.host import Reply
    from llmscope.remote.service import Models

_TIMES = 4  # that one message is sent to replicas: once, and three times again
_AGAIN = 0.2  # seconds before the first of these
_ANSWERS = (
    1000  # that a replica has in hand at most: its turns are fair, and what waits before isn't
)
_TARGET = 8  # answers in hand of each replica, for which replicas are added
_CONNECTIONS = 10_000  # of which each counts as a request of the ingress
_BEGINNING = 32  # characters of a text that choose its replica
_LATER = 10.0  # seconds after which it may be asked again, where there is nothing to answer now
_WAIT = 30.0  # seconds for a replica to take a message
_DRAIN = 10.0  # seconds that answers, and connections, have to end when a process is replaced
_TAKEN = b"T"  # a reply: a replica has the message
_ROUTER = "ray.serve.experimental.consistent_hash_router.ConsistentHashRouter"


class Replica:
    """Holds models in one process.

    Parameters
    ----------
    models
        What each is loaded from, and the options of `llmscope.load`, by its name.
    at_once
        How many are held at once: whichever was not asked for longest is let go of.
    """

    async def __init__(  # type: ignore[misc]  # as Ray Serve takes it
        self, models: Mapping[str, tuple[Any, Any]], at_once: int
    ) -> None:
        disable_progress_bar()  # type: ignore[no-untyped-call]  # nobody watches the log
        self._host = Host(
            {name: partial(load, where, **options) for name, (where, options) in models.items()}
        )

        async def held(name: str) -> _Held:
            await self._host.load(name)
            return _Held(self._host, name)

        self._held = serve.multiplexed(max_num_models_per_replica=at_once)(held)
        # Who asks for a model that doesn't load is told why: the process is of use to others.
        for name in [*models][:at_once]:
            with suppress(Exception):
                await self._held(name)

    async def ask(self, person: str, frame: bytes, models: Sequence[str]) -> AsyncIterator[Reply]:
        """Yield that a message is taken, and what is replied to it, about some models."""
        yield _TAKEN, b""
        try:
            await self._load(models)
        except Exception as error:
            yield ERROR, error_frame(error)
            return
        async for said in self._host.ask(person, frame):
            yield said

    async def tokenizer(self, model: str) -> AsyncIterator[Reply]:
        """Yield that it is asked, and the files of a model's tokenizer, or why there are none."""
        yield _TAKEN, b""
        try:
            await self._load([model])
            yield PART, await self._host.tokenizer(model)
        except Exception as error:
            yield ERROR, error_frame(error)

    async def _load(self, models: Sequence[str]) -> None:
        for name in models:
            await self._held(name)

    def check_health(self) -> None:
        """Raise when nothing would be answered here any more: then the process is replaced."""
        if not self._host.stands:
            raise RuntimeError("The thread that answers has ended.")

    def __del__(self) -> None:
        if hasattr(self, "_host"):
            self._host.close()


class _Held:
    """One model, for as long as Ray Serve keeps this object."""

    def __init__(self, host: Host, name: str) -> None:
        self._host: Host | None = host
        self._name = name

    def __del__(self) -> None:
        # Ray Serve calls it, and Python once more: by then the model may be there again.
        host, self._host = self._host, None
        if host is not None:
            host.unload(self._name)


class Ingress:
    """What listens: a `Service` over the replicas.

    Parameters
    ----------
    handles
        Of the deployment that holds each model, by the model's name.
    together
        Models of which two can be compared: one replica holds them both.
    tokens, limits, origins
        As of `Service`.
    """

    def __init__(
        self,
        handles: Mapping[str, Any],
        together: Sequence[str],
        tokens: Tokens,
        limits: Limits,
        origins: Sequence[str],
    ) -> None:
        self._models: Models = Replicas(handles, together)
        self._service = Service(self._models, tuple(handles), tokens, limits, origins)

    def __serve_build_asgi_app__(self) -> Starlette:
        return self._service.app

    async def problem(self, model: str) -> Reply:
        """Return the error, as a frame, for which a model can't be asked; or the end."""
        try:
            await self._models.tokenizer(model)
        except Exception as error:
            return ERROR, error_frame(error)
        return DONE, b""


class Replicas:
    """Models on a cluster, asked as a `Host` is.

    A replica that dies is replaced by Ray Serve; what it was asked is asked again, since answers
    are the same wherever they are made, and a text that is being written is remade by its journal.

    Parameters
    ----------
    handles, together
        As of `Ingress`.
    """

    def __init__(self, handles: Mapping[str, Any], together: Sequence[str]) -> None:
        self._handles = dict(handles)
        self._together = frozenset(together)

    async def ask(self, person: str, frame: bytes) -> AsyncIterator[Reply]:
        """Yield what is replied to a message; the last one is the end, or an error."""
        message = unpacked(frame, classes=False)
        language, model = language_of(message), message["model"]
        with spoken(language):
            models = self._models(message)
        handle = self._at(model, affinity(message))
        async for said in self._replies(model, language, handle.ask, person, frame, models):
            yield said

    async def tokenizer(self, model: str) -> bytes:
        """Return the files of a model's tokenizer, as a frame."""
        handle = self._at(model, "")
        async for kind, frame in self._replies(model, ENGLISH, handle.tokenizer, model):
            if kind == ERROR:
                raise error_of(frame)
            return frame
        raise AssertionError

    async def _replies(
        self, model: str, language: str, remote: Any, *args: Any
    ) -> AsyncIterator[Reply]:
        """Yield what a replica replies, or another one where it ends."""
        for left in reversed(range(_TIMES)):
            replies, is_over = _alone(remote.remote, *args), False
            try:
                await asyncio.wait_for(anext(replies), _WAIT)
                async for said in replies:
                    yield said
                is_over = True
                return
            except TimeoutError:
                raise _untaken(model, language) from None
            except RayError as error:
                is_over = True
                if isinstance(error, (RayTaskError, TaskCancelledError)):
                    raise
                if not left:
                    raise _lost(model, language) from None
            finally:
                if not is_over:
                    replies.cancel()
            await asyncio.sleep(_AGAIN * (_TIMES - left))

    def _at(self, model: str, place: str) -> Any:
        # The model is what a router looks at that knows which replicas hold it, the place what
        # one looks at that sends the same to the same.
        options = {"multiplexed_model_id": model, "session_id": place or model}
        return self._handles[model].options(stream=True, **options)

    def _models(self, message: dict[str, Any]) -> list[str]:
        """Return the names of the models that a message is about, its own one last."""
        own = message["model"]
        named = [name.get("model", own) for name in message.get("of") or []]
        others = dict.fromkeys(name for name in named if name != own)
        for other in others:
            if not {own, other} <= self._together:
                raise refused(
                    "{a!r:.80} and {b!r:.80} aren't held by one process of the server, which "
                    "comparing them takes.",
                    a=own,
                    b=other,
                )
        return [*others, own]


def _lost(model: str, language: str) -> Busy:
    with spoken(language):
        words = say(
            "What holds {model!r:.80} ended {times} times while it answered: try again later.",
            model=model,
            times=_TIMES,
        )
    return Busy(words, _LATER)


def _untaken(model: str, language: str) -> Busy:
    with spoken(language):
        words = say(
            "Nothing that holds {model!r:.80} is ready: it is being started, there is no room for "
            "it on the cluster, or it has too much to do.",
            model=model,
        )
    return Busy(words, _LATER)


def _alone(remote: Any, *args: Any) -> Any:
    """Ask a deployment, as if for no request of the ingress.

    All that is asked within one request has one number for Ray Serve, and a router that finds what
    waits by this number would find one of those that wait at once: a connection is one request.
    """
    return Context().run(remote, *args)


def affinity(message: dict[str, Any]) -> str:
    """Return what chooses the replica: the same for all that one trace, or one writing, is asked.

    It is how a text begins, not all of it, so that a person who types on stays where the prefix
    of the text is cached.
    """
    if message.get("do") == "write":
        return str(message.get("id"))[:80]
    of = message.get("of") or [{}]
    text = of[0].get("text") if isinstance(of[0], dict) else None
    return text[:_BEGINNING] if isinstance(text, str) else json.dumps(text)[: 4 * _BEGINNING]


def application(
    shared: Mapping[str, tuple[Any, Any]],
    own: Mapping[str, tuple[Any, Any]],
    resources: Mapping[str, dict[str, Any]],
    tokens: Tokens,
    limits: Limits,
    origins: Sequence[str],
    at_once: int,
) -> Any:
    """Return the application that Ray Serve runs.

    Parameters
    ----------
    shared, own
        What models are loaded from, and how, by name: those of one deployment, which holds as
        many as `at_once` in each replica, and those that have one each.
    resources
        ``num_cpus``, ``num_gpus`` and ``replicas`` of the shared deployment, by the name "", and of
        the others.
    tokens, limits, origins
        As of `Service`.
    at_once
        Models that one replica of the shared deployment holds.

    Returns
    -------
    ray.serve.Application
        An ingress, bound to the deployments.
    """
    handles: dict[str, Any] = {}
    if shared:
        bound = _deployment("models", **resources[""]).bind(dict(shared), at_once)
        handles.update(dict.fromkeys(shared, bound))
    for name, how in own.items():
        title = "model-" + "".join(c if c.isalnum() or c in "._-" else "-" for c in name)
        placed = _deployment(title, router=_ROUTER, **resources[name])
        handles[name] = placed.bind({name: how}, 1)
    ingress = serve.deployment(serve.ingress()(Ingress)).options(
        name="ingress",
        ray_actor_options={"num_cpus": 0},
        max_ongoing_requests=_CONNECTIONS,
        graceful_shutdown_timeout_s=_DRAIN,
        graceful_shutdown_wait_loop_s=0.1,
    )
    together = [*shared] if at_once > 1 else []
    return ingress.bind(handles, together, tokens, limits, tuple(origins))


def _deployment(
    name: str,
    replicas: int | tuple[int, int],
    num_cpus: float,
    num_gpus: float,
    router: str | None = None,
) -> Any:
    options: dict[str, Any] = {
        "name": name,
        "ray_actor_options": {"num_cpus": num_cpus, "num_gpus": num_gpus},
        "max_ongoing_requests": _ANSWERS,
        "graceful_shutdown_timeout_s": _DRAIN,
        "graceful_shutdown_wait_loop_s": 0.1,
        "health_check_period_s": 5,
    }
    if isinstance(replicas, int):
        options["num_replicas"] = replicas
    else:
        least, most = replicas
        options["autoscaling_config"] = {
            "min_replicas": least,
            "max_replicas": most,
            "target_ongoing_requests": _TARGET,
        }
    if router is not None:
        options["request_router_config"] = RequestRouterConfig(request_router_class=router)
    return serve.deployment(Replica).options(**options)
