"""A tree of texts: what was written from one prompt, and what could have been."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Node:
    """One token behind those that lead to it.

    Attributes
    ----------
    number, parent
        Its own number, and that of the node it follows; the prompt is number 0.
    token
        Token id.
    logprob
        Log-probability in the model's own distribution, in nats.
    prob
        Probability in the distribution that was drawn from: 0 for a forced token that was cut.
    rank
        0 for the token that the model finds most likely.
    forced
        Whether a person chose it.
    depth
        How many tokens behind the prompt it is, from 1.
    since
        How many tokens the model chose since the prompt or the last forced token.
    """

    number: int
    parent: int
    token: int
    logprob: float
    prob: float
    rank: int
    forced: bool
    depth: int
    since: int


class Tree:
    """Nodes that only ever are added, and undone in the order in which they came.

    Parameters
    ----------
    prompt
        Token ids that all paths begin with.
    """

    ROOT = 0

    def __init__(self, prompt: Sequence[int]) -> None:
        self.prompt = tuple(prompt)
        self.current = self.ROOT
        self._nodes: list[Node] = []  # node 1 is the first
        self._children: dict[int, list[int]] = {}
        self._history: list[tuple[int, int]] = []  # before each action: nodes, current

    def __len__(self) -> int:
        return len(self._nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes)

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and 0 <= number <= len(self._nodes)

    def __getitem__(self, number: int) -> Node:
        if not 1 <= number <= len(self._nodes):
            raise KeyError(f"There is no node {number}: the tree has 1 to {len(self._nodes)}.")
        return self._nodes[number - 1]

    def add(
        self,
        parent: int,
        token: int,
        logprob: float,
        prob: float,
        rank: int,
        *,
        forced: bool = False,
    ) -> int:
        """Put a token behind `parent` and give its number; a token that is there stays as it is."""
        found = self.child(parent, token)
        if found is not None:
            return found
        depth, since = (0, 0) if parent == self.ROOT else (self[parent].depth, self[parent].since)
        number = len(self._nodes) + 1
        after = 0 if forced else since + 1
        node = Node(number, parent, token, logprob, prob, rank, forced, depth + 1, after)
        self._nodes.append(node)
        self._children.setdefault(parent, []).append(number)
        return number

    def child(self, parent: int, token: int) -> int | None:
        """Find the node of `token` behind `parent`."""
        return next((n for n in self.children(parent) if self[n].token == token), None)

    def children(self, number: int) -> tuple[int, ...]:
        """List the nodes behind a node, in the order in which they came."""
        self._check(number)
        return tuple(self._children.get(number, ()))

    def leaves(self) -> tuple[int, ...]:
        """List the ends of all paths."""
        return tuple(node.number for node in self._nodes if node.number not in self._children)

    def path(self, number: int) -> tuple[int, ...]:
        """List the nodes from the prompt to a node, itself included; empty for the prompt."""
        self._check(number)
        found: list[int] = []
        while number != self.ROOT:
            found.append(number)
            number = self[number].parent
        return tuple(reversed(found))

    def ids(self, number: int) -> list[int]:
        """Token ids of a path, the prompt included."""
        return [*self.prompt, *(self[n].token for n in self.path(number))]

    def logprob(self, number: int) -> float:
        """Log-probability of a path given the prompt, in nats: the sum of its tokens'."""
        return math.fsum(self[n].logprob for n in self.path(number))

    def parting(self, one: int, other: int) -> int:
        """Give the last node that two paths share."""
        last = self.ROOT
        for a, b in zip(self.path(one), self.path(other), strict=False):
            if a != b:
                break
            last = a
        return last

    # ── actions ──────────────────────────────────────────────────────────────────────────────

    def begin(self) -> None:
        """Begin an action: `undo` takes back all that follows, until the next one begins."""
        self._history.append((len(self._nodes), self.current))

    def select(self, number: int) -> None:
        """Go to a node."""
        self._check(number)
        self.current = number

    @property
    def can_undo(self) -> bool:
        """Whether there is an action to take back."""
        return any(before != (len(self._nodes), self.current) for before in self._history)

    def undo(self) -> bool:
        """Take back the last action that changed something; False when there is none."""
        if not self.can_undo:
            return False
        now = len(self._nodes), self.current
        while (before := self._history.pop()) == now:
            pass
        count, self.current = before
        for node in self._nodes[count:]:
            self._children.pop(node.number, None)
            siblings = self._children.get(node.parent)
            if siblings is not None:
                siblings.remove(node.number)
                if not siblings:
                    del self._children[node.parent]
        del self._nodes[count:]
        return True

    # ── as data ──────────────────────────────────────────────────────────────────────────────

    def rows(self, start: int = 0) -> list[dict[str, Any]]:
        """Give the nodes from number ``start + 1`` on as plain JSON."""
        return [asdict(node) for node in self._nodes[start:]]

    @classmethod
    def from_rows(cls, prompt: Sequence[int], rows: Sequence[Mapping[str, Any]]) -> Tree:
        """Make a tree of what `rows` gave."""
        tree = cls(prompt)
        for row in rows:
            number = tree.add(
                row["parent"],
                row["token"],
                row["logprob"],
                row["prob"],
                row["rank"],
                forced=row["forced"],
            )
            if number != row["number"]:
                raise ValueError(f"Row {row['number']} is not in its place: expected {number}.")
        return tree

    def _check(self, number: int) -> None:
        if number not in self:
            raise KeyError(f"There is no node {number}: the tree has 0 to {len(self._nodes)}.")
