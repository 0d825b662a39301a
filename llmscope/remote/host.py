"""Models in this process, and who asks them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from llmscope.capture.prefix_cache import kept_for
from llmscope.kernel.requests import PAUSE
from llmscope.remote.engine import Engine
from llmscope.remote.protocol import DONE as DONE_REPLY
from llmscope.remote.protocol import ERROR as ERROR_REPLY
from llmscope.remote.protocol import PART as PART_REPLY
from llmscope.remote.protocol import error_frame, language_of, urgency_of
from llmscope.remote.tokenizer import files_of
from llmscope.remote.turns import DONE, ERROR, Turn, Turns
from llmscope.remote.values import packed, unpacked
from llmscope.words import refused, spoken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from llmscope.scope import Scope

    Reply = tuple[bytes, bytes]  # the kind of reply, and a frame


class Host:
    """Answers for models in one thread, fairly between people.

    Parameters
    ----------
    models
        What loads each model, by its name.
    """

    def __init__(self, models: Mapping[str, Callable[[], Scope]]) -> None:
        self._models = dict(models)
        self._engines: dict[str, Engine] = {}
        self._tokenizers: dict[str, bytes] = {}
        self._turns = Turns()
        self._lock = asyncio.Lock()

    @property
    def waiting(self) -> int:
        """How many answers aren't whole yet."""
        return self._turns.waiting

    @property
    def stands(self) -> bool:
        """Whether what is asked is answered."""
        return self._turns.stands

    async def load(self, model: str) -> Engine:
        """Return what answers for a model, which is loaded unless it was.

        Raises
        ------
        ValueError
            When there is no such model.
        LoadError
            When it can't be loaded.
        """
        if model not in self._models:
            raise refused("There is no model {model!r:.80} here.", model=model)
        async with self._lock:
            if model not in self._engines:
                scope = await asyncio.to_thread(self._models[model])
                self._engines[model] = Engine(scope, self._engines.__getitem__)
        return self._engines[model]

    def unload(self, model: str) -> None:
        """Let go of a model."""
        self._engines.pop(model, None)

    async def tokenizer(self, model: str) -> bytes:
        """Return the files of a model's tokenizer, as a frame."""
        engine = await self.load(model)
        if model not in self._tokenizers:
            files = await asyncio.to_thread(lambda: packed(files_of(engine.scope.tokenizer)))
            self._tokenizers[model] = files
        return self._tokenizers[model]

    async def ask(self, person: str, frame: bytes) -> AsyncIterator[Reply]:
        """Yield what is replied to a message; the last one is the end, or an error."""
        try:
            message = unpacked(frame, classes=False)
            engine = await self.load(message["model"])
            for name in message.get("of") or []:
                if isinstance(name, dict) and "model" in name:
                    await self.load(name["model"])
            urgency = urgency_of(message)
        except Exception as error:
            yield ERROR_REPLY, error_frame(error)
            return
        loop = asyncio.get_running_loop()
        replies: asyncio.Queue[Reply] = asyncio.Queue()

        def send(kind: str, value: Any) -> None:
            if kind == ERROR:
                said = ERROR_REPLY, error_frame(value)
            elif kind == DONE:
                said = DONE_REPLY, b""
            else:
                said = PART_REPLY, value if isinstance(value, bytes) else packed(value)
            loop.call_soon_threadsafe(replies.put_nowait, said)

        def work(turn: Turn) -> Iterator[Any]:
            parts = engine.answer(message, person, turn)
            return _packed(parts, person, language_of(message))

        turn = self._turns.ask(person, urgency, work, send, message.get("do") in _LONG)
        try:
            while True:
                said = await replies.get()
                turn.read()
                yield said
                if said[0] != PART_REPLY:
                    return
        finally:
            turn.cancel()

    def close(self) -> None:
        """Let go of everything."""
        self._turns.close()
        self._engines.clear()


def _packed(parts: Iterator[Any], person: str, language: str) -> Iterator[Any]:
    """Pack parts that are made for a person, in a language; what pauses is as it was."""
    while True:
        with spoken(language), kept_for(person):
            part = next(parts, _END)
            if part is _END:
                return
            said = part if part is PAUSE else packed(part)
        yield said


_END = object()
_LONG = frozenset(["generate", "run"])
