"""What both sides have: constants, and small pure functions held by vectors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import llmscope
from llmscope.export.figures.matrix import spaced
from llmscope.export.figures.style import opacity, percent, points, weight, weight_at

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "numbers.json").read_bytes())
FORMATS = {"points": points, "percent": percent, "weight": weight, "count": "{:,}".format}
CURVES = {"opacity": opacity, "weight_at": weight_at}


@pytest.mark.parametrize("name", FORMATS)
def test_numbers_are_formatted_as_the_page_does(name):
    for vector in VECTORS[name]:
        value, text = vector.values()
        assert FORMATS[name](value) == text, value


@pytest.mark.parametrize("name", CURVES)
def test_weights_are_as_opaque_as_in_the_page(name):
    for vector in VECTORS[name]:
        value, scale, expected = vector.values()
        assert float(CURVES[name](value, scale)) == pytest.approx(expected, abs=1e-12), vector


def test_labels_are_spaced_as_in_the_page():
    for vector in VECTORS["spaced"]:
        *given, kept = vector.values()
        assert spaced(*given) == kept, vector


def test_colours_are_in_one_file():
    package = Path(llmscope.__file__).parent
    shared = json.loads((package / "shared.json").read_bytes())["colors"].values()
    colors = {one for theme in shared for item in theme.values() for one in [*_listed(item)]}
    assert len(colors) > 30
    for path in package.rglob("*.py"):
        text = path.read_text(encoding="utf-8").lower()
        assert not [color for color in colors if color in text], path


def _listed(item):
    return [item] if isinstance(item, str) else item
