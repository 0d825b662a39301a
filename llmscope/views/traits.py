"""The traits that all views share with the page, and what they may be set to."""

from __future__ import annotations

import json
import operator
from typing import TYPE_CHECKING, Any

import traitlets

from llmscope.edits import Ablation, Edit, Patch, Scaling, Steering
from llmscope.kernel.edited_input import MOST_EDITS, OtherInput, as_value, edit_of
from llmscope.kernel.protocol import parse_input
from llmscope.kernel.requests import RequestError
from llmscope.sampling import check_settings
from llmscope.shared import (
    COLOR_SCALES,
    COMBINE,
    DIRECTIONS,
    KINDS,
    MODES,
    MOST_HEADS,
    ORDERS,
    SEGMENTS,
    SIDES,
    TEXT_SHADES,
)
from llmscope.text import clean
from llmscope.views.again import Rereads
from llmscope.words import ENGLISH, LANGUAGES, chosen, known

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmscope.capture.facts import Facts
    from llmscope.scope import Scope

INPUT = ("text", "pair", "target", "masked")  # what is read
PATH = "_path"
SAVED_PAGE_MB = 1.0


class Heads(traitlets.TraitType[Any, Any]):
    """A tuple of (layer, head); takes any sequence of pairs."""

    default_value = ()
    info_text = "pairs of (layer, head)"

    def validate(self, obj: Any, value: Any) -> tuple[tuple[int, int], ...]:
        """Return `value` as a tuple of pairs."""
        try:
            pairs = tuple((int(layer), int(head)) for layer, head in value)
        except (TypeError, ValueError):
            self.error(obj, value)
        if len(set(pairs)) < len(pairs):
            raise traitlets.TraitError("heads names a head twice")
        if len(pairs) > MOST_HEADS:
            raise traitlets.TraitError(f"heads holds {MOST_HEADS} at most, not {len(pairs)}")
        return pairs


class Positions(traitlets.TraitType[Any, Any]):
    """A tuple of positions; takes any sequence of integers."""

    default_value = ()
    info_text = "positions of tokens"

    def validate(self, obj: Any, value: Any) -> tuple[int, ...]:
        """Return `value` as a tuple, in order."""
        try:
            return tuple(sorted({operator.index(position) for position in value}))
        except TypeError:
            self.error(obj, value)


class Edits(traitlets.TraitType[Any, Any]):
    """A tuple of edits; takes any sequence of them."""

    default_value = ()
    info_text = "edits, such as llmscope.ablate(head=(2, 0))"

    def validate(self, obj: Any, value: Any) -> tuple[Edit, ...]:
        """Return `value` as a tuple of edits."""
        found = tuple(value) if isinstance(value, (list, tuple)) else (None,)
        if not all(isinstance(edit, Ablation | Scaling | Patch | Steering) for edit in found):
            self.error(obj, value)
        if len(found) > MOST_EDITS:
            raise traitlets.TraitError(f"edits holds {MOST_EDITS} at most, not {len(found)}")
        return found

    @staticmethod
    def to_json(value: tuple[Edit, ...], _: Any) -> list[dict[str, Any]]:
        """Return edits as the page has them."""
        return [as_value(edit) for edit in value]

    @staticmethod
    def from_json(value: Any, view: Any) -> tuple[Edit, ...]:
        """Return edits as Python has them."""
        return Edits.known(value, view.edits, view.scope)

    @staticmethod
    def known(value: Any, edits: Iterable[Edit], scope: Scope) -> tuple[Edit, ...]:
        """Return edits of a model: those that are there already as they are."""
        known = {json.dumps(as_value(edit)): edit for edit in edits}
        found = [json.dumps(one) for one in value]
        return tuple(
            known.get(text) or edit_of(one, scope) for text, one in zip(found, value, strict=True)
        )


class Token(traitlets.TraitType[Any, Any]):
    """A token, and perhaps a foil, as ids; takes texts of one token each, too."""

    default_value = ()
    info_text = "a token, or a token and a foil, as texts or ids"

    def validate(self, obj: Any, value: Any) -> tuple[int, ...]:
        """Return `value` as a tuple of at most two ids."""
        given = () if value is None else (value,) if isinstance(value, (str, int)) else value
        if not isinstance(given, (list, tuple)) or len(given) > 2:
            self.error(obj, value)
        if given and obj.scope is None:
            raise traitlets.TraitError("effect_of names tokens of a model: load one first")
        try:
            return tuple(obj.scope.token_id(one) for one in given)
        except (ValueError, TypeError) as error:
            raise traitlets.TraitError(str(error)) from None


class Language(traitlets.TraitType[Any, Any]):
    """A language, by a tag such as "zh-CN"; `None` for that of the page."""

    info_text = "a language"

    def default(self, obj: Any = None) -> str | None:
        """Return the language that was chosen for all views."""
        return chosen()

    def validate(self, obj: Any, value: Any) -> str | None:
        """Return `value` as the name of a language."""
        try:
            return known(value)
        except ValueError as error:
            raise traitlets.TraitError(str(error)) from None


class ViewTraits(Rereads):
    """The traits of every view; `View` documents them."""

    text = traitlets.Unicode("").tag(sync=True)
    pair = traitlets.Unicode("").tag(sync=True)
    target = traitlets.Unicode("").tag(sync=True)
    masked = Positions().tag(sync=True)
    edits = Edits().tag(sync=True, to_json=Edits.to_json, from_json=Edits.from_json)
    side = traitlets.Enum(SIDES, "edited").tag(sync=True)
    patch_from = traitlets.Unicode("").tag(sync=True)
    layer = traitlets.Int(0).tag(sync=True)
    head = traitlets.Int(0).tag(sync=True)
    heads = Heads().tag(sync=True)
    mode = traitlets.Enum(MODES, "matrix").tag(sync=True)
    combine = traitlets.Enum(COMBINE, "none").tag(sync=True)
    kind = traitlets.Enum(("", *KINDS), "").tag(sync=True)
    direction = traitlets.Enum(DIRECTIONS, "from").tag(sync=True)
    hide_sink = traitlets.Bool(False).tag(sync=True)
    color_scale = traitlets.Enum(COLOR_SCALES, "sqrt").tag(sync=True)
    segments = traitlets.Enum(SEGMENTS, "all").tag(sync=True)
    effect_of = Token().tag(sync=True)
    shade = traitlets.Enum(TEXT_SHADES, "attention").tag(sync=True)
    position = traitlets.Int(-1).tag(sync=True)
    temperature = traitlets.Float(1.0).tag(sync=True)
    top_k = traitlets.Int(0).tag(sync=True)
    top_p = traitlets.Float(1.0).tag(sync=True)
    min_p = traitlets.Float(0.0).tag(sync=True)
    typical_p = traitlets.Float(1.0).tag(sync=True)
    order = traitlets.Enum(ORDERS, "transformers").tag(sync=True)
    threshold = traitlets.Float(0.0).tag(sync=True)
    lecture = traitlets.Bool(False).tag(sync=True)
    chain_rule = traitlets.Bool(False).tag(sync=True)

    lang = Language().tag(sync=True)

    saved_page_mb = traitlets.Float(SAVED_PAGE_MB, min=0.0)  # of no interest to the page

    # Whether nobody has chosen a head: the page then shows a telling one.
    _telling = traitlets.Bool(True).tag(sync=True)
    _panels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _editable = traitlets.Bool(False).tag(sync=True)
    # The key of what is on screen, where it isn't what the tokenizer makes of `text`: ids as a
    # model generated them.
    _path = traitlets.Unicode("").tag(sync=True)
    # With which views of the page it moves, and by which traits.
    _joins: traitlets.List[Any] = traitlets.List().tag(sync=True)

    # The language that the page has found: that of `lang`, or its own.
    _spoken = traitlets.Enum(LANGUAGES, ENGLISH).tag(sync=True)
    # Words and a picture, for where the widget comes back and its kernel doesn't.
    _left = traitlets.Dict().tag(sync=True)

    @property
    def language(self) -> str:
        """The language of its words: "en" or "zh"."""
        return self.lang or self._spoken

    @property
    def _most_bytes(self) -> float:
        """How large a page that is kept may be."""
        return 1e6 * self.saved_page_mb

    @property
    def scope(self) -> Scope | None:
        """The model that is looked into; `None` while none is picked."""
        raise NotImplementedError

    @property
    def _facts(self) -> list[Facts]:
        """Facts of the models that are looked into."""
        return [] if self.scope is None else [self.scope.facts]

    def shared_traits(self) -> dict[str, Any]:
        """Return the values of all traits that the page has.

        Returns
        -------
        dict
            By name, in order of names.
        """
        names = {
            name
            for kind in type(self).__mro__
            if issubclass(kind, ViewTraits)
            for name in kind.class_own_traits(sync=True)
        }
        # anywidget's own are no state, and what is exported shows the head that is on screen, in
        # one language.
        own = {"_esm", "_css", "_anywidget_id", "_telling", "_joins", "_left", "lang", "_spoken"}
        own |= {"_server", "_room"}
        found = {name: getattr(self, name) for name in sorted(names.difference(own))}
        return {**found, "edits": Edits.to_json(self.edits, self)}

    @traitlets.validate("text", "pair", "target", "patch_from")
    def _whole_characters(self, proposal: Any) -> Any:
        """Replace lone surrogates, which no message can carry."""
        return clean(proposal["value"])

    @traitlets.validate("_path")
    def _key_of_an_input(self, proposal: Any) -> Any:
        key = clean(proposal["value"])
        if key:
            try:
                found = parse_input(key)
            except RequestError as error:
                raise traitlets.TraitError(f"_path is the key of an input. {error}") from None
            if isinstance(found, OtherInput):
                raise traitlets.TraitError("_path is of the first of two that are compared.")
        return key

    @traitlets.validate("temperature", "top_k", "top_p", "min_p", "typical_p")
    def _within_range(self, proposal: Any) -> Any:
        try:
            check_settings(**{proposal["trait"].name: proposal["value"]})
        except ValueError as error:
            raise traitlets.TraitError(str(error)) from None
        return proposal["value"]

    @traitlets.validate("threshold")
    def _a_share(self, proposal: Any) -> Any:
        if not 0 <= proposal["value"] <= 1:
            raise traitlets.TraitError(f"threshold lies between 0 and 1, not {proposal['value']}")
        return proposal["value"]

    @traitlets.validate("layer", "head")
    def _exists(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        count = max((getattr(facts, f"{name}s", 0) or 0 for facts in self._facts), default=0)
        if value < 0 or (count and value >= count):
            raise traitlets.TraitError(f"{name} lies between 0 and {count - 1}, not {value}")
        self._telling = False
        return value

    @traitlets.validate("heads")
    def _exist(self, proposal: Any) -> Any:
        for layer, head in proposal["value"]:
            beyond = bool(self._facts) and all(
                (facts.layers and layer >= facts.layers) or (facts.heads and head >= facts.heads)
                for facts in self._facts
            )
            if layer < 0 or head < 0 or beyond:
                raise traitlets.TraitError(f"There is no head ({layer}, {head}).")
        return proposal["value"]

    @traitlets.validate("position")
    def _from_the_end(self, proposal: Any) -> Any:
        if proposal["value"] < -1:
            raise traitlets.TraitError("position is -1 (the last token) or more")
        return proposal["value"]
