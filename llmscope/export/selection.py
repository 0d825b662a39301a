"""What of a view goes into a page: which heads, positions and steps of which texts."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import permutations
from typing import TYPE_CHECKING, TypedDict

from llmscope.export.encoding import Precision, checked_precision
from llmscope.kernel import Answers, Reading
from llmscope.kernel.lens import BLOCK
from llmscope.views.linking import follows

if TYPE_CHECKING:
    from llmscope.capture import Kind
    from llmscope.generation import Tree
    from llmscope.kernel.handlers import Written
    from llmscope.trace import Trace
    from llmscope.views.base import View

    Heads = dict[Kind, list[tuple[int, int]]]

MOST_WEIGHTS = 2**24  # of one text, up to which all heads are taken: 240 tokens of SmolLM2-135M
MOST_POSITIONS = 128  # up to which the next token of each is taken
MOST_LENS = 512  # positions up to which the lens of each is taken
_READS_ATTENTION = {"tokens", "overview", "attention"}


class Choice(TypedDict, total=False):
    """The keyword arguments that say what goes into a page; see `to_html`."""

    layers: Iterable[int] | None
    heads: Iterable[tuple[int, int]] | None
    positions: Iterable[int] | None
    prompts: Sequence[str]
    precision: Precision


@dataclass(frozen=True)
class Wanted:
    """A choice that was found to make sense by itself."""

    layers: frozenset[int] | None
    heads: frozenset[tuple[int, int]] | None
    positions: tuple[int, ...] | None
    prompts: tuple[str, ...]
    precision: Precision


def wanted(
    layers: Iterable[int] | None = None,
    heads: Iterable[tuple[int, int]] | None = None,
    positions: Iterable[int] | None = None,
    prompts: Sequence[str] = (),
    precision: Precision = "float16",
) -> Wanted:
    """Check a choice.

    Raises
    ------
    TypeError, ValueError
        For what can't be a choice of any view.
    """
    if isinstance(prompts, str):
        raise TypeError("prompts is a list of texts, not one text: prompts=[…]")
    try:
        chosen_heads = None if heads is None else frozenset((int(a), int(b)) for a, b in heads)
    except (TypeError, ValueError):
        raise TypeError("heads is a list of pairs (layer, head)") from None
    return Wanted(
        None if layers is None else frozenset(map(operator.index, layers)),
        chosen_heads,
        None if positions is None else tuple(map(operator.index, positions)),
        tuple(prompts),
        checked_precision(precision),
    )


def checked_views(views: View | Sequence[View]) -> list[View]:
    """Give the views of a page.

    Raises
    ------
    TypeError, ValueError
        For what no page can show.
    """
    from llmscope.views.base import View

    shown = [views] if isinstance(views, View) else list(views)
    if not shown:
        raise ValueError("There is no view to export.")
    for view in shown:
        if not isinstance(view, View):
            raise TypeError(f"A page is made of views, not of {type(view).__name__}.")
        _ = view.trace  # raises when there is no model, or no text
        if (tree := _tree(view)) is not None and not len(tree):
            raise ValueError("Nothing is written yet: play it, or take a step, and export it then.")
    return shown


@dataclass
class Group:
    """Views over the same traces: they are answered by one source."""

    answers: Answers
    views: list[View] = field(default_factory=list)
    # Texts that views which are linked to these write.
    followed: list[Written] = field(default_factory=list)

    @property
    def panels(self) -> set[str]:
        """All panels that any of the views shows."""
        return {panel for view in self.views for panel in view._panels}

    @property
    def reads_attention(self) -> bool:
        """Whether a panel shows attention."""
        return not self.panels.isdisjoint(_READS_ATTENTION)

    @property
    def tree(self) -> Tree | None:
        """What was written, where the view is one that writes; it is alone then."""
        return _tree(self.views[0])

    @cached_property
    def nodes(self) -> dict[Written, dict[int, int]]:
        """Of each text that was written, the nodes whose next token it tells, by position.

        Each is told once, of many only those of the text on screen.
        """
        tree, found = self.tree, {}
        if tree is not None:
            few = len(tree) < MOST_POSITIONS
            left = set(range(len(tree) + 1) if few else (tree.ROOT, *tree.path(self.end)))
            for text, end in _written(self.views[0]).items():
                path = enumerate((tree.ROOT, *tree.path(end)), start=len(tree.prompt) - 1)
                found[text] = {place: node for place, node in path if node in left}
                left -= set(found[text].values())
        return found

    @property
    def end(self) -> int:
        """Of what was written, the end of the text on screen, or of one that it is part of."""
        assert self.tree is not None
        end = self.tree.current
        while behind := self.tree.children(end):
            end = behind[0]
        return end

    def readings(self, prompts: Sequence[str]) -> list[Written]:
        """Give what the views read, and the texts that the reader may choose."""
        if self.nodes:
            return list(self.nodes)
        shown = [view._shown for view in self.views]
        return list(dict.fromkeys([*shown, *self.followed, *map(Reading, prompts)]))


def grouped(views: Sequence[View]) -> list[Group]:
    """Put views over the same traces together, as they come."""
    groups: dict[tuple[int, int, int], Group] = {}
    place: dict[int, Group] = {}
    for view in views:
        own = view._answers
        key = (id(view.scope), id(own.given), id(own.writing))
        if key not in groups:
            # Names of traces are counted from the first, so that the same page has the same bytes.
            given = own.given if own.writing or own.given else view.trace
            groups[key] = Group(Answers(view.scope, given))
            groups[key].answers.writing = own.writing
        groups[key].views.append(view)
        place[id(view)] = groups[key]
    for one, other in permutations(views, 2):
        if (one in other._linked or other in one._linked) and follows(one, other):
            place[id(one)].followed += _written(other)
    return list(groups.values())


def _tree(view: View) -> Tree | None:
    """Give what a view writes; `None` where it writes nothing."""
    from llmscope.views.generation import GenerationView

    return view.stepper.tree if isinstance(view, GenerationView) else None


def _written(view: View) -> dict[Written, int]:
    """Give the texts that a view has written, each with the node that it ends with."""
    from llmscope.views.generation import GenerationView

    assert isinstance(view, GenerationView)
    stepper = view.stepper
    source = tuple(stepper.source)
    return {(source, tuple(stepper.ids(end))): end for end in stepper.tree.leaves()}


@dataclass(frozen=True)
class Plan:
    """What a page holds of one text.

    Attributes
    ----------
    heads
        (layer, head) by kind of attention.
    rollouts
        Kind and layer.
    positions
        Where the next token is told.
    steps
        Kind, layer, head, query.
    lens
        Stream and number of each block of positions.
    """

    reading: Written
    trace: Trace
    heads: Heads
    rollouts: list[tuple[Kind, int]]
    positions: list[int]
    steps: list[tuple[Kind, int, int, int]]
    lens: list[tuple[str, int]]

    def whole(self, kind: Kind, layer: int) -> bool:
        """Whether all heads of a layer are there."""
        count = sum(number == layer for number, _ in self.heads.get(kind, []))
        return count == self.trace.heads(layer, kind)[0]


def plan(group: Group, reading: Written, want: Wanted) -> Plan:
    """Choose what is taken of one text.

    Raises
    ------
    IndexError
        For a layer, head or position that isn't there.
    """
    trace = group.answers.trace(reading)
    heads: Heads = {}
    rollouts: list[tuple[Kind, int]] = []
    if group.reads_attention:
        heads = _heads(trace, group.views, want, MOST_WEIGHTS // max(1, len(group.nodes)))
    steps = []
    for view in group.views:
        kind = view._kind(trace)
        if "attention" not in view._panels or view.layer not in trace.layers(kind):
            continue
        if view.head < trace.heads(view.layer, kind)[0]:
            query = min(_focus(view, trace), trace.queries(kind) - 1)
            steps.append((kind, view.layer, view.head, query))
        if view.combine == "rollout" and kind != "cross":
            rollouts.append((kind, view.layer))
    positions = list(group.nodes[reading]) if group.nodes else _positions(trace, group, want)
    unique = list(dict.fromkeys(steps))
    return Plan(reading, trace, heads, rollouts, positions, unique, _lens(trace, group, want))


def _heads(trace: Trace, views: list[View], want: Wanted, most: int) -> Heads:
    every: Heads = {
        kind: [(n, head) for n in trace.layers(kind) for head in range(trace.heads(n, kind)[0])]
        for kind in trace.kinds
    }
    known = {pair for pairs in every.values() for pair in pairs}
    layers = {layer for layer, _ in known}
    for layer in sorted((want.layers or frozenset()) - layers):
        raise IndexError(f"There is no attention in layer {layer}: layers= takes {listed(layers)}.")
    for pair in sorted((want.heads or frozenset()) - known):
        raise IndexError(f"There is no head {pair} for heads=.")
    shown = {(view.layer, view.head) for view in views}.union(*(view.heads for view in views))
    if want.layers is None and want.heads is None:
        near = {layer for layer, _ in shown}
        for taken in (known, {pair for pair in known if pair[0] in near}):
            count = sum(
                trace.queries(kind) * trace.keys(kind) * len(taken.intersection(pairs))
                for kind, pairs in every.items()
            )
            if count <= most:
                break
        else:
            taken = shown
    else:
        taken = {pair for pair in known if pair[0] in (want.layers or ())}
        taken |= shown | (want.heads or frozenset())
    return {kind: [pair for pair in pairs if pair in taken] for kind, pairs in every.items()}


def _positions(trace: Trace, group: Group, want: Wanted) -> list[int]:
    if "next-token" not in group.panels or trace.scope.facts.family == "encoder":
        return []
    count = len(trace)
    if trace.source_tokens:
        return [count - 1]  # What the text makes likely is told behind the end of the other side.
    if want.positions is None:
        if count <= MOST_POSITIONS:
            return list(range(count))
        return sorted({_focus(view, trace) for view in group.views})
    return sorted(_asked(want, count) | {_focus(view, trace) for view in group.views})


def _lens(trace: Trace, group: Group, want: Wanted) -> list[tuple[str, int]]:
    """Choose blocks of positions of the streams that are on screen."""
    from llmscope.views.lens import LensView

    views = [view for view in group.views if isinstance(view, LensView)]
    count = len(trace)
    if want.positions is None:
        places = set(range(count)) if count <= MOST_LENS else set()
    else:
        places = _asked(want, count)
    places |= {view.position if 0 <= view.position < count else count - 1 for view in views}
    numbers = sorted({place // BLOCK for place in places})
    return [(stream, n) for stream in sorted({view.stream for view in views}) for n in numbers]


def _asked(want: Wanted, count: int) -> set[int]:
    """Give the positions that were asked for, counted from the first."""
    asked = want.positions or ()
    for position in asked:
        if not -count <= position < count and not want.prompts:
            raise IndexError(f"There is no position {position}: the text has {count} tokens.")
    return {position % count for position in asked if -count <= position < count}


def _focus(view: View, trace: Trace) -> int:
    """Where the token in focus stands, as the page finds it."""
    last = max(len(trace.source_tokens), len(trace)) - 1
    return view.position if 0 <= view.position <= last else last


def listed(numbers: Iterable[int]) -> str:
    """Name numbers, runs of them as such: "0 to 3, 7"."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    parts = [str(a) if a == b else f"{a}, {b}" if b == a + 1 else f"{a} to {b}" for a, b in runs]
    return ", ".join(parts)
