"""Effects on a token: of MLPs beside the numbers of their layers, and of the tokens of the text."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from tests.components.conftest import Show
from tests.components.workshop import Shown
from tests.page.panels import box

GUTTER, STRIP, AWAY = 32, 7, 2  # pixels before the heads, of an MLP's cell, and between the two
PIXEL = """(canvas, [x, y]) => {
    const ratio = window.devicePixelRatio || 1;
    return [...canvas.getContext("2d").getImageData(x * ratio, y * ratio, 1, 1).data];
}"""
EFFECT = "span => getComputedStyle(span).getPropertyValue('--effect')"


def signed(value: float) -> str:
    """A number as it is printed."""
    return f"{value:+.2f}".replace("-", "−") if round(value, 2) else "0.00"


@pytest.fixture
def asked(show: Show) -> Shown:
    """Heads, MLPs and text by their effects on a token against another."""
    pair = show("edited", panel="explorer").numbers.facts["effect_of"]
    return show("edited", panel="explorer", layer=1, head=2, effect_of=pair, shade="attention")


def mlp(shown: Shown) -> Locator:
    """What is printed of an MLP."""
    return shown.panels.root.locator(".habit span.mlp")


def cell(shown: Shown, layer: int) -> tuple[float, float]:
    """The middle of an MLP's cell, in the grid, from the frame of head 1·2 in focus."""
    grid, frame = box(shown.panels.overview), box(shown.panels.overview.locator(".focus"))
    assert "lying" not in (shown.panels.overview.get_attribute("class") or "")
    size = frame["width"]
    y = frame["y"] - grid["y"] + (layer - 1) * (size + 1) + size / 2
    return GUTTER - AWAY - STRIP / 2, y


def test_mlps_have_their_numbers_by_mouse_and_by_key(asked: Shown) -> None:
    grid = asked.panels.overview
    for method, name in (("direct", "direct"), ("ablate", "true")):
        asked.panels.root.get_by_role("radio", name=name, exact=True).check(force=True)
        values = asked.numbers.arrays[f"{method} of mlps"]
        assert len(values) == 3
        expect(mlp(asked)).to_have_text(f"MLP 1 {signed(values[1])}")
        asked.panels.walk(layers=1)
        expect(mlp(asked)).to_have_text(f"MLP 2 {signed(values[2])}")
        asked.panels.walk(layers=-1)
        place = box(grid)
        x, y = cell(asked, 0)
        asked.page.mouse.move(place["x"] + x, place["y"] + y)
        expect(mlp(asked)).to_have_text(f"MLP 0 {signed(values[0])}")
        expect(grid.locator(".frame.preview")).to_be_visible()
        asked.leave()
        expect(mlp(asked)).to_have_text(f"MLP 1 {signed(values[1])}")


def test_mlps_are_coloured_on_the_scale_of_heads(asked: Shown) -> None:
    asked.panels.root.get_by_role("radio", name="true", exact=True).check(force=True)
    asked.settle()
    heads, mlps = (asked.numbers.arrays[name] for name in ("ablate of heads", "ablate of mlps"))
    most = max(np.abs(heads).max(), np.abs(mlps).max())
    canvas = asked.panels.overview.locator("canvas")
    blue, orange = np.array([0, 114, 178]), np.array([213, 94, 0])
    for layer, value in enumerate(mlps):
        red, green, ink, alpha = canvas.evaluate(PIXEL, cell(asked, layer))
        share = float(np.sqrt(abs(value) / most))
        ground = 0.05
        assert alpha / 255 == pytest.approx(share + ground * (1 - share), abs=0.02)
        if share > 0.3:
            near = [np.abs(np.array([red, green, ink]) - c).sum() for c in (blue, orange)]
            assert (near[0] < near[1]) == (value > 0)
    # Without the mark there is nothing beside the numbers.
    asked.set(effect_of=[])
    asked.settle()
    assert canvas.evaluate(PIXEL, cell(asked, 0))[3] == 0


@pytest.mark.parametrize(
    ("size", "lecture"),
    [((1360, 1000), False), ((390, 900), False), ((900, 900), False), ((1280, 720), True)],
)
def test_nothing_moves_when_effects_are_asked_for(
    show: Show, size: tuple[int, int], lecture: bool
) -> None:
    shown = show("edited", panel="explorer", size=size, lecture=lecture, layer=1, head=2)
    pair = shown.numbers.facts["effect_of"]
    shown.widen(*size)
    parts = "section, .grid, .copy, .under, .habit, .explained"

    def boxes() -> list[dict[str, float]]:
        found = shown.panels.root.locator(parts)
        return [box(one) for one in found.all() if one.is_visible()]

    before = boxes()
    assert len(before) > 4
    for traits in (
        {"effect_of": pair},
        {"shade": "effect"},
        {"effect_of": [], "shade": "attention"},
    ):
        shown.set(**traits)
        shown.settle()
        assert boxes() == before, traits


def test_the_text_is_shaded_by_effects_on_demand(asked: Shown) -> None:
    choice = asked.panels.root.get_by_role("radiogroup", name="What the text is shaded by")
    values = asked.numbers.arrays["occlusion of tokens"]
    expect(asked.panels.caption).to_contain_text("Shade: attention from")
    choice.get_by_text("effect").click()
    asked.wait(shade="effect")
    expect(asked.panels.caption).to_contain_text("for the token")
    one, other = asked.numbers.facts["labels"]
    said = f"True effect on the logit of “{one}” less that of “{other}”"
    expect(asked.panels.caption).to_contain_text(said)
    most = np.abs(values).max()
    for position in (int(np.abs(values).argmax()), int(values.argmin()), 0):
        colour = str(asked.panels.token(position).evaluate(EFFECT))
        share = 0.55 * float(np.sqrt(abs(values[position]) / most))
        assert float(colour.split("/")[1].rstrip(") ")) == pytest.approx(share, abs=1e-3)
        assert ("213 94 0" if values[position] < 0 else "0 114 178") in colour
        token = box(asked.panels.token(position))
        asked.page.mouse.move(token["x"] + token["width"] / 2, token["y"] + token["height"] / 2)
        expect(asked.panels.caption).to_contain_text(f"effect {signed(values[position])}")
        expect(asked.panels.caption).not_to_contain_text("attention")
    asked.leave()
    # By keys: the two are radio buttons.
    choice.get_by_role("radio", name="effect").focus()
    asked.page.keyboard.press("ArrowLeft")
    asked.wait(shade="attention")
    assert asked.panels.token(0).evaluate(EFFECT) == ""
    asked.set(effect_of=[])
    expect(choice).to_have_count(0)


def test_a_page_says_which_effects_take_the_model(asked: Shown) -> None:
    token, _ = asked.numbers.facts["effect_of"]
    asked.set(effect_of=[token], shade="effect")
    expect(asked.panels.caption).to_contain_text("take the model")
    assert asked.panels.token(0).evaluate(EFFECT) == ""
    expect(mlp(asked)).to_have_text("MLP 1 –")
