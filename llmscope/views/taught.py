"""What a view has of a lesson: the slide that is on, and what each of them sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets

from llmscope.views.traits import INPUT, ViewTraits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager


class TaughtTraits(ViewTraits):
    """The traits of a view that a lesson drives; `llmscope.Lesson` documents them."""

    slide = traitlets.Int(0).tag(sync=True)
    _lesson = traitlets.Dict().tag(sync=True)

    # Of each slide, what it sets: as Python has it, and as the page does.
    _states: Sequence[Mapping[str, Any]] = ()
    _from_page = False

    # Of ipywidgets' widgets, which all views are.
    hold_sync: Callable[[], AbstractContextManager[None]]

    @property
    def panels(self) -> tuple[str, ...]:
        """Names of the panels that the view shows, as in `llmscope.panels`."""
        return tuple(self._panels)

    @property
    def slides(self) -> list[dict[str, Any]]:
        """The slides of the lesson that it shows, as the page has them."""
        found: list[dict[str, Any]] = self._lesson.get("slides", [])
        return found

    @property
    def is_telling(self) -> bool:
        """Whether the page is to choose a head that tells something."""
        return bool(self._telling)

    def shared_traits(self) -> dict[str, Any]:
        """Return the values of all traits that the page has; those of a lesson where there is one.

        Returns
        -------
        dict
            By name, in order of names.
        """
        found = super().shared_traits()
        own = () if self._lesson else ("slide", "_lesson")
        return {name: value for name, value in found.items() if name not in own}

    def checked(self, name: str, value: Any) -> Any:
        """Return a value as a trait would have it.

        Parameters
        ----------
        name
            Of the trait.
        value
            What it is to be set to.

        Returns
        -------
        object
            The value.

        Raises
        ------
        traitlets.TraitError
            For a value that it doesn't take.
        """
        telling = self._telling
        try:
            return self.traits()[name]._validate(self, value)
        finally:
            self._telling = telling

    def teach(self, lesson: Mapping[str, Any], states: Sequence[Mapping[str, Any]]) -> None:
        """Show slides, beginning with the first; or none any more.

        Parameters
        ----------
        lesson
            The lesson, as the page has it.
        states
            Of each slide, values of traits.
        """
        self._states = ()
        self.slide = 0
        self._states = states
        self._lesson = dict(lesson)
        self.lecture = bool(states)
        if states:
            self._turn({"new": 0})

    @traitlets.validate("slide")
    def _a_slide(self, proposal: Any) -> Any:
        count = max(1, len(self._states))
        if not 0 <= proposal["value"] < count:
            raise traitlets.TraitError(
                f"slide lies between 0 and {count - 1}, not {proposal['value']}"
            )
        return proposal["value"]

    @traitlets.observe("slide")
    def _turn(self, change: Any) -> None:
        """Set what a slide sets; the page does by itself where it turned to it."""
        if self._from_page or change["new"] >= len(self._states):
            return
        state = self._states[change["new"]]
        with self.hold_sync():
            for name in sorted(state, key=lambda name: name not in INPUT or name == "masked"):
                setattr(self, name, state[name])
