"""Ray and Ray Serve, started and asked to run what is served."""

from __future__ import annotations

import logging
import os
import socket
from contextlib import closing
from typing import TYPE_CHECKING, Any

from llmscope.words import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmscope.remote.limits import Limits, Tokens

NAME = "llmscope"  # of the application
_STARTS = 3
_SLACK = 0.001  # of a CPU, which is divided among replicas
_STORE = 256 * 2**20  # bytes that Ray may take for what goes between processes here


def installed_ray() -> Any:
    """Return the module, or raise ModuleNotFoundError with what to install."""
    try:
        import ray
        from ray import serve as _serve  # noqa: F401
    except ImportError as error:
        raise ModuleNotFoundError(
            'Serving models needs Ray: pip install "jupyter-llmscope[ray]"'
        ) from error
    return ray


def start(ray: Any, address: str | None) -> None:
    """Start Ray on this machine, or connect to a cluster."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # What is said by replicas is in Ray's own logs; what a caller must know is raised here.
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": True}
    if address is not None:
        ray.init(address=address, **quiet)
        return
    for left in reversed(range(_STARTS)):
        try:
            # "local" even where a cluster was started on this machine
            ray.init(
                "local",
                include_dashboard=False,
                object_store_memory=_STORE,
                **quiet,
            )
            return
        except Exception:  # Ray's own, of no other kind: on a busy machine its parts are late
            ray.shutdown()
            if not left:
                raise


def check_free(host: str, port: int) -> None:
    """Raise OSError when a port can't be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((host, port))
        except OSError as error:
            raise OSError(
                error.errno,
                say(
                    "{host}, port {port}, can't be listened on: choose another port.",
                    host=host,
                    port=port,
                ),
            ) from error


def check_room(ray: Any, needs: Sequence[Mapping[str, Any]], is_here: bool) -> None:
    """Raise ValueError where replicas take more than there is here; on a cluster, say it.

    Parameters
    ----------
    ray
        The module.
    needs
        ``num_gpus``, ``num_cpus`` and ``replicas`` of each deployment.
    is_here
        Whether Ray is this machine alone: no other node comes.
    """
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    kinds = {"GPU": "num_gpus", "CPU": "num_cpus"}
    ours = {kind: sum(node.get(kind, 0) for node in nodes) for kind in kinds}
    theirs = {
        kind: sum(need[name] * least(need["replicas"]) for need in needs)
        for kind, name in kinds.items()
    }
    fits = all(
        any(all(node.get(kind, 0) >= need[name] for kind, name in kinds.items()) for node in nodes)
        for need in needs
    )
    if fits and all(theirs[kind] <= ours[kind] + _SLACK for kind in kinds):
        return
    counts = {"gpus": theirs["GPU"], "cpus": theirs["CPU"]}
    counts |= {"our_gpus": ours["GPU"], "our_cpus": ours["CPU"]}
    told = say(
        "What is served takes {gpus:g} GPUs and {cpus:g} CPUs, each replica on one machine: there "
        "are {our_gpus:g} and {our_cpus:g}.",
        **counts,
    )
    if is_here:
        raise ValueError(told)
    print(told, say("Waiting for more."))


def least(replicas: int | tuple[int, int]) -> int:
    """Return how many replicas there are at least."""
    return replicas if isinstance(replicas, int) else replicas[0]


def run(
    host: str,
    port: int,
    shared: Mapping[str, Any],
    own: Mapping[str, Any],
    resources: Mapping[str, Any],
    tokens: Tokens,
    limits: Limits,
    origins: Sequence[str],
    at_once: int,
) -> str:
    """Run the application, and return its address."""
    from ray import serve
    from ray.serve.context import _get_global_client

    from llmscope.remote.cluster import application

    logs = {"log_level": "ERROR", "enable_access_log": False}
    logging.getLogger("ray.serve").setLevel(logging.ERROR)
    serve.start(
        proxy_location="HeadOnly",
        http_options={"host": host, "port": port},
        logging_config=logs,
    )
    built = application(shared, own, resources, tokens, limits, origins, at_once)
    serve.run(built, name=NAME, route_prefix="/", logging_config=logs)
    listens = _get_global_client().http_config  # a Ray Serve that stood before keeps its own
    where = listens.host if listens.host not in ("0.0.0.0", "::") else socket.gethostname()
    return f"http://[{where}]:{listens.port}" if ":" in where else f"http://{where}:{listens.port}"
