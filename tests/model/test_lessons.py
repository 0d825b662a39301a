"""The lessons of the package: that both languages open, and say the model's own numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

import llmscope
from llmscope.lessons.lesson import _TEXTS
from llmscope.scope import Scope
from llmscope.trace import Trace

MODELS = {"gaps": "demo:gaps", "encoder-decoder": "demo:dates"}
NAMES = ("sampling", "attention", "gaps", "lens", "chain-rule", "encoder-decoder")
CAT = "The cat sat on the mat because the cat was very"
FRANCE = "The capital of France is"
MARY = "When Mary and John went to the store, John gave a drink to"
CUPS = "Blue cup, red hat, green pen. Blue cup, red hat, green"
HOT = "The opposite of hot is"
COFFEE, GRAVEL = (f"I drink a cup of {what} every morning." for what in ("coffee", "gravel"))


@cache
def scope_of(name: str) -> Scope:
    return llmscope.load(MODELS[name]) if name in MODELS else llmscope.load()


def share(trace: Trace, word: str, position: int = -1, **settings: object) -> float:
    """Return how likely a word is, in percent."""
    found = trace.next_token(position=position, **settings)
    return 100 * float(found.probs[trace.scope.token_id(word)])


def kept(trace: Trace, **settings: object) -> str:
    return str(int((np.asarray(trace.next_token(**settings).probs) > 0).sum()))


def sampling(scope: Scope) -> list[str]:
    cat, france = scope.trace(CAT), scope.trace(FRANCE)
    hot = {"temperature": 2.0, "top_p": 0.5}
    return [
        f"{scope.facts.vocabulary:,}",
        *(f"{share(cat, word):.1f}" for word in (" happy", " lazy", " proud")),
        f"{share(france, ' Paris'):.1f}",
        f"{share(cat, ' happy', temperature=0.5):.1f}",
        f"{share(cat, ' happy', temperature=1.5):.1f}",
        f"{cat.next_token().entropy:.1f}",
        f"{cat.next_token(temperature=1.5).entropy:.1f}",
        f"{share(cat, ' happy', top_k=10):.1f}",
        kept(cat, top_p=0.5),
        f"{share(cat, ' happy', top_p=0.5):.1f}",
        kept(cat, order="transformers", **hot),
        kept(cat, order="llama.cpp", **hot),
    ]


def attention(scope: Scope) -> list[str]:
    mary, cups = scope.trace(MARY), scope.trace(CUPS)

    def without(*heads: tuple[int, int]) -> Trace:
        return scope.trace(MARY, edits=[llmscope.ablate(head=head) for head in heads])

    steps = mary.steps(24, 4, -1)
    scores = np.asarray(steps.keys) @ np.asarray(steps.query)
    looks = mary.attention(24, 4)[-1]
    pen = [token.text for token in cups.tokens].index(" pen")
    return [
        f"{share(mary, ' Mary'):.1f}",
        f"{looks[1]:.2f}",
        f"{looks[9]:.2f}",
        f"{mary.attention(23, 3)[-1, 9]:.2f}",
        *(f"{scores[at]:.1f}" for at in (1, 9)),
        f"{share(without((24, 4)), ' Mary'):.1f}",
        f"{share(without((23, 3)), ' Mary'):.1f}",
        *(f"{share(without((23, 3), (1, 5)), word):.1f}" for word in (" Mary", " John")),
        f"{share(cups, ' pen'):.1f}",
        f"{cups.attention(17, 4)[-1, pen]:.2f}",
    ]


def gaps(scope: Scope) -> list[str]:
    def at(text: str, *words: str, position: int = 2) -> list[str]:
        found = scope.trace(text).distribution(position)
        ids = scope.tokenizer.convert_tokens_to_ids(list(words))
        return [f"{100 * float(found.probs[one]):.1f}" for one in ids]

    first = "The [MASK] barked because it was hungry."
    tea = "Tom drinks a cup of [MASK]."
    return [
        *at(first, "dog"),
        f"{scope.trace(first).attention(0, 3)[2, 3]:.2f}",
        *at("The [MASK] [MASK] because it was hungry.", "duck", "bee", "cat"),
        *at("The [MASK] meowed because it was hungry.", "cat"),
        *at("The [MASK] is yellow and tastes sour.", "lemon"),
        *at("The [MASK] is yellow and tastes sweet.", "banana", "lemon"),
        *at(tea, "coffee", "tea", position=6),
        f"{scope.trace(tea).distribution(6).entropy:.1f}",
    ]


def lens(scope: Scope) -> list[str]:
    def after(text: str, word: str, layer: int) -> float:
        found = scope.trace(text).lens(top=scope.facts.vocabulary, positions=[-1])
        ids = np.asarray(found.ids)[layer, 0]
        return 100 * float(np.asarray(found.probs)[layer, 0][ids == scope.token_id(word)][0])

    return [
        *(f"{after(HOT, ' cold', layer):.1f}" for layer in (28, 29, 30)),
        f"{after(FRANCE, ' capital', 29):.1f}",
        f"{after(FRANCE, ' Paris', 29):.0f}",
        f"{after(FRANCE, ' Paris', 30):.1f}",
    ]


def chain_rule(scope: Scope) -> list[str]:
    coffee, gravel = scope.trace(COFFEE), scope.trace(GRAVEL)
    bits, others = (-np.asarray(one.logprobs)[1:] / np.log(2) for one in (coffee, gravel))
    shares, later = 100 * 0.5**bits, 100 * 0.5**others
    assert round(2 ** (others.sum() - bits.sum()), -5) == 1_500_000
    assert f"{0.5 ** bits.sum():.1e}" == "1.2e-10"
    return [
        *(f"{shares[at]:.1f}" for at in (3, 5, 6)),
        f"{bits[0]:.1f}",
        *(f"{bits[at]:.2f}" for at in (3, 4)),
        f"{bits.sum():.0f}",
        f"{bits.mean():.1f}",
        f"{bits.mean():.2f}",
        f"{others[4]:.0f}",
        f"{coffee.perplexity:.1f}",
        f"{gravel.perplexity:.1f}",
        *(f"{later[at]:.1f}" for at in (5, 6)),
    ]


def encoder_decoder(scope: Scope) -> list[str]:
    trace = scope.trace("the third of May 1998", target="1998-05-03")
    cross = trace.attention(0, 3, kind="cross")  # (decoder, encoder)
    words = [token.text.strip() for token in trace.source_tokens]
    chinese = scope.trace("一九九八年五月三日", target="1998-05-03")
    february = scope.trace("the thirty-first of February 1998", target="1998-02-")
    assert scope.generate("the thirty-first of February 1998").texts == ["1998-02-31"]
    return [
        *(f"{cross[0, words.index('1')]:.2f}", f"{cross[3, words.index('8')]:.2f}"),
        f"{share(trace, '8', position=3):.2f}",
        f"{cross[6, words.index('May')]:.2f}",
        f"{cross[9, words.index('third')]:.2f}",
        f"{chinese.attention(0, 3, kind='cross')[3, 3]:.2f}",
        f"{share(february, '3'):.1f}",
    ]


SAID: dict[str, Callable[[Scope], list[str]]] = {
    "sampling": sampling,
    "attention": attention,
    "gaps": gaps,
    "lens": lens,
    "chain-rule": chain_rule,
    "encoder-decoder": encoder_decoder,
}


def numbers(text: str) -> set[str]:
    return set(re.findall(r"\d[\d,]*(?:\.\d+)?", text))


LONG = {"attention", "lens"}
SOME = [pytest.param(one, marks=pytest.mark.whole if one in LONG else ()) for one in NAMES]


@pytest.mark.parametrize("name", SOME)
def test_a_lesson_says_the_models_own_numbers_in_both_languages(name):
    expected = SAID[name](scope_of(name))
    for language in ("en", "zh"):
        text = (_TEXTS / f"{name}.{language}.md").read_text("utf-8")
        said = numbers(text.replace("，", " "))
        assert set(expected) <= said, (language, set(expected) - said)


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_opens_with_the_same_slides_in_both_languages(name):
    opened = [
        llmscope.lesson(name.replace("-", " "), lang=language, scope=scope_of(name))
        for language in ("en", "zh")
    ]
    english, chinese = opened
    assert 7 <= len(english.slides) == len(chinese.slides) <= 12
    for one, other in zip(english.slides, chinese.slides, strict=True):
        assert one.settings == other.settings
        assert (one.show, one.guess, bool(one.ask), bool(one.answer)) == (
            other.show,
            other.guess,
            bool(other.ask),
            bool(other.answer),
        )
    for lesson in opened:
        assert lesson.title
        for number in range(len(lesson.slides)):
            lesson.slide = number
        lesson.close()


def test_what_a_decoder_writes_next_is_shown_where_its_text_ends():
    """The panel of an encoder-decoder's next token is of the end of its text, always."""
    lesson = llmscope.lesson("encoder-decoder", scope=scope_of("encoder-decoder"))
    for slide in lesson.slides:
        is_hidden = "next-token" in slide.hide or slide.show == "text"
        assert is_hidden or slide.settings.get("position", -1) == -1, slide
        assert is_hidden or slide.settings.get("target"), slide
    lesson.close()


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_say_the_same_numbers(name):
    english, chinese = (
        (_TEXTS / f"{name}.{language}.md").read_text("utf-8") for language in ("en", "zh")
    )
    chinese = re.sub(r"第 (\d+) 层的头 (\d+)", r"\1.\2", chinese)  # as English names a head
    long = re.compile(r"\d[\d,]*\.\d+|\d{2,}")  # those that are measured
    assert set(long.findall(english)) == set(long.findall(chinese))
