"""What is known here of a pass that was recorded on a server: its shape, not its tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import torch

from llmscope.words import say

if TYPE_CHECKING:
    from llmscope.shared import Kind


class _Layer(NamedTuple):
    heads: int
    kv_heads: int


class _Forward(NamedTuple):
    version: int
    states: range  # as many as there are positions


class RemoteRecording:
    """The shape of a recorded pass.

    Parameters
    ----------
    name
        Of the model.
    about
        What the server says of the trace.
    """

    def __init__(self, name: str, about: dict[str, Any]) -> None:
        self.name = name
        self.ids: list[int] = about["ids"]
        self.source_ids: list[int] = about["source_ids"]
        self.why_no_attention: str | None = about["why_no_attention"]
        self.attention: dict[Kind, dict[int, _Layer]] = {
            kind: {number: _Layer(*heads) for number, heads in layers.items()}
            for kind, layers in about["kinds"].items()
        }
        self.version: int = about["version"]
        self.forward = _Forward(self.version, range(len(self.ids)))
        types = about["types"]
        self.inputs = {} if types is None else {"token_type_ids": torch.tensor([types])}

    def layers(self, kind: Kind) -> tuple[int, ...]:
        """Return the numbers of the layers that have attention of a kind."""
        return tuple(self.attention.get(kind, ()))

    def layer(self, layer: int, kind: Kind) -> _Layer:
        """Return how many heads a layer has.

        Raises
        ------
        IndexError
            When it has none.
        """
        found = self.attention.get(kind, {}).get(layer)
        if found is None:
            raise IndexError(
                say("There is no {kind} attention in layer {layer}.", kind=kind, layer=layer)
            )
        return found

    def queries(self, kind: Kind) -> int:
        """Return the number of positions that attend."""
        return len(self.source_ids if kind == "encoder" else self.ids)

    def keys(self, kind: Kind) -> int:
        """Return the number of positions that are attended to."""
        return len(self.ids if kind == "self" else self.source_ids)

    def check_current(self) -> None:
        """Do nothing: the server's model doesn't change."""

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            say(
                "{model} is on a server: what was recorded of it isn't to be had from there, only "
                "what a trace reads.",
                model=self.name,
            )
        )
