"""The chain rule: surprisal of each token, product of all, perplexity; against Python."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from tests.components.conftest import Show
from tests.components.workshop import Shown

# Where the names end, where columns right of that begin, and how many are whole.
_EDGES = """box => {
    const [names, ...columns] = [...box.children].map(one => one.getBoundingClientRect());
    const shown = columns.filter(({ right }) => right > names.right + 1);
    const whole = shown.filter(({ right }) => right <= box.getBoundingClientRect().right);
    return [names.right, shown.map(({ left }) => left), whole.length];
}"""
SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


@pytest.fixture
def shown(show: Show) -> Shown:
    return show("causal", panel="chain", chain_rule=True)


def region(shown: Shown) -> Locator:
    return shown.panels.root.get_by_role("region", name="Chain rule")


def number(text: str) -> float:
    """A number as it is printed: a percentage, a power of ten, or itself."""
    if "%" in text:
        return float(text.replace("%", "")) / 100
    first, _, exponent = text.partition("× 10")
    return float(first) * 10.0 ** int(exponent.translate(SUPERSCRIPTS) or 0)


def logprobs(shown: Shown) -> Any:
    return shown.numbers.arrays["logprobs"].astype(np.float64)


def test_each_column_says_what_python_says(shown):
    found = logprobs(shown)
    columns = region(shown).locator("button.factor")
    expect(columns.locator(".token-label")).to_have_text(shown.numbers.labels)
    rows = [column.locator("> span").all_inner_texts() for column in columns.all()]
    assert rows[0][0] == "" and rows[0][2:] == ["given", ""]
    surprisals = [float(bits) for bits, *_ in rows[1:]]
    np.testing.assert_allclose(surprisals, -found[1:] / np.log(2), rtol=0, atol=0.0051)
    probabilities = [number(share) / 100 for _, _, share, _ in rows[1:]]
    np.testing.assert_allclose(probabilities, np.exp(found[1:]), rtol=0.0051)
    products = [number(product) for *_, product in rows[1:]]
    np.testing.assert_allclose(products, np.exp(found[1:].cumsum()), rtol=0.0051)
    bars = [column.locator(".height i").bounding_box()["height"] for column in columns.all()[1:]]
    share = np.array(bars) / max(bars)
    np.testing.assert_allclose(share, found[1:] / found[1:].min(), rtol=0, atol=0.03)


def test_perplexity_comes_with_its_arithmetic(shown):
    total = -logprobs(shown)[1:].sum() / np.log(2)
    said = region(shown).locator(".total").inner_text().replace("\n", " ")
    assert f"{total:.2f} bits ÷ 13 tokens = {total / 13:.2f} bits per token" in said
    product, perplexity = re.search(r"= (\S+ × \S+) = 2.*= (\S+):", said).groups()
    np.testing.assert_allclose(number(product), 2.0**-total, rtol=0.0051)
    assert perplexity == f"{shown.numbers.facts['perplexity']:.1f}"


def test_a_token_is_focused_by_mouse_and_keys(shown):
    columns = region(shown).locator("button.factor")
    columns.nth(4).click()
    shown.wait(position=4)
    said = region(shown).get_by_role("status")
    expect(said).to_contain_text("p(“went” | the 4 tokens before it)")
    region(shown).get_by_role("group", name="Tokens").press("ArrowRight")
    shown.wait(position=5)
    expect(columns.nth(5)).to_have_class(re.compile("here"))
    columns.nth(2).hover()
    expect(said).to_contain_text("p(“and” | the 2 tokens before it)")
    columns.nth(0).click()
    expect(said).to_contain_text("Nothing comes before “When”")


def test_perplexity_in_the_header_opens_it(show):
    shown = show("causal", panel="explorer")
    expect(region(shown)).to_have_count(0)
    opener = shown.panels.root.get_by_role("button", name="perplexity")
    opener.click()
    expect(region(shown)).to_be_visible()
    shown.wait(chain_rule=True)
    opener.click()
    expect(region(shown)).to_have_count(0)


def test_what_reads_both_ways_has_no_chain(show):
    shown = show("masked", panel="chain", chain_rule=True)
    expect(region(shown)).to_contain_text("in both directions")


def test_a_text_too_unlikely_for_a_float_has_its_product(show):
    shown = show("512-tokens", panel="chain", chain_rule=True)
    expect(region(shown).locator("button.factor.here")).to_contain_text("× 10⁻²⁷")
    expect(region(shown).locator("button.factor").last).to_be_in_viewport()


@pytest.mark.parametrize("width", [390, 830, 1150])
def test_no_number_is_cut_into_another(show, width):
    shown = show("cjk", panel="chain", chain_rule=True, width=width)
    box = region(shown).get_by_role("group", name="Tokens")
    count = len(shown.numbers.labels)
    for position in (count - 1, count // 2, count - 9, 0):
        shown.set(position=position)
        shown.settle()
        edge, starts, whole = box.evaluate(_EDGES)
        assert starts[0] == pytest.approx(edge, abs=1), (position, edge, starts[:2])
        assert whole >= 3
