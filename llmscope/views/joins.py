"""Which widgets are linked."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from uuid import uuid4

import ipywidgets

JOINS = "_joins"  # the trait that the page reads


class Links:
    """What joins two views in the page; `unlink()` parts them.

    Parameters
    ----------
    one, other
        The views; neither is kept alive.
    both
        Names of traits that are kept the same, whichever of the two changes.
    given, taken
        Names of traits of `one` that `other` follows, and the other way round.
    """

    def __init__(
        self,
        one: ipywidgets.Widget,
        other: ipywidgets.Widget,
        both: Sequence[str] = (),
        given: Sequence[str] = (),
        taken: Sequence[str] = (),
    ) -> None:
        self.views = (weakref.ref(one), weakref.ref(other))
        self._id = uuid4().hex
        for view, gives, takes in ((one, given, taken), (other, taken, given)):
            _LINKS.setdefault(view, []).append(self)
            join = {"id": self._id, "both": [*both], "gives": [*gives], "takes": [*takes]}
            setattr(view, JOINS, [*getattr(view, JOINS), join])

    def __repr__(self) -> str:
        names = [type(view()).__name__ for view in self.views if view() is not None]
        return f"<Links of {' and '.join(names)}>"

    def unlink(self) -> None:
        """Let the two views go their own ways again."""
        for view in self.views:
            found = view()
            if found is not None and self in _LINKS.get(found, []):
                _LINKS[found].remove(self)
                joins = getattr(found, JOINS)
                setattr(found, JOINS, [join for join in joins if join["id"] != self._id])


_LINKS: weakref.WeakKeyDictionary[ipywidgets.Widget, list[Links]] = weakref.WeakKeyDictionary()


def linked_to(view: ipywidgets.Widget) -> list[ipywidgets.Widget]:
    """Return the views that `view` was linked to as the first of two, in order."""
    pairs = [[one() for one in links.views] for links in _LINKS.get(view, [])]
    return [other for one, other in pairs if one is view and other is not None]


def unlink_all(view: ipywidgets.Widget) -> None:
    """Part a view from all others."""
    for links in [*_LINKS.get(view, [])]:
        links.unlink()
