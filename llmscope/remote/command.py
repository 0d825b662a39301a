"""`python -m llmscope serve MODEL… --host --port --token`."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import threading
from argparse import ArgumentParser, Namespace
from typing import Any

from llmscope.remote.served import Served, serve

_TOKENS = {"token": "LLMSCOPE_TOKEN", "room_token": "LLMSCOPE_ROOM_TOKEN"}


def arguments(parser: ArgumentParser) -> None:
    """Add what can be given to the command's parser."""
    parser.add_argument(
        "models", nargs="*", metavar="MODEL", help="a Hub id or a folder; by default smollm2"
    )
    parser.add_argument("--host", default="127.0.0.1", help="by default for this machine alone")
    parser.add_argument("--port", default=8000, type=int)
    parser.add_argument("--token", help="the owner's; by default LLMSCOPE_TOKEN, or a new one")
    parser.add_argument(
        "--room-token", help="the class's; by default LLMSCOPE_ROOM_TOKEN, or a new one"
    )
    parser.add_argument("--address", help="of a Ray cluster, such as auto; by default here")
    parser.add_argument(
        "--apart", action="store_true", help="each model has the resources below, not all together"
    )
    parser.add_argument("--replicas", default=1, type=_replicas, metavar="N or LEAST-MOST")
    parser.add_argument("--num-gpus", default=0.0, type=float, help="of each replica")
    parser.add_argument("--num-cpus", type=float, help="of each replica, and so its threads")
    parser.add_argument("--at-once", default=3, type=int, help="models that a replica holds")
    parser.add_argument("--dtype", help="the precision, such as bfloat16")
    parser.add_argument("--device-map", help="such as auto, for what is larger than one device")


def run(args: Namespace) -> int:
    """Serve until Ctrl-C, then let what was asked be answered, and return the exit status."""
    if args.token or args.room_token:
        _hide(args)
    # What this process has in its environment, all of Ray's would have, and show.
    tokens = {name: os.environ.pop(variable, None) for name, variable in _TOKENS.items()}
    # Ray's own ports are open to other machines, and whoever it takes in runs code. It reads this
    # when it is imported.
    if args.address is None and os.environ.setdefault("RAY_AUTH_MODE", "token") == "token":
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    resources = {"replicas": args.replicas, "num_gpus": args.num_gpus, "num_cpus": args.num_cpus}
    options = {"dtype": args.dtype, "device_map": args.device_map}
    models: list[Any] = args.models or ["smollm2"]
    if args.apart:
        models, resources = [Served(model, **resources) for model in models], {}
    over = threading.Event()
    try:
        server = serve(
            models,
            host=args.host,
            port=args.port,
            address=args.address,
            at_once=args.at_once,
            token=tokens["token"],
            room_token=tokens["room_token"],
            **resources,
            **options,
        )
    except (OSError, ValueError, ModuleNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    with server:
        if len(server.problems) == len(server.names):
            return 1
        sys.stdout.flush()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: over.set())
        over.wait()
        signal.signal(signal.SIGINT, signal.default_int_handler)  # twice ends it at once
    return 0


def _replicas(text: str) -> int | tuple[int, int]:
    least, _, most = text.partition("-")
    return (int(least), int(most)) if most else int(least)


def _hide(args: Namespace) -> None:
    """Begin anew without tokens in the command line, which Ray keeps, and every user can list."""
    known = {_TOKENS[name]: getattr(args, name) for name in _TOKENS if getattr(args, name)}
    left, skips = [], False
    for word in sys.argv[1:]:
        is_token = word.startswith(("--t", "--ro"))  # as argparse takes them, shortened too
        if not is_token and not skips:
            left.append(word)
        skips = is_token and "=" not in word
    os.execve(sys.executable, [sys.executable, "-m", "llmscope", *left], {**os.environ, **known})
