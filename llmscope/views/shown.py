"""What values of traits say is on screen: the input that is read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llmscope.kernel import IdsInput, TextInput
from llmscope.kernel.edited_input import EditedInput, dense
from llmscope.kernel.protocol import parse_input
from llmscope.views.traits import INPUT, PATH

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from llmscope.kernel.inputs import Input
    from llmscope.state import ViewState
    from llmscope.trace import Trace


def input_of(values: Mapping[str, Any], *, generates: bool) -> Input:
    """Return what is read: the ids of a path, or the text and what goes with it.

    Parameters
    ----------
    values
        Values of traits, as the page has them.
    generates
        Whether the view generates its text.
    """
    text = TextInput(*(values[name] for name in INPUT))
    plain: Input = parse_input(values[PATH]) if values[PATH] else text
    if not generates and values["edits"] and values["side"] == "untouched":
        return plain.input if isinstance(plain, EditedInput) else plain
    if not values["edits"] or not isinstance(plain, TextInput | IdsInput):
        return plain
    return EditedInput(dense(values["edits"]), plain)


def with_slides(
    state: ViewState,
    slides: Sequence[Mapping[str, Any]],
    read: Callable[[Input, Callable[[], bool]], Trace],
) -> ViewState:
    """Return what is on screen, with what each slide of a lesson shows.

    Parameters
    ----------
    state
        What is on screen.
    slides
        Of each slide, values of traits, as the page has them.
    read
        Computes the trace of an input; takes a function that says whether it isn't needed any more.
    """
    generates = state.session is not None
    return replace(
        state,
        slides=tuple(
            replace(
                _at(state, {**state.traits, **values, PATH: ""}, generates, read),
                number=(index << 64) + state.number,
            )
            for index, values in enumerate(slides, 1)
        ),
    )


def _at(
    state: ViewState,
    traits: dict[str, Any],
    generates: bool,
    read: Callable[[Input, Callable[[], bool]], Trace],
) -> ViewState:
    what = input_of(traits, generates=generates)
    return replace(state, traits=traits, input=what, read=lambda cancelled: read(what, cancelled))
