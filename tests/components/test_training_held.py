"""Two steps of a training side by side: their difference in every panel, against numpy."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.components.conftest import Show
from tests.components.test_training import PANELS, panel, press, steps_of
from tests.components.workshop import Shown


@pytest.fixture
def held(show: Show) -> Shown:
    """The last step with the first one held."""
    return show(
        "training",
        _panels=["training", "tokens", "chain", "overview", "attention", "next-token"],
        chain_rule=True,
        held=0,
        side="difference",
        size=(1360, 1700),
        width=1300,
    )


def both(shown: Shown, probe: int = 0, kind: str = "self") -> tuple[np.ndarray, np.ndarray]:
    steps = steps_of(shown)
    weights = (shown.numbers.arrays[f"0/{probe}/{kind}/attention/{n}"] for n in (steps[-1], 0))
    one, other = (each.astype(float) for each in weights)
    return one, other


def distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Jensen-Shannon distances of weights (…, queries, keys), as the mean of the queries."""

    def kl(p: np.ndarray, m: np.ndarray) -> np.ndarray:
        return np.where(p > 0, p * np.log2(np.where(p > 0, p / m, 1)), 0).sum(-1)

    with np.errstate(invalid="ignore", divide="ignore"):
        m = (one + other) / 2
        found: np.ndarray = np.sqrt(np.maximum(0, kl(one, m) + kl(other, m)) / 2).mean(-1)
    return found


def signed(text: str | None) -> float:
    return float((text or "nan").replace("−", "-").replace("+", ""))


def test_the_matrix_is_the_one_less_the_other(held: Shown) -> None:
    one, other = both(held)
    expected = (one - other)[1, 2]
    query = len(expected) - 1
    key = int(np.abs(expected[query]).argmax())
    expect(held.panels.weight).to_have_text(re.compile(r"^[+−]0\.\d{3}$"))
    assert abs(signed(held.panels.weight.text_content()) - expected[query, key]) < 1.1e-3
    expect(held.panels.readout).to_contain_text("shown less held")


def test_heads_are_coloured_by_how_far_they_are_apart(held: Shown) -> None:
    expected = distances(*both(held))
    overview = held.panels.root.get_by_role("region", name="All heads")
    for layer, head in ((0, 1), (1, 3)):
        held.set(layer=layer, head=head)
        expect(overview.locator(".habit b")).to_contain_text(f"{layer}·{head}")
        found = signed(overview.locator(".habit .here span").text_content())
        assert abs(found - expected[layer, head]) < 2e-3
    said = overview.locator(".legend").text_content() or ""
    assert abs(float(said.split()[-1]) - expected.max()) < 2e-3


def test_the_chain_is_the_one_less_the_other(held: Shown) -> None:
    logprobs = held.numbers.arrays["0/0/logprobs"].astype(float)
    change = -(logprobs[-1] - logprobs[0]) / np.log(2)
    bars = held.panels.root.get_by_role("region", name="Chain rule").locator(
        "button.factor .height > span:first-child"
    )
    expect(bars).to_have_count(len(change))
    for found, expected in zip(bars.all_text_contents(), change, strict=True):
        assert abs(signed(found) - expected) < 0.0051
    total = held.panels.root.get_by_role("region", name="Chain rule").locator(".total b")
    for number, row in ((1, -1), (2, 0)):
        perplexity = float(np.exp(-logprobs[row].mean()))
        found = signed(total.nth(number).text_content())
        assert abs(found - perplexity) < 0.006 * perplexity


def test_the_next_token_has_two_sides(held: Shown) -> None:
    top = held.numbers.facts["runs"][0]["top"][0]
    now, before = dict(top[-1][-1]), dict(top[0][-1])
    rows = held.panels.next.locator(".bars.two li:not(.rest)")
    label = next(iter(now))
    row = rows.filter(has=held.page.locator(".name", has_text=label.strip("·"))).first
    title = row.locator(".value").last.get_attribute("title") or ""
    assert abs(signed(title.split(" %")[0]) - 100 * now[label]) < 0.6
    assert " shown, " in title and " held: " in title
    if label in before:
        assert abs(signed(title.split(", ")[1].split(" %")[0]) - 100 * before[label]) < 0.6
    expect(held.panels.next.locator(".axis.two")).to_contain_text("held")


def test_keys_hold_a_step_and_turn_to_the_difference_and_back(show: Show) -> None:
    shown = show("training", _panels=PANELS, size=(1360, 1400), width=1300, step=20)
    press(shown, "h", "End")
    shown.wait(held=20, step=200)
    for key, side in (("d", "difference"), ("d", "edited"), ("Shift+D", "untouched"),
                      ("d", "difference")):  # fmt: skip
        shown.page.keyboard.press(key)
        shown.wait(side=side)
    sides = panel(shown).get_by_role("radiogroup", name="What is shown of the two steps")
    expect(sides).to_contain_text("held: 20")
    sides.get_by_role("radio", name="held: 20").check(force=True)
    shown.wait(side="untouched")
    top = shown.numbers.facts["runs"][0]["top"][0][steps_of(shown).index(20)][-1]
    value = shown.panels.next.locator(".bars li").first.locator(".value")
    expect(value).to_have_attribute("title", re.compile(f"^{100 * top[0][1]:#.3g} %"))
    shown.page.keyboard.press("Control+z")
    shown.wait(side="difference")
    press(shown, "h")
    shown.wait(held=-1, side="edited")
    shown.page.keyboard.press("Control+z")
    shown.wait(held=20, side="difference")


def test_a_step_of_the_other_run_is_held(show: Show) -> None:
    shown = show("training-two", _panels=PANELS, size=(1360, 1400), width=1300, side="difference")
    arrays = shown.numbers.arrays
    one, other = (arrays[f"{run}/0/self/attention/60"].astype(float) for run in (0, 1))
    layer, head = shown.trait("layer"), shown.trait("head")
    expected = (one - other)[layer, head]
    query = len(expected) - 1
    key = int(np.abs(expected[query]).argmax())
    assert abs(signed(shown.panels.weight.text_content()) - expected[query, key]) < 1.1e-3
    expect(panel(shown)).to_contain_text("held: 60, from scratch")


def test_cross_attention_has_a_difference_too(show: Show) -> None:
    shown = show(
        "training-seq2seq", _panels=PANELS, size=(1360, 1400), width=1300, held=0, side="difference"
    )
    one, other = both(shown, kind="cross")
    expected = (one - other)[0, 0]
    query = len(expected) - 1
    key = int(np.abs(expected[query]).argmax())
    assert abs(signed(shown.panels.weight.text_content()) - expected[query, key]) < 1.1e-3
    found = distances(one, other)
    overview = shown.panels.root.get_by_role("region", name="All heads")
    said = signed(overview.locator(".habit .here span").text_content())
    assert abs(said - found[0, 0]) < 2e-3
