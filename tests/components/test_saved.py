"""What is on screen, saved as PNG and SVG."""

from __future__ import annotations

import struct
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import expect

from tests.page.drawn import expect_weight
from tests.page.panels import Panels, box

SVG = "{http://www.w3.org/2000/svg}"


def save(panels: Panels, kind: str) -> Path:
    """Press a button by key, and give the file that comes."""
    with panels.root.page.expect_download() as download:
        panels.attention.get_by_role("button", name=kind, exact=True).press("Enter")
    assert download.value.suggested_filename.endswith(f".{kind.lower()}")
    return Path(download.value.path())


def saved(panels: Panels) -> tuple[ElementTree.Element, list[str]]:
    """The SVG, and all words in it."""
    root = ElementTree.fromstring(save(panels, "SVG").read_text("utf-8"))
    words = [word for text in root.iter(f"{SVG}text") for word in "".join(text.itertext()).split()]
    return root, words


def test_a_matrix_as_svg_has_its_weights(shown, panels):
    root, words = saved(panels)
    assert {"Layer", "24", "Head", *shown.numbers.names, "0.810"} <= set(words)
    assert "PNG" not in words, "tools are left out"
    weights = shown.numbers.attention(24, 4).tolist()
    drawn = [float(rect.get("fill-opacity", 1)) for rect in root.iter(f"{SVG}rect")]
    for query in range(14):
        for key in range(query + 1):
            shade = max(0.05, weights[query][key] ** 0.5)
            assert any(abs(one - shade) < 6e-4 for one in drawn), (query, key)


@pytest.mark.parametrize("mode", ["Arcs", "Steps"])
def test_other_modes_as_svg_keep_their_words(shown, panels, mode):
    panels.show(mode)
    expect(panels.arcs if mode == "Arcs" else panels.steps).to_be_visible()
    shown.settle()
    root, words = saved(panels)
    assert {"Mary", "John", "store", "drink"} <= set(words)
    if mode == "Arcs":
        count = (shown.numbers.attention(24, 4) >= 0.01).sum()
        assert len([path for path in root.iter(f"{SVG}path") if path.get("stroke")]) == count


def test_a_picture_is_named_by_what_is_in_it(shown, panels):
    def name() -> str:
        with shown.page.expect_download() as download:
            panels.attention.get_by_role("button", name="SVG", exact=True).press("Enter")
        return download.value.suggested_filename

    assert name() == "layer-24-head-4-matrix.svg"
    shown.set(heads=[(24, 4), (11, 1)], combine="mean")
    expect(panels.title).to_contain_text("Mean of 2 heads")
    assert name() == "mean.24.4-11.1-matrix.svg"
    panels.show("Arcs")
    expect(panels.arcs).to_be_visible()
    assert name() == "heads-24.4-11.1-arcs.svg"


def test_a_png_is_three_times_as_sharp(panels):
    data = save(panels, "PNG").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    size = struct.unpack(">II", data[16:24])
    region = box(panels.attention)
    assert size == pytest.approx((3 * region["width"], 3 * region["height"]), abs=3)
    assert len(data) > 10_000


def test_tokens_are_text_in_svg(show):
    shown = show("markup", panel="attention")
    panels = shown.panels
    expect_weight(panels.weight, shown.numbers.attention(0, 0)[-1].max())
    root, words = saved(panels)
    assert not list(root.iter(f"{SVG}script"))
    assert {"script", "&", "alert"} <= set(words)
