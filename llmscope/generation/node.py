"""One generated token in a tree of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Node:
    """One generated token.

    Attributes
    ----------
    number, parent
        Number of the node, and of the node before it; the prompt is number 0.
    token
        Token id.
    logprob
        Log-probability in the model's own distribution, in nats.
    prob
        Probability in the distribution that was drawn from: 0 for a forced token that was cut.
    rank
        0 for the token that is most likely in the model's own distribution.
    forced
        Whether a person chose the token.
    depth
        Number of tokens from the prompt to this one, from 1.
    unforced
        Number of tokens up to this one that the model chose in a row, after the prompt or the
        last forced token: 0 for a forced token.
    """

    number: int
    parent: int
    token: int
    logprob: float
    prob: float
    rank: int
    forced: bool
    depth: int
    unforced: int

    @property
    def since(self) -> int:
        """Former name of `unforced`."""
        return self.unforced
