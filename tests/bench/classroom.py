"""A class at one server: students who type, slide and look at heads, on SmolLM2.

``python -m tests.bench.classroom [STUDENTS …]`` prints a table for 1, 10, 30 and 60 students of two
minutes each, for three kinds of service: llmscope's own server, a plain one around ``model(...)``
that computes each text anew, and what thirty kernels with a model each would take in memory.
``--seconds`` makes it shorter, ``--wire`` shows what the wire costs one person.

A student types a sentence, four keys a second; looks at six heads, one every second; moves sliders
for four seconds, which asks for nothing; and begins anew. A key waits until what comes next is
shown after it, or after a later key: as in a page, that one ends what was asked before, but for one
text that is read to its end when nothing came for half a second. The plain service can't be told,
so it has six requests of a student at once, as browsers have, and what waits behind them is left
out when it is old. What isn't answered five seconds after the end counts as unanswered.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from statistics import median

import numpy as np
import psutil

from tests.bench.table import show

SENTENCES = [
    "The capital of France is",
    "When Mary and John went to the store, John gave a drink to",
    "A keystroke should never wait for somebody else's survey",
    "Water boils at a hundred degrees and freezes at",
    "In the beginning there was a small language model",
]
KEY, HEAD, SLIDE = 0.25, 1.0, 4.0  # seconds
PATIENCE, LATE = 0.5, 5.0  # seconds


@dataclass
class Seen:
    """What one student has seen: seconds of each answer, and what didn't come."""

    pressed: int = 0
    keys: list[float] = field(default_factory=list)
    heads: list[float] = field(default_factory=list)
    refused: int = 0


def serve(kind: str) -> None:
    """Serve SmolLM2 until the standard input ends, and print the port."""
    import llmscope
    from tests.serving import Served

    scope = llmscope.load(progress=lambda *_: None)
    scope.trace("warm").logits_at(-1)
    server = Served({"smollm2": scope}) if kind == "llmscope" else Plain(scope)
    print(server.port, flush=True)
    sys.stdin.read()


class Plain:
    """What many write first: one lock, one forward for each request, JSON."""

    def __init__(self, scope) -> None:
        import torch
        import uvicorn
        from starlette.applications import Starlette
        from starlette.concurrency import run_in_threadpool
        from starlette.responses import JSONResponse
        from starlette.routing import Route

        lock = threading.Lock()

        def compute(text: str, head: list[int] | None) -> dict[str, object]:
            ids = scope.tokenizer(text, return_tensors="pt").input_ids
            with lock, torch.no_grad():
                if head is None:
                    return {"logits": scope.model(ids).logits[0, -1].tolist()}
                found = scope.model(ids, output_attentions=True).attentions
                return {"weights": found[head[0]][0, head[1]].tolist()}

        async def answer(request):
            asked = await request.json()
            return JSONResponse(await run_in_threadpool(compute, asked["text"], asked.get("head")))

        scope.model.set_attn_implementation("eager")  # which alone returns weights
        app = Starlette(routes=[Route("/", answer, methods=["POST"])])
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off")
        server = uvicorn.Server(config)
        threading.Thread(target=server.run, daemon=True).start()
        while not server.started:
            time.sleep(0.01)
        self.port = server.servers[0].sockets[0].getsockname()[1]


Ask = Callable[[str, "list[int] | None", Callable[[], bool]], bool]


def ask_llmscope(port: int) -> tuple[Ask, Callable[[], None]]:
    """Return what asks our server for the next token after a text, or a head, and its end."""
    import llmscope
    from tests.serving import TOKENS

    scope = llmscope.connect(f"http://127.0.0.1:{port}", token=TOKENS.room)

    def ask(text: str, head: list[int] | None, cancelled: Callable[[], bool]) -> bool:
        trace = scope.trace(text, cancelled=cancelled)
        key = f"t1/logits/{len(trace) - 1}"
        if head is not None:
            key = f"t1/self/head.{head[0]}.{head[1]}/0.0.0.max"
        message = {"do": "view", "key": key, "of": [trace.wire_name]}
        return len([*scope.elsewhere.parts(message)]) == 1

    return ask, scope.close


def ask_plain(port: int) -> tuple[Ask, Callable[[], None]]:
    """Return what asks the plain service for the same, and its end."""
    at_once = threading.Semaphore(6)

    def ask(text: str, head: list[int] | None, cancelled: Callable[[], bool]) -> bool:
        data = json.dumps({"text": text, "head": head}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{port}/", data)
        with at_once:
            if cancelled():
                return False
            with urllib.request.urlopen(request, timeout=600) as answer:
                found = json.load(answer)
        return bool(np.asarray(found.get("logits") or found["weights"]).size)

    return ask, lambda: None


def student(ask: Ask, number: int, until: float, seen: Seen) -> None:
    """Type, look and slide until the time is over."""
    chance = random.Random(number)
    time.sleep(chance.random() * 3)
    while time.monotonic() < until:
        sentence = chance.choice(SENTENCES)
        typed = Typed(seen)
        threads = []
        for count in range(1, len(sentence) + 1):
            typed.press()
            work = partial(typed.answer, ask, sentence[:count], count)
            threads.append(threading.Thread(target=work, daemon=True))
            threads[-1].start()
            time.sleep(KEY)
            if time.monotonic() > until:
                break
        for thread in threads:
            thread.join()
        for _ in range(6):
            begun = time.monotonic()
            head = [chance.randrange(30), chance.randrange(9)]
            if try_to(partial(ask, sentence, head, lambda: False), seen):
                seen.heads.append(time.monotonic() - begun)
            time.sleep(max(0.0, HEAD - (time.monotonic() - begun)))
            if time.monotonic() > until:
                return
        time.sleep(SLIDE)


class Typed:
    """One sentence: when its keys were pressed, and which of them are answered."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._pressed: list[float] = []
        self._answered = 0
        self._older = 0  # the key that is read to its end, though others were pressed since
        self._since = 0.0  # when the first was pressed of those that nothing came for yet
        self._lock = threading.Lock()

    def press(self) -> None:
        with self._lock:
            now, latest = time.monotonic(), len(self._pressed)
            if self._answered == latest:
                self._since = now
            elif not self._older and now - self._since > PATIENCE:
                self._older = latest
            self._pressed.append(now)
            self._seen.pressed += 1

    def answer(self, ask: Ask, text: str, count: int) -> None:
        """Wait for what comes after the first `count` keys, unless a later one is there first."""

        def is_old() -> bool:
            return count < self._answered or count not in (self._older, len(self._pressed))

        is_there = try_to(lambda: ask(text, None, is_old), self._seen)
        with self._lock:
            if count in (self._older, len(self._pressed)):
                self._older, self._since = 0, time.monotonic()
            if is_there:
                now = time.monotonic()
                self._seen.keys += [now - at for at in self._pressed[self._answered : count]]
                self._answered = max(self._answered, count)


def try_to(look: Callable[[], bool], seen: Seen) -> bool:
    """Return whether something was seen: not where it was cancelled, or refused."""
    from llmscope.capture import Cancelled
    from llmscope.remote.protocol import Busy

    try:
        return look()
    except Cancelled:
        return False
    except (Busy, OSError):
        seen.refused += 1
        return False


def measure(kind: str, students: int, seconds: float) -> list[str]:
    """Return a row of the table."""
    command = [sys.executable, "-m", "tests.bench.classroom", "--serve", kind]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    port = int(server.stdout.readline())
    make = ask_llmscope if kind == "llmscope" else ask_plain
    asks = [make(port) for _ in range(students)]
    until = time.monotonic() + seconds
    all_seen = [Seen() for _ in asks]
    threads = [
        threading.Thread(target=student, args=(ask, number, until, seen), daemon=True)
        for number, ((ask, _), seen) in enumerate(zip(asks, all_seen, strict=True))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until + LATE - time.monotonic()))
    memory = psutil.Process(server.pid).memory_info().rss
    pressed = sum(seen.pressed for seen in all_seen)
    keys = sorted(one for seen in all_seen for one in seen.keys)
    heads = sorted(one for seen in all_seen for one in seen.heads)
    refused = sum(seen.refused for seen in all_seen)
    server.kill()
    server.wait()
    for _, close in asks:
        close()
    return [
        kind,
        str(students),
        *(f"{1000 * at:.0f}" for at in (median(keys), keys[int(0.95 * len(keys))])),
        *(f"{1000 * at:.0f}" for at in (median(heads), heads[int(0.95 * len(heads))])),
        f"{len(keys)}",
        f"{pressed - len(keys)}",
        f"{len(heads)}",
        f"{refused}",
        f"{memory / 1e9:.2f}",
    ]


def kernels() -> str:
    """Return what one kernel with a model of its own holds, and thirty of them."""
    code = (
        "import llmscope, psutil\n"
        "scope = llmscope.load(progress=lambda *_: None)\n"
        "scope.trace('When Mary and John went to the store').logits_at(-1)\n"
        "print(psutil.Process().memory_info().rss)"
    )
    one = int(subprocess.check_output([sys.executable, "-c", code]))
    total = psutil.virtual_memory().total
    return (
        f"A kernel with a model of its own holds {one / 1e9:.2f} GB, thirty "
        f"{30 * one / 1e9:.0f} GB; {total // one} fit into this machine's {total / 1e9:.0f} GB."
    )


def wire() -> str:
    """Return what one person waits for here, and through a server on this machine."""
    import llmscope
    from tests.serving import serving

    scope = llmscope.load(progress=lambda *_: None)
    rows = []
    with serving({"smollm2": scope}) as server:
        remote = server.connect()
        for name, look in {
            "next token": lambda trace: trace.logits_at(-1),
            "one head": lambda trace: trace.attention(12, 3),
        }.items():
            times: dict[bool, list[float]] = {True: [], False: []}
            for turn in range(40):
                for is_remote in (turn % 2 == 0, turn % 2 == 1):
                    place = "There" if is_remote else "Here"  # nothing is cached of the other
                    text = f"{place}, turn {turn} of {name}: the capital of France is"
                    begun = time.perf_counter()
                    look((remote if is_remote else scope).trace(text))
                    times[is_remote].append(time.perf_counter() - begun)
            there, here = (median(times[one]) for one in (True, False))
            rows.append(f"{name}: {1000 * here:.0f} ms here, {there / here:.2f} of it there")
    return "; ".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("students", nargs="*", type=int, default=[1, 10, 30, 60])
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--serve")
    parser.add_argument("--wire", action="store_true")
    args = parser.parse_args()
    if args.serve:
        serve(args.serve)
        return
    print(wire())
    if args.wire:
        return
    heads = ["service", "students", "key ms", "95 %", "head ms", "95 %"]
    heads += ["keys", "unanswered", "heads", "refused", "GB"]
    rows = [
        measure(kind, students, args.seconds)
        for students in args.students
        for kind in ("llmscope", "plain")
    ]
    show("A class at one server", heads, rows)
    print(kernels())


if __name__ == "__main__":
    main()
