"""A tree of generated tokens: the continuations of one prompt."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from llmscope.generation.node import Node
from llmscope.words import say


class Tree:
    """Tokens after one prompt, with every branch that was generated.

    Nodes are numbered from 1 in the order in which they are added, and removed only by `undo`. The
    number of a node that was removed isn't used again.

    Parameters
    ----------
    prompt
        Token ids that all paths begin with.

    Attributes
    ----------
    prompt
        Token ids that all paths begin with.
    current
        Number of the selected node, 0 for the prompt.

    Examples
    --------
    >>> from llmscope.generation import Tree
    >>> tree = Tree(prompt=[1, 2])
    >>> first = tree.add(Tree.ROOT, token=10, logprob=-0.5, prob=0.6, rank=0)
    >>> one = tree.add(first, token=11, logprob=-1.0, prob=0.4, rank=0)
    >>> other = tree.add(first, token=21, logprob=-4.0, prob=0.0, rank=7, forced=True)
    >>> tree.ids(other), tree.logprob(other)
    ([1, 2, 10, 21], -4.5)
    >>> tree.common_ancestor(one, other) == first
    True
    """

    ROOT = 0

    def __init__(self, prompt: Sequence[int]) -> None:
        self.prompt = tuple(prompt)
        self.current = self.ROOT
        self._nodes: dict[int, Node] = {}  # by number, in order
        self._used = self.ROOT  # the highest number that any node had
        self._children: dict[int, list[int]] = {}
        self._history: list[tuple[int, int]] = []  # before each action: (last, current)

    @classmethod
    def of(cls, prompt: Sequence[int], nodes: Iterable[Node], current: int) -> Tree:
        """Return a tree that has these nodes, in the order in which they were added.

        Parameters
        ----------
        prompt
            Token ids that all paths begin with.
        nodes
            Each after the one that it follows.
        current
            Number of the selected node.

        Returns
        -------
        Tree
            With nothing to undo.
        """
        tree = cls(prompt)
        for node in nodes:
            tree._nodes[node.number] = node
            tree._children.setdefault(node.parent, []).append(node.number)
        tree._used = tree.last
        tree.current = current
        return tree

    def __len__(self) -> int:
        return len(self._nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter([*self._nodes.values()])

    def __contains__(self, number: object) -> bool:
        return number == self.ROOT or number in self._nodes

    def __getitem__(self, number: int) -> Node:
        if number not in self._nodes:
            raise KeyError(say("There is no node {number}.", number=number))
        return self._nodes[number]

    @property
    def last(self) -> int:
        """Number of the node that was added last; 0 without one."""
        return next(reversed(self._nodes), self.ROOT)

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
        """Add a token after a node.

        Parameters
        ----------
        parent
            Number of the node that it follows.
        token, logprob, prob, rank, forced
            As in `Node`.

        Returns
        -------
        int
            Number of the node. Where `parent` has this token already, that node, unchanged.

        Raises
        ------
        KeyError
            When there is no node `parent`.
        """
        found = self.child(parent, token)
        if found is not None:
            return found
        before = None if parent == self.ROOT else self[parent]
        self._used = number = self._used + 1
        self._nodes[number] = Node(
            number,
            parent,
            token,
            logprob,
            prob,
            rank,
            forced,
            depth=before.depth + 1 if before else 1,
            unforced=0 if forced else before.unforced + 1 if before else 1,
        )
        self._children.setdefault(parent, []).append(number)
        return number

    def child(self, parent: int, token: int) -> int | None:
        """Find a token after a node.

        Parameters
        ----------
        parent
            Number of the node that it follows.
        token
            Token id.

        Returns
        -------
        int or None
            Number of the token's node; `None` without one.

        Raises
        ------
        KeyError
            When there is no such node.
        """
        return next((n for n in self.children(parent) if self[n].token == token), None)

    def children(self, number: int) -> tuple[int, ...]:
        """Return the nodes that follow a node.

        Parameters
        ----------
        number
            Number of the node.

        Returns
        -------
        tuple of int
            Their numbers, in the order in which they were added.

        Raises
        ------
        KeyError
            When there is no such node.
        """
        self._check(number)
        return tuple(self._children.get(number, ()))

    def leaves(self) -> tuple[int, ...]:
        """Return the nodes that end a path.

        Returns
        -------
        tuple of int
            Their numbers, in the order in which they were added.
        """
        return tuple(number for number in self._nodes if number not in self._children)

    def path(self, number: int) -> tuple[int, ...]:
        """Return the numbers of the nodes from the prompt to a node, the node included.

        Parameters
        ----------
        number
            Number of the node.

        Returns
        -------
        tuple of int
            Empty for the prompt.

        Raises
        ------
        KeyError
            When there is no such node.
        """
        self._check(number)
        found: list[int] = []
        while number != self.ROOT:
            found.append(number)
            number = self[number].parent
        return tuple(reversed(found))

    def ids(self, number: int) -> list[int]:
        """Return the token ids up to a node.

        Parameters
        ----------
        number
            Number of the node.

        Returns
        -------
        list of int
            The prompt included.

        Raises
        ------
        KeyError
            When there is no such node.
        """
        return [*self.prompt, *(self[n].token for n in self.path(number))]

    def logprob(self, number: int) -> float:
        """Return the log-probability of a path, given the prompt.

        Parameters
        ----------
        number
            Number of the node that the path ends at.

        Returns
        -------
        float
            In nats, the sum over the path's tokens.

        Raises
        ------
        KeyError
            When there is no such node.
        """
        return math.fsum(self[n].logprob for n in self.path(number))

    def common_ancestor(self, one: int, other: int) -> int:
        """Return the number of the last node that two paths share.

        Parameters
        ----------
        one, other
            Numbers of the nodes that the paths end at.

        Returns
        -------
        int
            0, the prompt, for paths that differ from the first token on.

        Raises
        ------
        KeyError
            When there is no such node.
        """
        last = self.ROOT
        for a, b in zip(self.path(one), self.path(other), strict=False):
            if a != b:
                break
            last = a
        return last

    parting = common_ancestor  # its former name

    def begin(self) -> None:
        """Begin an action: `undo` takes back all changes from here to the next action."""
        self._history.append((self.last, self.current))

    def select(self, number: int) -> None:
        """Select a node: set `current`.

        Parameters
        ----------
        number
            Number of the node, 0 for the prompt.

        Raises
        ------
        KeyError
            When there is no such node.
        """
        self._check(number)
        self.current = number

    @property
    def can_undo(self) -> bool:
        """Whether there is an action to take back."""
        return any(before != (self.last, self.current) for before in self._history)

    def undo(self) -> bool:
        """Take back the last action that changed something.

        Returns
        -------
        bool
            Whether there was one.
        """
        if not self.can_undo:
            return False
        now = self.last, self.current
        while (before := self._history.pop()) == now:
            pass
        last, self.current = before
        for node in [node for node in self if node.number > last]:
            del self._nodes[node.number]
            self._children.pop(node.number, None)
            siblings = self._children.get(node.parent)
            if siblings is not None:
                siblings.remove(node.number)
                if not siblings:
                    del self._children[node.parent]
        return True

    def rows(self, start: int = 0) -> list[dict[str, Any]]:
        """Return nodes as dictionaries for JSON.

        Parameters
        ----------
        start
            Number of the node after which they begin.

        Returns
        -------
        list of dict
            The fields of `Node`, one dictionary for each node.
        """
        return [asdict(node) for node in self if node.number > start]

    @classmethod
    def from_rows(cls, prompt: Sequence[int], rows: Sequence[Mapping[str, Any]]) -> Tree:
        """Make a tree from the dictionaries of `rows`.

        Parameters
        ----------
        prompt
            Token ids that all paths begin with.
        rows
            As returned by `rows`, from the first node on.

        Returns
        -------
        Tree
            With the same numbers.

        Raises
        ------
        ValueError
            When rows aren't in the order of their numbers.
        """
        tree = cls(prompt)
        for row in rows:
            last = tree.last
            tree._used = max(last, row["number"] - 1)
            number = tree.add(
                row["parent"],
                row["token"],
                row["logprob"],
                row["prob"],
                row["rank"],
                forced=row["forced"],
            )
            if number != row["number"] or number <= last:
                raise ValueError(f"Row {row['number']} is not in its place, after {last}.")
        return tree

    def _check(self, number: int) -> None:
        if number not in self:
            raise KeyError(say("There is no node {number}.", number=number))
