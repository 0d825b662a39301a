"""bertviz's views of our traces, with no network: what its scripts draw, and from which numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import escape

import nbformat
import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import Browser, BrowserContext, Page, expect

import llmscope
from llmscope.scope import Scope
from tests.browser.explorer import KERNEL, SENTENCE
from tests.browser.lab import DARK
from tests.closeness import assert_close
from tests.page.chromium import SCREENSHOTS, Guard
from tests.tiny import MODELS, TEXT, byte_level, word_piece

HOSTILE = "</script><img src=x onerror=\"document.title='broken'\"> <b>bold</b> &amp; 日本語 👩‍👩‍👧"


@pytest.fixture
def page(browser: Browser, guard: Guard) -> Iterator[Page]:
    """A page without a network, that may ask for nothing but files of this test."""
    context: BrowserContext = browser.new_context(
        viewport={"width": 1040, "height": 900}, offline=True
    )
    guard.watch(context)
    opened = context.new_page()
    opened.on(
        "request", lambda request: request.url.startswith("file:") or guard.problem(request.url)
    )
    yield opened
    context.close()


@pytest.fixture(scope="module")
def trace():
    return llmscope.load().trace(SENTENCE)


def opened(page, shown, tmp_path):
    page.goto(shown.to_html(tmp_path / "page.html").path.as_uri())
    expect(page.locator("svg line").first).to_be_attached()
    return page.locator("#bertviz")


def made_by_bertviz(view, trace, **options):
    """What bertviz's own Python puts into its page."""
    import bertviz
    import torch

    def weights(kind):
        return [torch.tensor(trace.attention(n, kind=kind))[None] for n in trace.layers(kind)]

    labels = [token.label for token in trace.tokens]
    if trace.source_tokens:
        given = {f"{name}_attention": weights(kind) for name, kind in KINDS.items()}
        given |= {"encoder_tokens": [token.label for token in trace.source_tokens]}
        given |= {"decoder_tokens": labels}
    else:
        given = {"attention": weights("self"), "tokens": labels}
    html = getattr(bertviz, f"{view}_view")(**given, **options, html_action="return").data
    (params,) = re.findall(r"const params = (\{.*\});", html)
    return json.loads(params)


KINDS = {"encoder": "encoder", "decoder": "self", "cross": "cross"}


def bert_pair():
    tokenizer = word_piece()
    tokenizer.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    return Scope(MODELS["bert"](), tokenizer, name="bert").trace("the dog", pair="it sleeps")


# bertviz leaves its files open.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("view", ["head", "model"])
@pytest.mark.parametrize("name", ["llama", "t5", "pair"])
def test_its_scripts_get_what_its_own_python_would_give_them(page, name, view, tmp_path):
    if name == "pair":
        trace = bert_pair()
        options = {"sentence_b_start": int(trace.recording.inputs["token_type_ids"][0].argmax())}
    else:
        trace, options = Scope(MODELS[name](), byte_level(), name=name).trace(TEXT), {}
    opened(page, trace.bertviz(view), tmp_path)
    own = made_by_bertviz(view, trace, prettify_tokens=False, **options)
    ours = page.evaluate("PYTHON_PARAMS")
    # In a page of its own one name is as good as another; all heads chosen is none chosen.
    own |= {"root_div_id": "bertviz"} | ({"heads": [0, 1, 2, 3]} if view == "head" else {})
    own |= {"display_mode": "light"} if view == "model" else {}
    assert ours == own


def opacities(page, head):
    """Of the lines of one head, by query and key, as drawn."""
    return page.evaluate(
        """head => [...document.querySelectorAll(
            `.headAttention[head-index="${head}"] .tokenAttention`
        )].map(row => [...row.querySelectorAll("line")].map(
            line => +line.getAttribute("stroke-opacity")))""",
        head,
    )


def test_the_head_view_draws_the_weights_of_the_layer_that_is_chosen(page, trace, tmp_path):
    view = opened(page, trace.bertviz(), tmp_path)
    expect(view.locator("#left text")).to_have_text([token.label for token in trace.tokens])
    for layer in (0, 24):
        view.get_by_role("combobox", name="Layer").select_option(str(layer))
        for head in (0, 4):
            drawn = opacities(page, head)
            # bertviz divides by how many heads are on.
            assert_close(drawn, trace.attention(layer, head) / 9, size=1 / 9)
    view.locator("svg > g:last-child rect").nth(4).dblclick()
    drawn = opacities(page, 4)
    assert_close(drawn, trace.attention(24, 4), size=1)
    view.locator("#left text").last.hover()
    expect(view.locator("line[visibility=visible]").first).to_be_attached()
    page.screenshot(path=SCREENSHOTS / "bertviz-head.png")


def test_the_model_view_opens_a_head(page, trace, tmp_path):
    view = opened(page, trace.bertviz("model", layers=[5, 24], heads=[1, 4]), tmp_path)
    expect(view.locator("svg > text")).to_have_text(["Heads", "1", "4", "Layers", "5", "24"])
    count = 4 * len(trace) ** 2
    expect(view.locator("line")).to_have_count(count)
    # The last of what catches clicks on thumbnails is layer 24, head 4.
    view.locator("rect:not([id])").last.click()
    expect(view.locator("svg > text.detail")).to_have_text("Layer 24, Head 4")
    expect(view.locator("line")).to_have_count(count + len(trace) ** 2)
    page.screenshot(path=SCREENSHOTS / "bertviz-model.png")


@pytest.mark.parametrize("view", ["head", "model"])
@pytest.mark.parametrize("name", ["bart", "gptj", "bert_encoder"])
def test_every_kind_of_attention_can_be_chosen(page, name, view, tmp_path):
    trace = Scope(MODELS[name](), byte_level(), name=name).trace(TEXT)
    shown = opened(page, trace.bertviz(view), tmp_path)
    choice = shown.get_by_role("combobox", name="Attention")
    for number, kind in enumerate(("encoder", "self", "cross") if trace.source_tokens else ()):
        choice.select_option(str(number))
        cells = trace.queries(kind) * trace.keys(kind) * 4
        expect(shown.locator("line")).to_have_count(
            cells * (len(trace.layers(kind)) if view == "model" else 1)
        )
    if name == "bart" and view == "head":
        # Its encoder has a layer less than its decoder.
        choice.select_option("0")
        shown.get_by_role("combobox", name="Layer").select_option("2")
        expect(shown.locator("#left text")).to_have_count(trace.queries("encoder"))
        expect(shown.locator("line")).to_have_count(0)


@pytest.mark.parametrize("view", ["head", "model"])
def test_hostile_text_is_text(page, view, tmp_path):
    trace = llmscope.load().trace(HOSTILE)
    shown = opened(page, trace.bertviz(view, layers=[3]), tmp_path)
    if view == "head":
        labels = [token.label for token in trace.tokens]
        assert shown.locator("#left text").all_text_contents() == labels
    assert page.locator("img, b").count() == 0
    assert page.title().startswith(f"bertviz, {view} view: </script>")


@pytest.mark.parametrize("box", ["", ' sandbox="allow-scripts"'])
def test_in_a_page_of_another_it_grows_with_what_it_shows(page, trace, box, tmp_path):
    """Beside a host's own require.js and jQuery, or what is called so."""
    output = trace.bertviz()._repr_html_()
    inside = f"<script>var require = 1, define = {{amd: 1}}, $ = 2</script>{output}"
    host = tmp_path / "host.html"
    host.write_text(
        f'<!doctype html><iframe{box} style="width:600px;height:800px" '
        f'srcdoc="{escape(inside)}"></iframe>'
    )
    page.goto(host.as_uri())
    outer = page.frame_locator("iframe")
    view = outer.frame_locator("iframe").locator("#bertviz")
    expect(view.locator("line").first).to_be_attached()
    height = view.evaluate("node => Math.ceil(node.getBoundingClientRect().height)")
    expect(outer.locator("iframe")).to_have_css("height", f"{height}px")
    assert height < 500


def test_in_a_converted_notebook(page, trace, tmp_path):
    outputs = [
        nbformat.v4.new_output("execute_result", {"text/html": shown._repr_html_()})
        for shown in (trace.bertviz(), trace.bertviz("model", layers=[24]))
    ]
    cell = nbformat.v4.new_code_cell("trace.bertviz()", outputs=outputs)
    # Its own template asks a CDN for these, with or without us.
    urls = ("mathjax_url", "require_js_url", "jquery_url", "mermaid_js_url")
    exporter = HTMLExporter(**dict.fromkeys(urls, ""))
    html, _ = exporter.from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    (tmp_path / "notebook.html").write_text(html)
    page.goto((tmp_path / "notebook.html").as_uri())
    for number in range(2):
        lines = page.frame_locator(f"iframe >> nth={number}").locator("line")
        expect(lines).to_have_count(9 * len(trace) ** 2)


def test_in_jupyterlab(open_notebook):
    code = f"llmscope.load(progress=lambda *_: None).trace({SENTENCE!r})"
    notebook = open_notebook(
        [
            f"import llmscope\ntrace = {code}",
            "trace.bertviz()",
            "trace.bertviz('model', layers=[24])",
        ],
        kernel=KERNEL,
    )
    notebook.run_all()
    for cell, lines in ((1, 9 * 14 * 14), (2, 9 * 14 * 14)):
        view = notebook.output(cell).frame_locator("iframe").locator("#bertviz")
        expect(view.locator("line")).to_have_count(lines)
    notebook.theme(DARK)
    expect(view).to_have_css("color", "rgb(236, 238, 244)")
    notebook.screenshot("bertviz-jupyterlab-dark")
