"""An evaluation in JupyterLab: rows fill while models are measured; Stop keeps what is there."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.explorer import KERNEL
from tests.page.panels import Panels

SMALL = """
import llmscope
from transformers import LlamaConfig, LlamaForCausalLM
scope = llmscope.load(progress=lambda *_: None)
config = LlamaConfig(
    vocab_size=len(scope.tokenizer), hidden_size=16, intermediate_size=16, num_hidden_layers=1,
    num_attention_heads=2, max_position_embeddings=64,
)
models = {
    name: llmscope.Scope(LlamaForCausalLM(config), scope.tokenizer, name=name)
    for name in ("first", "second")
}
"""
CELLS = [
    SMALL,
    "view = llmscope.evaluate(models, ['A tiny model reads this.', 'And <b>this</b> 词'])\nview",
    "long = llmscope.evaluate(models, ['A tiny model reads this. ' * 300] * 2000)\nlong",
]


def test_models_are_measured_in_a_notebook_and_stopped(open_notebook):
    notebook = open_notebook(CELLS, kernel=KERNEL)
    notebook.run(0)
    notebook.run(1)
    panel = Panels(notebook.output(1)).root.get_by_role("region", name="Models, measured")
    expect(panel.locator("tr.done")).to_have_count(2, timeout=60_000)
    panel.get_by_role("columnheader", name="perplexity").first.get_by_role("button").click()
    notebook.wait_value("(view.measure, view.ordering)", ["perplexity", "ascending"])
    notebook.execute("view.ordering = 'descending'")
    values = notebook.ask("view.evaluation.to_pandas().perplexity.sort_values().tolist()")
    expect(panel.locator("tbody tr").first.locator("td.chosen button")).to_have_text(
        f"{values[1] / 1000:#.3g} k" if values[1] >= 10_000 else f"{values[1]:#.4g}"
    )
    panel.locator("button.row").first.click()
    expect(panel.locator(".voice .tokens")).to_have_count(2)

    notebook.run(2)
    panel = Panels(notebook.output(2)).root.get_by_role("region", name="Models, measured")
    expect(panel.get_by_role("status").first).to_contain_text("first: reading", timeout=60_000)
    panel.get_by_role("button", name="Stop").click()
    expect(panel.locator("tr.stopped")).to_have_count(2)
    assert notebook.ask("long.evaluation.to_pandas().state.tolist()") == ["stopped", "stopped"]
    expect(panel.locator("tbody tr").first.locator("td").first).not_to_have_text("–")
    notebook.execute("view.close(); long.close()")
