"""Exported pages: what is in them, how true it is, and that text stays text."""

from __future__ import annotations

import base64
import json
import re
import shutil
import struct
import subprocess
import zlib
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch

import llmscope
from llmscope import AttentionView, GenerationView, NextTokenView, TokensView
from llmscope.analysis.by_name import named_matrix
from llmscope.export import compact, estimate
from llmscope.export.bake import Buffers
from llmscope.export.choose import listed
from llmscope.scope import Scope
from llmscope.source import Answers
from llmscope.source.answers import key_of
from llmscope.text import labels
from tests.tiny import MODELS, TEXT

FRONTEND = Path(__file__).parents[2] / "llmscope" / "frontend"
# Asks a page's sources for keys, as its views do; arrays come back as lists.
SCRIPT = """
import { buildSync } from "esbuild";
import { readFileSync, writeFileSync } from "node:fs";
const load = (file) => {
    const built = buildSync({ entryPoints: [`src/source/baked/${file}.ts`], bundle: true,
                              format: "esm", write: false });
    const code = Buffer.from(built.outputFiles[0].contents).toString("base64");
    return import("data:text/javascript;base64," + code);
};
const { BakedSource } = await load("baked");
const { readPage } = await load("content");
const { base64, keys, output } = JSON.parse(readFileSync(0, "utf8"));
const page = await readPage(base64);
const sources = page.sources.map((content) => new BakedSource(content));
const plain = (part) => Object.fromEntries(Object.entries(part).map(([name, item]) =>
    [name, item?.data ? { data: [...item.data].map(String), shape: item.shape } : item]));
const answers = [];
for (const [source, key] of keys) {
    const words = sources[source].lacks(key);
    answers.push(await sources[source].ask(key).then(
        (part) => ({ words, part: plain(part) }),
        (error) => ({ words, error: error.message, kind: error.kind })));
}
writeFileSync(output, JSON.stringify(answers));
"""


def content(html: str) -> str:
    (found,) = re.findall(r'id="baked">([A-Za-z0-9+/=]*)</script>', html)
    return found


def opened(html: str) -> dict:
    """What a page holds, but for its buffers."""
    data = zlib.decompress(base64.b64decode(content(html)))
    (length,) = struct.unpack_from("<I", data)
    return json.loads(data[4 : 4 + length])["page"]


def ask(html: str, keys: list[str], folder: Path, source: int = 0) -> list[dict]:
    node = shutil.which("node")
    assert node is not None
    output = folder / "answers.json"
    asked = {"base64": content(html), "output": str(output)}
    subprocess.run(
        [node, "--input-type=module", "-e", SCRIPT],
        input=json.dumps(asked | {"keys": [[source, key] for key in keys]}),
        text=True,
        cwd=FRONTEND,
        check=True,
    )
    return json.loads(output.read_text())


def array(item: dict) -> np.ndarray:
    return np.array([float(value) for value in item["data"]]).reshape(item["shape"])


@pytest.fixture
def explorer(scope):
    view = scope.explore(TEXT, layer=1, head=2)
    yield view
    view.close()


@pytest.fixture
def roomy(tokenizer) -> Scope:
    """A model with room for long texts."""
    model = MODELS["llama"]()
    model.config.max_position_embeddings = 512
    return Scope(model, tokenizer)


@pytest.fixture(scope="module")
def large(tokenizer) -> Scope:
    """A model with a vocabulary that isn't held whole."""
    torch.manual_seed(0)
    scope = Scope(MODELS["llama"](), tokenizer, name="large")
    model = scope.model
    model.resize_token_embeddings(5000)
    with torch.no_grad():
        model.lm_head.weight.normal_(std=2)
    return Scope(model, tokenizer, name="large")


def shades_of(weights: np.ndarray) -> np.ndarray:
    return np.round(255 * np.sqrt(np.clip(weights, 0, 1)))


@pytest.mark.parametrize("precision", ["float16", "float32"])
@pytest.mark.parametrize("name", ["llama", "mistral", "bert", "t5", "gpt_oss"])
def test_a_page_answers_as_the_kernel_does(name, precision, tokenizer, tmp_path):
    trace = Scope(MODELS[name](), tokenizer).trace(TEXT)
    view = AttentionView(trace, layer=1, head=1)
    html = view.to_html(precision=precision).html
    relative = 0 if precision == "float32" else compact.WEIGHT_ERROR
    kind = trace.kinds[0]
    names = ["head.0.3", "sinkless.head.1.1", "mean.0.1+1.2", "max.0.0+1.3+1.1"]
    names += ["difference.0.1+1.0", "sinkless.mean.0.1+1.0"]
    places = ["row.3", "column.2", "0.0.0.max", "1.0.0.max", "2.0.0.mean"]
    keys = [f"t1/{kind}/{matrix}/{place}" for matrix in names for place in places]
    keys += [f"t1/thumbnails/{kind}/{layer}" for layer in trace.layers(kind)]
    keys += ["model", f"text/{TEXT}"]
    answers = Answers(trace.scope, trace)
    for key, found in zip(keys, ask(html, [*keys], tmp_path), strict=True):
        if not keys.index(key):
            list(answers(f"text/{TEXT}", lambda: False))
        (true,) = answers(key, lambda: False)
        assert found["words"] is None
        for field, value in true.items():
            if field == "warm":  # of the kernel's memory
                assert field not in found["part"]
                continue
            if not isinstance(value, np.ndarray):
                assert json.loads(json.dumps(value)) == found["part"][field]
                continue
            got = array(found["part"][field])
            assert got.shape == value.shape
            if field == "shades":  # A rounded weight may be drawn one of 255 steps off.
                assert np.abs(got - value).max() <= 1
            elif "difference" in key and ".0.0." in key:
                # Of two weights as far from 0, rounding may choose the other one.
                off = np.abs(np.abs(got) - np.abs(value.astype(np.float64)))
                assert off.max() <= 2 * relative + 2.5e-4  # the kernel halves its precision too
            elif "difference" in key or "sinkless" in key:
                assert np.abs(got - value).max() <= 2 * relative + 1e-6
            else:
                np.testing.assert_allclose(got, value, rtol=relative + 1e-5, atol=1e-7)
    view.close()


def test_what_the_page_does_not_hold_is_refused_in_words(scope, tmp_path):
    view = scope.explore(TEXT, layer=1, head=2, position=3)
    html = view.to_html(layers=[0], positions=[-1]).html
    last = len(view.trace) - 1
    held = [
        *("t1/self/head.0.3/row.0", "t1/self/head.1.2/row.0", "t1/chain"),
        *(f"t1/logits/{last}", "t1/logits/3", "t1/steps/self/1/2/3", "release"),
    ]
    missing = {
        "t1/self/head.1.1/row.0": "the page holds all heads of layer 0, head 1·2",
        "t1/self/mean.0.0+2.0/0.0.0.max": "all heads of layer 0",
        "t1/self/rollout.1/0.0.0.max": "Rollout to this layer takes the model",
        "t1/logits/0": f"the page holds it at tokens 3, {last}",
        "t1/steps/self/0/2/3": "layer 1, head 2 at token 3",
        "text/another": "Reading another text takes the model",
        "vocabulary/a": "Finding a token takes the model",
        "anything": "no such part",
    }
    answers = ask(html, [*held, *missing], tmp_path)
    assert all(answer["words"] is None for answer in answers[: len(held)])
    for words, answer in zip(missing.values(), answers[len(held) :], strict=True):
        assert words in answer["words"]
        assert answer["error"] == answer["words"]
        assert answer["kind"] == "not-baked"
    view.close()


def test_a_rollout_that_is_on_screen_comes_along(scope, tmp_path):
    view = scope.explore(TEXT, layer=2, combine="rollout")
    (answer,) = ask(view.to_html().html, ["t1/self/rollout.2/row.4"], tmp_path)
    true = view.trace.rollout(2, [4])[0]
    np.testing.assert_allclose(array(answer["part"]["weights"]), true, rtol=1e-3, atol=1e-6)
    view.close()


def test_every_family_can_be_exported(tokenizer):
    for make in MODELS.values():
        view = Scope(make(), tokenizer).explore(TEXT)
        page = view.to_html()
        assert page.size > 100_000
        view.close()


# ── how true it is ───────────────────────────────────────────────────────────────────────────────


def decoded(codes: np.ndarray) -> np.ndarray:
    """As weights.ts does it."""
    code = codes[0].astype(np.uint32) << 8 | codes[1]
    size = code & 0x7FFF
    near = np.where(size > 0, (size + (95 << 10)) << 13, 0).astype(np.uint32).view(np.float32)
    return np.where(code >> 15, 1 - near, near)


def test_16_bits_keep_small_weights_and_what_large_ones_leave():
    low = np.geomspace(1e-9, 0.5, 40_000).astype(np.float32)
    weights = np.concatenate([low, 1 - low, [0, 1, 0.5]]).astype(np.float32)
    found = decoded(compact.coded(weights, "float16"))
    near = np.minimum(weights, 1 - weights)
    # Beside 1 a float32 itself has steps of 6e-8.
    assert (np.abs(found - weights) <= compact.WEIGHT_ERROR * near + 6e-8).all()
    assert found[-3:].tolist() == [0, 1, 0.5]


def test_unknown_precision_raises():
    with pytest.raises(ValueError, match="'float16' or 'float32', not 'int4'"):
        compact.checked_precision("int4")


LOGITS = {
    "normal": np.random.default_rng(0).normal(0, 3, 49_152),
    "flat": np.random.default_rng(1).normal(0, 0.05, 30_000),
    "heavy tails": np.random.default_rng(2).standard_t(3, 60_000),
    "equal": np.zeros(5000),
    "few": np.random.default_rng(3).normal(0, 3, 40),
    "impossible": np.concatenate([np.random.default_rng(4).normal(0, 3, 2000), [-np.inf] * 99]),
}


@pytest.mark.parametrize("name", LOGITS)
def test_sums_hold_at_every_temperature_within_the_stated_bound(name):
    logits = LOGITS[name].astype(np.float32)
    summary, error = compact.summarised([logits])
    rest = compact.spread(summary.highest[0], summary.lowest[0], summary.counts[0])
    ranked = np.sort(logits)[::-1]
    rebuilt = np.concatenate([summary.logits[0], rest])
    assert np.isfinite(ranked).sum() == np.isfinite(rebuilt).sum()
    assert np.array_equal(summary.logits[0], ranked[: compact.LIKELIEST])
    fine = tuple(np.linspace(0.1, 2, 39))
    # The note in the page states twice what was measured when it was made.
    assert compact.error(ranked, rebuilt, fine) <= max(2 * error, 1e-8)
    assert error < 2e-3


def test_the_page_rebuilds_the_vocabulary(large, tmp_path):
    trace = large.trace(TEXT)
    view = NextTokenView(trace)
    (found, label) = ask(view.to_html().html, ["t1/logits/2", "token/4999"], tmp_path)
    true = trace.logits_at(2)
    got = array(found["part"]["logits"]).astype(np.float32)
    order = np.lexsort((np.arange(len(true)), -true))
    likeliest = order[: compact.LIKELIEST]
    assert np.array_equal(got[likeliest], true[likeliest])
    assert found["part"]["known"] == compact.LIKELIEST
    (answer,) = Answers(large, trace)(f"text/{TEXT}", lambda: False)
    answers = Answers(large, trace)
    list(answers(f"text/{TEXT}", lambda: False))
    (kernel,) = answers(f"{answer['trace']}/logits/2", lambda: False)
    assert found["part"]["labels"][:200] == kernel["labels"]
    width = np.ptp(true[order[compact.LIKELIEST :]]) / compact.BINS
    assert np.abs(np.sort(got) - np.sort(true)).max() <= width * 1.01
    # Which of the others is which isn't known, so none of them has a name.
    assert label["part"]["label"] == "one of the others"
    view.close()


def test_the_page_says_how_true_it_is(large):
    view = large.explore(TEXT)
    html = view.to_html().html
    assert "each weight is off by at most 0.05 % of it, and by 0.00025" in html
    (stated,) = re.findall(r"off by at most ([\d.]+) percentage points", html)
    rows = [view.trace.logits_at(i) for i in range(len(view.trace))]
    assert 0 < compact.summarised(rows)[1] * 100 <= float(stated)
    assert "weights as the model has them" in view.to_html(precision="float32").html
    view.close()


# ── sizes and bytes ──────────────────────────────────────────────────────────────────────────────


def test_the_same_view_gives_the_same_bytes(scope, explorer):
    first = explorer.to_html(prompts=["the dog sleeps"]).html
    _ = [explorer.trace, explorer._answers.trace("something else")]
    other = scope.explore(TEXT, layer=1, head=2)
    assert other.to_html(prompts=["the dog sleeps"]).html == first
    assert other.to_html(prompts=["the dogs sleep"]).html != first
    other.close()


def test_equal_arrays_are_kept_once():
    buffers = Buffers()
    first = buffers.packed(np.arange(6, dtype=np.float32))
    again = buffers.packed(np.arange(6, dtype=np.float32).reshape(2, 3))
    assert (first["buffer"], again["buffer"]) == (0, 0)
    assert again["shape"] == [2, 3]
    assert buffers.packed({"a": float("nan"), "b": 1}) == {"a": None, "b": 1}


def test_runs_of_numbers_are_named_as_such():
    assert listed([7, 0, 1, 2, 3, 9, 10]) == "0 to 3, 7, 9, 10"


# ── what may be asked for ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("choice", "kind", "words"),
    [
        ({"layers": [9]}, IndexError, "no attention in layer 9: layers= takes 0 to 2"),
        ({"heads": [(0, 99)]}, IndexError, r"no head \(0, 99\)"),
        ({"heads": [3]}, TypeError, "pairs"),
        ({"positions": [500]}, IndexError, "no position 500"),
        ({"prompts": "the dog"}, TypeError, "list of texts"),
        ({"precision": "int8"}, ValueError, "float16"),
        ({"layer": [1]}, TypeError, "layer"),
        ({"prompts": [""]}, ValueError, "empty"),
    ],
)
def test_what_makes_no_sense_raises(explorer, choice, kind, words):
    for export in (explorer.to_html, explorer.static, lambda **c: estimate(explorer, **c)):
        with pytest.raises(kind, match=words):
            export(**choice)


def test_a_page_needs_views_that_show_something(scope, explorer):
    with pytest.raises(ValueError, match="no view"):
        llmscope.to_html([])
    with pytest.raises(TypeError, match="not of Trace"):
        llmscope.to_html([explorer.trace])
    nothing = llmscope.explore("hello")
    with pytest.raises(ValueError, match="pick one first"):
        nothing.to_html()
    with pytest.raises(ValueError, match="Nothing is written yet"):
        GenerationView(scope, TEXT).to_html()
    empty = scope.explore("")
    with pytest.raises(ValueError, match="empty"):
        empty.to_html()


def test_a_page_is_written_where_it_is_asked_to(explorer, tmp_path):
    page = explorer.to_html(tmp_path / "page.html")
    assert page.path == tmp_path / "page.html"
    assert page.path.read_bytes() == page.html.encode()
    assert page.size == page.path.stat().st_size
    assert "page.html" in repr(page)


def test_linked_views_are_linked_in_the_page(scope):
    trace = scope.trace(TEXT)
    views = [AttentionView(trace), NextTokenView(trace), TokensView(trace)]
    links = llmscope.link(views[2], views[0])
    page = opened(llmscope.to_html(views).html)
    ((one, other, names),) = page["links"]
    assert (one, other) == (2, 0)
    assert {"layer", "position", "temperature"} <= set(names)
    assert len(page["sources"]) == 1
    assert opened(views[2].to_html().html)["links"] == []
    links.unlink()
    assert opened(llmscope.to_html(views).html)["links"] == []


@pytest.mark.parametrize("name", ["llama", "t5"])
def test_what_was_written_is_held_with_its_branches(name, tokenizer, tmp_path):
    scope = Scope(MODELS[name](), tokenizer)
    view = GenerationView(scope, TEXT, seed=1, max_new_tokens=4)
    stepper = view.stepper
    nodes = list(stepper)
    stepper.force(7, after=nodes[1].number)
    stepper.select(nodes[0].number)
    source = tuple(stepper.source)
    ends = [nodes[-1].number, 5]
    paths = [key_of((source, tuple(stepper.ids(end)))) for end in ends]
    keys = [f"write/begin/{TEXT}", *paths, *(f"write/logits/{node}" for node in range(6))]
    row = len(stepper.ids(ends[1])) - 1
    keys += [f"write/copy/{ends[1]}", f"t2/self/head.1.1/row.{row}", "write/step/1", "write/copy/1"]
    page = view.to_html()
    assert any("writing" in note for note in page.notes)
    begin, *answers = ask(page.html, keys, tmp_path)
    state = begin["part"]
    assert (state["current"], state["count"], state["can_undo"]) == (nodes[-1].number, 5, False)
    for end, answer in zip(ends, answers[:2], strict=True):
        side = answer["part"]["target" if source else "tokens"]
        assert [row[0] for row in side] == stepper.ids(end)
    for node, answer in enumerate(answers[2:8]):
        true = stepper.logits(node).numpy()
        np.testing.assert_allclose(array(answer["part"]["logits"]), true, atol=1e-4)
    copied, weights, step, copied_elsewhere = answers[8:]
    assert copied["part"]["ids"] == stepper.ids(ends[1])
    true = stepper.trace(ends[1]).attention(1, 1, kind="self")[row]
    np.testing.assert_allclose(array(weights["part"]["weights"]), true, rtol=1e-3, atol=1e-6)
    for answer in (step, copied_elsewhere):
        assert answer["words"] == answer["error"] == "Writing takes the model."
    traits = opened(page.html)["views"][0]["traits"]
    assert (traits["seed"], traits["shade"], traits["_editable"]) == (1, "probability", False)
    with pytest.raises(ValueError, match="prompts= takes no view that writes"):
        view.to_html(prompts=["another"])
    view.close()


def test_a_view_that_follows_what_was_written_follows_it_in_the_page(scope, tmp_path):
    run = scope.generate(TEXT, seed=0, max_new_tokens=4, do_sample=True, num_return_sequences=2)
    view, explorer = GenerationView(run), scope.explore("another")
    links = llmscope.link(view, explorer)
    html = llmscope.to_html([view, explorer]).html
    ((_, _, names),) = opened(html)["links"]
    assert "_path" in names
    keys = [*(key_of(((), tuple(run.ids(i)))) for i in range(2)), "text/another"]
    answers = ask(html, keys, tmp_path, source=1)
    assert [row[0] for row in answers[1]["part"]["tokens"]] == run.ids(1)
    assert all(answer["words"] is None for answer in answers)
    links.unlink()
    view.close()
    explorer.close()


def test_a_page_holds_what_its_panels_ask_for_and_no_more(scope):
    trace = scope.trace(TEXT)
    tokens, following = TokensView(trace), NextTokenView(trace)
    first = opened(tokens.to_html().html)["sources"][0]
    assert first["logits"] == []
    assert not [key for key in first["answers"] if "thumbnails" in key or "steps" in key]
    assert opened(following.to_html().html)["sources"][0]["matrices"] == []


# ── text stays text ──────────────────────────────────────────────────────────────────────────────

HOSTILE = (
    "</script><img src=x onerror=alert(1)> \"quoted\" 'too' <!-- <script> &amp; \u2028 \u2029 "
    "{{x}} \\ \x00 </title></main>"
)


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, list[tuple[str, str | None]]] = {}

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes[tag] = attrs


def elements(html: str) -> Elements:
    parser = Elements()
    parser.feed(html)
    return parser


def test_hostile_text_stays_text(roomy):
    roomy.name = f"model{HOSTILE}"
    calm = roomy.explore(TEXT)
    hostile = roomy.explore(HOSTILE)
    html = hostile.to_html(prompts=[f"{HOSTILE} again"]).html
    assert elements(html).tags == elements(calm.to_html(prompts=["x"]).html).tags
    assert "<img" not in html.replace(page_script(), "")
    assert opened(html)["views"][0]["traits"]["text"] == HOSTILE


def test_hostile_text_stays_within_its_frame(roomy):
    roomy.name = HOSTILE
    static = roomy.explore(HOSTILE).static()
    found = elements(static._repr_html_())
    assert set(found.tags) <= {"iframe", "br"}
    assert found.tags.count("iframe") == 1
    assert dict(found.attributes["iframe"])["srcdoc"] == static.page.html


def page_script() -> str:
    return (FRONTEND.parent / "static" / "page.js").read_text(encoding="ascii").strip()


def test_half_a_character_can_be_exported(scope):
    view = scope.explore("a \ud83d b")
    assert view.to_html().size > 0


# ── in a cell ────────────────────────────────────────────────────────────────────────────────────


def test_a_static_output_says_in_words_what_it_shows(scope):
    view = scope.explore(TEXT, layer=1, head=2, temperature=0.5)
    words = repr(view.static())
    best = view.distribution.top(1)[0]
    named = labels(scope.tokenizer, [best.id])[0]
    shown = named if best.text is None else repr(best.text)
    assert f"{shown} {best.prob:.1%}" in words
    row = named_matrix(view.trace.recording, "self", "head.1.2", [len(view.trace) - 1])[0]
    assert f"with weight {row.max():.3f}" in words
    view.close()
