"""An interrupt (Ctrl-C) at a chosen moment of a call, as far as Python can be interrupted there."""

from __future__ import annotations

import contextlib
import dis
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import torch

import llmscope

# CPython looks for signals at the start of a function, after a call, and where a loop goes back.
_LOOKS = ("RESUME", "CALL", "CALL_KW", "CALL_FUNCTION_EX")
_OWN = str(Path(llmscope.__file__).parent)
# What our own code calls to set something or to wait, and so is as good a moment.
_HELPERS = tuple(
    str(Path(module.__file__ or ""))
    for module in (
        contextlib, threading, sys.modules["torch.autograd.grad_mode"],
        sys.modules["torch.utils._contextlib"], sys.modules["torch.overrides"],
        sys.modules["torch.utils.hooks"],
    )
)  # fmt: skip

Moment = tuple[CodeType, int]


@cache
def _moments(code: CodeType) -> frozenset[int]:
    """Offsets of instructions before which an interrupt can come.

    Python raises it in the instruction that looked for signals, a tracer in the one that follows:
    where another handler is in charge of that, as at the end of a `with`, the two aren't the same.
    """
    found = set()
    before: dis.Instruction | None = None
    for instruction in dis.get_instructions(code):
        if (
            before is not None
            and before.opname in _LOOKS
            and _handler(code, before.offset) == _handler(code, instruction.offset)
        ):
            found.add(instruction.offset)
        if "JUMP_BACKWARD" in instruction.opname:
            found.add(instruction.argval)
        before = instruction
    return frozenset(found)


def _handler(code: CodeType, offset: int) -> int | None:
    entries = dis._parse_exception_table(code)  # type: ignore[attr-defined]
    return next((entry.target for entry in entries if entry.start <= offset < entry.end), None)


def place(moment: Moment) -> str:
    """Say where a moment is: file, line and function."""
    code, offset = moment
    line = next(
        (line for start, end, line in code.co_lines() if start <= offset < end), code.co_firstlineno
    )
    return f"{Path(code.co_filename).name}:{line} ({code.co_name})"


class Moments:
    """Counts the moments of calls made in its block, and interrupts at one of them."""

    def __init__(self, interrupted_at: int | None = None) -> None:
        self.seen: list[Moment] = []
        self._at = interrupted_at

    def __enter__(self) -> Moments:
        sys.settrace(self._call)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _call(self, frame: FrameType, event: str, arg: Any) -> Callable[..., Any] | None:
        if not _is_ours(frame):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._opcode

    def _opcode(self, frame: FrameType, event: str, arg: Any) -> Callable[..., Any]:
        if event == "opcode" and frame.f_lasti in _moments(frame.f_code):
            self.seen.append((frame.f_code, frame.f_lasti))
            if len(self.seen) - 1 == self._at:
                raise KeyboardInterrupt
        return self._opcode


def _is_ours(frame: FrameType | None) -> bool:
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(_OWN):
            return True
        if not name.startswith(_HELPERS):
            return False
        frame = frame.f_back
    return False


@contextlib.contextmanager
def signals() -> Any:
    """Turn SIGUSR1 into an interrupt, as Python does with SIGINT."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, before)


def interrupted_after(
    seconds: float, call: Callable[[], Any], again: float | None = None
) -> BaseException | None:
    """Make a call, and interrupt it after a while; give the interrupt if it came in time.

    With `again`, one more interrupt follows so many seconds later, as of an impatient hand.
    """
    main = threading.main_thread().ident
    assert main is not None
    running = threading.Event()
    ended = threading.Event()

    def send() -> None:
        running.wait()
        for pause in (seconds,) if again is None else (seconds, again):
            time.sleep(pause)
            if not ended.is_set():
                signal.pthread_kill(main, signal.SIGUSR1)

    sender = threading.Thread(target=send)
    sender.start()
    came: BaseException | None = None
    try:
        try:
            running.set()
            call()
        except KeyboardInterrupt as error:
            came = error
        _join(sender, ended)
    except KeyboardInterrupt as error:  # the second one, after the call
        came = came or error
        _join(sender, ended)
    return came


def _join(sender: threading.Thread, ended: threading.Event) -> None:
    try:
        ended.set()
        sender.join()
    except KeyboardInterrupt:
        _join(sender, ended)


assert torch  # whose modules are looked up above
