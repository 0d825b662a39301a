"""One model of a server, asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from llmscope.capture import NEVER, Cancel
from llmscope.remote.connection import Connection
from llmscope.remote.names import Name
from llmscope.remote.tokenizer import tokenizer_of
from llmscope.remote.values import unpacked

if TYPE_CHECKING:
    from transformers import GenerationConfig, PreTrainedTokenizerBase

    from llmscope.capture.facts import Facts


class Asked:
    """A model on a server.

    Parameters
    ----------
    connection
        To the server.
    model
        The name of the model there.
    role
        What the token is: "owner" or "room".

    Attributes
    ----------
    tokenizer
        A real one, of the server's files.
    facts, width, generation_config
        As of a `Scope`.
    """

    def __init__(self, connection: Connection, model: str, role: str = "room") -> None:
        self.connection = connection
        self.model = model
        self.role = role
        self.tokenizer: PreTrainedTokenizerBase = tokenizer_of(
            connection.get(f"/v1/tokenizer/{model}")
        )
        about = self.read({"do": "model"})
        self.facts: Facts = about["facts"]
        self.width: int = about["width"]
        self.generation_config = _config(about["generation_config"])

    def parts(self, message: Name, cancelled: Cancel = NEVER) -> Iterator[Any]:
        """Yield what the server answers to a message about the model, part by part."""
        for frame in self.connection.ask({"model": self.model, **message}, cancelled):
            yield unpacked(frame, tokenizer=self.tokenizer)

    def read(self, message: Name, cancelled: Cancel = NEVER) -> Any:
        """Return the last part of an answer, which is the whole."""
        found = None
        for part in self.parts(message, cancelled):
            found = part
        return found


def _config(text: str | None) -> GenerationConfig | None:
    from transformers import GenerationConfig

    return None if text is None else GenerationConfig.from_dict(json.loads(text))
