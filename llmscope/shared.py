"""Constants and colours of both sides, from ``shared.json``, which the front end imports as well.

The `Literal` types repeat names of the file for the type checker; a test holds them equal.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

Kind = Literal["self", "encoder", "cross"]
Stream = Literal["block", "attention", "mlp"]
Parts = Literal["heads", "mlps", "tokens"]
Way = Literal["direct", "ablate", "occlusion"]
Tower = Literal["self", "encoder"]
Order = Literal["transformers", "llama.cpp", "vllm"]
Measure = Literal["probability", "entropy", "rank", "divergence"]
ColorScale = Literal["sqrt", "linear", "log"]

_SHARED: dict[str, Any] = json.loads(Path(__file__).with_name("shared.json").read_bytes())
_ATTENTION, _LENS, _SAMPLING = _SHARED["attention"], _SHARED["lens"], _SHARED["sampling"]
_KEYS = _SHARED["keys"]

KINDS: tuple[Kind, ...] = tuple(_ATTENTION["kinds"])
MODES: tuple[str, ...] = tuple(_ATTENTION["modes"])
COMBINE: tuple[str, ...] = tuple(_ATTENTION["combine"])
DIRECTIONS: tuple[str, ...] = tuple(_ATTENTION["directions"])
COLOR_SCALES: tuple[ColorScale, ...] = tuple(_ATTENTION["color_scales"])
SEGMENTS: tuple[str, ...] = tuple(_ATTENTION["segments"])
SCORES: tuple[str, ...] = tuple(_ATTENTION["scores"])
MOST_HEADS: int = _ATTENTION["most_heads"]  # as many as there are colours that can be told apart
# How their lines are dashed, beside their colours: lengths drawn and left out.
DASHES: tuple[tuple[int, ...], ...] = tuple(map(tuple, _ATTENTION["dashes"]))
TILE: int = _ATTENTION["tile"]  # cells a side of a tile
THUMBNAIL: int = _ATTENTION["thumbnail"]  # cells a side of a thumbnail, at most
DECADES: int = _ATTENTION["decades"]  # weights of 10^-DECADES are blank on the logarithmic scale

STREAMS: tuple[Stream, ...] = tuple(_LENS["streams"])
MEASURES: tuple[Measure, ...] = tuple(_LENS["measures"])
LENS_BLOCK: int = _LENS["block"]  # positions that are requested at once
LENS_TOP: int = _LENS["top"]  # tokens of each layer and position

TOWERS: tuple[Tower, ...] = tuple(_SHARED["model"]["towers"])  # stacks of blocks

LONGEST_KEY: int = _KEYS["longest"]  # characters of a key
LONGEST_NAME: int = _KEYS["longest_name"]  # characters of a model's name, and of a text to find
MOST_IDS: int = _KEYS["most_ids"]  # in one key
MOST_PROBES: int = _KEYS["most_probes"]  # texts that are watched while a model is trained
MOST_STEP: int = _KEYS["most_step"]  # of a training, that a view shows

KEPT_TYPE: str = _SHARED["keeping"]["type"]  # what only we can show of an output that is saved

SHADES: tuple[str, ...] = tuple(_SHARED["generation"]["shades"])

# To find effects, in views, by what they are of.
WAYS: dict[Parts, tuple[Way, ...]] = {
    of: tuple(ways) for of, ways in _SHARED["effects"]["ways"].items()
}
TEXT_SHADES: tuple[str, ...] = tuple(_SHARED["effects"]["shades"])  # what shades a text

_COMPARISON = _SHARED["comparison"]
SIDES: tuple[str, ...] = tuple(_COMPARISON["sides"])  # of a text under edits
OF_TWO: tuple[str, ...] = tuple(_COMPARISON["of_two"])  # sides of two that are compared
MOST_ANCHORS: int = _COMPARISON["most_anchors"]  # pairs of tokens that are aligned by hand

# Of heads over many texts: those of one text first, in the order of the arrays that hold them.
SURVEY_SCORES: tuple[str, ...] = tuple(_SHARED["survey"]["scores"])
EXAMPLES: tuple[str, ...] = tuple(_SHARED["survey"]["examples"])  # which texts of a head are listed
TEXTS_BLOCK: int = _SHARED["survey"]["block"]  # texts that are requested at once

ORDERS: tuple[Order, ...] = tuple(_SAMPLING["orders"])
NEUTRAL: dict[str, float] = _SAMPLING["neutral"]  # settings that change nothing

# By name, as #rrggbb; "heads" is a list, "more" and "less" are the ends of what has a sign.
LIGHT: dict[str, Any] = _SHARED["colors"]["light"]
DARK: dict[str, Any] = _SHARED["colors"]["dark"]
PRINT: dict[str, Any] = {**LIGHT, **_SHARED["colors"]["print"]}  # on white paper
