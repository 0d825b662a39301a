"""What of a view goes into a page: which heads, positions and requests, of which texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import permutations
from typing import TYPE_CHECKING

from llmscope.export.choice import Wanted
from llmscope.export.encoding import PER_WEIGHT
from llmscope.kernel import Handlers, IdsInput, TextInput
from llmscope.kernel.edited_input import EditedInput, OtherInput, as_json
from llmscope.kernel.requests import Pair
from llmscope.kernel.step_input import StepInput
from llmscope.panels import PANELS, Panel, Shown, needs_trace
from llmscope.state import HasState, ViewState

if TYPE_CHECKING:
    from llmscope.generation import Tree
    from llmscope.kernel.inputs import Input
    from llmscope.kernel.requests import OfTrace, Request
    from llmscope.panels import Reads
    from llmscope.scope import Scope
    from llmscope.shared import Kind
    from llmscope.trace import Trace

    Heads = dict[Kind, list[tuple[int, int]]]

MOST_BYTES = 3e6  # of weights of one text: all heads of some 95 tokens of SmolLM2-135M
MOST_POSITIONS = 128  # up to which the next token of each is taken


def states_of(views: HasState | Sequence[HasState]) -> list[ViewState]:
    """Return what the views of a page show.

    Raises
    ------
    TypeError, ValueError
        For what no page can show.
    """
    if not isinstance(views, HasState | Sequence):
        raise TypeError(f"A page is made of views, not of {type(views).__name__}.")
    shown = [views] if isinstance(views, HasState) else list(views)
    if not shown:
        raise ValueError("There is no view to export.")
    for view in shown:
        if not isinstance(view, HasState):
            raise TypeError(f"A page is made of views, not of {type(view).__name__}.")
    states = [view.state() for view in shown]
    check(states)
    return states


def check(states: Sequence[ViewState]) -> None:
    """Raise ValueError when a view shows nothing that a page could hold."""
    for state in states:
        if needs_trace(state):
            _ = state.trace  # raises when there is no model, or no text
        if state.stepper is not None and not len(state.stepper.tree):
            raise ValueError("Nothing is written yet: play it, or take a step, and export it then.")


@dataclass
class Group:
    """Views of the same traces: they are answered by one source.

    Attributes
    ----------
    handlers
        What answers, by names of traces that are counted from the first.
    views
        What the views show.
    slides
        What slides of lessons show in them.
    followed
        Inputs that linked views generate.
    follows_heads
        Whether a head is chosen in a view of another group, and follows here.
    """

    handlers: Handlers
    views: list[ViewState] = field(default_factory=list)
    slides: list[ViewState] = field(default_factory=list)
    followed: list[Input] = field(default_factory=list)
    follows_heads: bool = False

    @property
    def panels(self) -> list[Panel]:
        """All panels that any of the views has, in the order of the registry."""
        names = {name for view in self.views for name in view.panels}
        return [panel for panel in PANELS.values() if panel.name in names]

    def reads(self, what: Reads) -> bool:
        """Whether any panel reads this."""
        return any(what in panel.reads for panel in self.panels)

    def having(self, panel: Panel) -> list[ViewState]:
        """Return the views that have a panel."""
        return [view for view in self.views if panel.name in view.panels]

    def reading(self, what: Input, trace: Trace) -> list[ViewState]:
        """Return the views, and the slides that show an input, as they show its trace."""
        slides = [slide for slide in self.slides if what in slide.inputs]
        return [view.showing(trace) for view in (*self.views, *slides)]

    @property
    def alone(self) -> list[Request]:
        """Requests of the views' own, which are about no trace."""
        pairs = [(panel, view) for panel in self.panels for view in self.having(panel)]
        return list(dict.fromkeys(one for panel, view in pairs for one in panel.alone(view)))

    @property
    def tree(self) -> Tree | None:
        """What was generated, where the view is one that generates; it is alone then."""
        stepper = self.views[0].stepper
        return None if stepper is None else stepper.tree

    @property
    def chooses_heads(self) -> bool:
        """Whether a reader can choose another head in any of the views."""
        return self.follows_heads or any(panel.chooses_heads for panel in self.panels)

    @cached_property
    def nodes(self) -> dict[Input, dict[int, int]]:
        """Of each generated text, the nodes by position whose next token is held for it.

        Each is held once; of many, only those of the text on screen.
        """
        tree, found = self.tree, {}
        if tree is not None:
            few = len(tree) < MOST_POSITIONS
            left = set(range(len(tree) + 1) if few else (tree.ROOT, *tree.path(self.end)))
            for text, end in _generated(self.views[0]).items():
                path = enumerate((tree.ROOT, *tree.path(end)), start=len(tree.prompt) - 1)
                found[text] = {place: node for place, node in path if node in left}
                left -= set(found[text].values())
        return found

    @property
    def end(self) -> int:
        """The last node of the generated text on screen, or of one that it is part of."""
        assert self.tree is not None
        end = self.tree.current
        while after := self.tree.children(end):
            end = after[0]
        return end

    def inputs(self, want: Wanted) -> list[Input]:
        """Return what the views read, and the texts and edits that the reader may choose."""
        if self.nodes:
            return list(self.nodes)
        reading = [view for view in (*self.views, *self.slides) if needs_trace(view)]
        shown = [view.inputs[0] if view.compared else view.input for view in reading]
        # What is read under edits can be seen without them, too.
        every = [what for view in reading for what in view.inputs]
        fixed = EditedInput | OtherInput | StepInput
        plain = [what for what in every if not isinstance(what, fixed)]
        texts = [*plain, *map(TextInput, want.prompts)]
        under = [EditedInput(as_json(edits), what) for edits in want.edits for what in texts]
        return list(dict.fromkeys([*shown, *self.followed, *every, *texts, *under]))


def grouped(views: Sequence[ViewState]) -> list[Group]:
    """Put views of the same traces together, in order."""
    groups: dict[tuple[int, ...], Group] = {}
    group_of: dict[int, Group] = {}
    for view in views:
        own = view.number if view.answers or view.compared else 0
        key = (id(view.scope), id(view.given), id(view.session), own)
        if key not in groups:
            # Names of traces are counted from the first, so that the same page has the same bytes.
            has_own = view.session or view.given or not needs_trace(view)
            given = view.given if has_own else view.trace
            of_b: tuple[Scope, Trace] | tuple[()] = ()
            if (two := view.compared) is not None:
                given, of_b = two.read(two.inputs[0]), (two.scope, two.read(two.inputs[1]))
            groups[key] = Group(Handlers(view.scope, given, view.session, view.answers, *of_b))
        groups[key].views.append(view)
        groups[key].slides += view.slides
        group_of[view.number] = groups[key]
    for one, other in permutations(views, 2):
        is_linked = one.number in other.linked or other.number in one.linked
        if is_linked and any(PANELS[name].chooses_heads for name in other.panels):
            group_of[one.number].follows_heads = True
        if is_linked and one.follows(other):
            group_of[one.number].followed += _generated(other)
    return list(groups.values())


def _generated(view: ViewState) -> dict[Input, int]:
    """Return the texts that a view has generated, each with its last node."""
    stepper = view.stepper
    assert stepper is not None
    source = tuple(stepper.source)
    return {IdsInput(source, tuple(stepper.ids(end))): end for end in stepper.tree.leaves()}


def pairs_of(group: Group, plans: Sequence[Plan]) -> list[tuple[Plan, Pair]]:
    """Return texts whose difference to another is held, with the names of both.

    A text under edits and without them, and two that are side by side.
    """
    of = {plan.input: plan for plan in plans}
    found = []
    for plan in plans:
        what = plan.input
        if isinstance(what, EditedInput) and what.input in of:
            found.append((plan, Pair(plan.name, of[what.input].name)))
    for view in group.views:
        if view.compared is not None:
            one, other = (of[what] for what in view.compared.inputs)
            found.append((one, Pair(one.name, other.name, view.compared.anchors)))
    return found


def between(group: Group, one: Plan, names: Pair) -> list[OfTrace]:
    """Return what is held of the difference of two texts."""
    views = group.reading(one.input, one.trace)
    compared = [view for view in group.views if view.compared is not None]
    count = len(compared[0].comparison.pairs) if compared else len(one.trace)
    return [
        request
        for panel in group.panels
        for request in panel.between(
            Shown(one.trace, names, [v for v in views if panel.name in v.panels], None, count)
        )
    ]


@dataclass(frozen=True)
class Plan:
    """What a page holds of one text.

    Attributes
    ----------
    input, trace, name
        The text, its trace, and the name of that in requests.
    heads
        (layer, head) by kind of attention.
    rollouts
        Kind and layer.
    positions
        Where the next token is held.
    requests
        Requests whose answers are held as they are.
    """

    input: Input
    trace: Trace
    name: str
    heads: Heads
    rollouts: list[tuple[Kind, int]]
    positions: list[int]
    requests: list[OfTrace]

    def whole(self, kind: Kind, layer: int) -> bool:
        """Whether all heads of a layer are there."""
        count = sum(number == layer for number, _ in self.heads.get(kind, []))
        return count == self.trace.heads(layer, kind)[0]


def plan(group: Group, what: Input, want: Wanted) -> Plan:
    """Choose what is taken of one text.

    Raises
    ------
    IndexError
        For a layer, head or position that isn't there.
    """
    trace = group.handlers.traces.trace(what)
    name = group.handlers.traces.name(what, trace)
    views = group.reading(what, trace)
    heads: Heads = {}
    if group.reads("attention"):
        heads = _heads(trace, group, views, want)
    rollouts: list[tuple[Kind, int]] = []
    asked = None if want.positions is None else frozenset(_asked(want, len(trace)))
    requests: list[OfTrace] = []
    for panel in group.panels:
        having = [view for view in views if panel.name in view.panels]
        requests += panel.requests(Shown(trace, name, having, asked, len(trace)))
        if "matrix" in panel.reads:
            rollouts += [
                (view.kind, view.layer)
                for view in having
                if view.combine == "rollout"
                and view.kind != "cross"
                and view.layer in trace.layers(view.kind)
            ]
    positions = [*group.nodes[what]] if group.nodes else _positions(trace, group, views, want)
    return Plan(what, trace, name, heads, rollouts, positions, [*dict.fromkeys(requests)])


def _heads(trace: Trace, group: Group, views: list[ViewState], want: Wanted) -> Heads:
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
    taken = shown | (want.heads or frozenset())
    if want.layers is not None:
        taken |= {pair for pair in known if pair[0] in want.layers}
    elif want.heads is None and group.chooses_heads:
        texts = {slide.input for slide in group.slides}
        most = MOST_BYTES / max(1, len(group.nodes), len(texts))
        # The layers next to those on screen, as many as that.
        near = {layer for layer, _ in shown} or {0}
        for layer in sorted(layers, key=lambda n: (min(abs(n - one) for one in near), n)):
            more = taken | {pair for pair in known if pair[0] == layer}
            if (
                sum(
                    weight_bytes(trace, kind, want) * len(more.intersection(pairs))
                    for kind, pairs in every.items()
                )
                > most
            ):
                break
            taken = more
    return {kind: [pair for pair in pairs if pair in taken] for kind, pairs in every.items()}


def weight_bytes(trace: Trace, kind: Kind, want: Wanted) -> float:
    """Return about how many bytes of a page the weights of one head take."""
    cells = trace.queries(kind) * trace.keys(kind)
    if kind == "self" and trace.scope.facts.family in ("causal", "encoder-decoder"):
        cells = (cells + trace.queries(kind)) // 2
    return cells * PER_WEIGHT[want.precision]


def _positions(trace: Trace, group: Group, views: list[ViewState], want: Wanted) -> list[int]:
    if not group.reads("next-token") or trace.scope.facts.family == "encoder":
        return []
    count = len(trace)
    if trace.source_tokens:
        return [count - 1]  # What the text makes likely is at the end of the other side.
    if want.positions is None and count <= MOST_POSITIONS:
        return list(range(count))
    return sorted(_asked(want, count) | {view.focus for view in views})


def _asked(want: Wanted, count: int) -> set[int]:
    """Return the positions that were asked for, counted from the first."""
    asked = want.positions or ()
    for position in asked:
        if not -count <= position < count and not want.prompts:
            raise IndexError(f"There is no position {position}: the text has {count} tokens.")
    return {position % count for position in asked if -count <= position < count}


def listed(numbers: Iterable[int]) -> str:
    """Return numbers in words, runs of them as such: "0 to 3, 7"."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    parts = [str(a) if a == b else f"{a}, {b}" if b == a + 1 else f"{a} to {b}" for a, b in runs]
    return ", ".join(parts)
