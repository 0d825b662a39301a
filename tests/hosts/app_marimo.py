"""An app of marimo with two views that are linked, and one that writes."""

import marimo

app = marimo.App(width="full")


@app.cell
def _():
    import llmscope

    scope = llmscope.load()
    explorer = scope.explore(
        "When Mary and John went to the store, John gave a drink to", layer=24, head=4
    )
    following = llmscope.NextTokenView(scope.trace("The capital of France is"))
    llmscope.link(explorer, following)
    return explorer, following, llmscope, scope


@app.cell
def _(explorer):
    explorer  # noqa: B018
    return


@app.cell
def _(following):
    following  # noqa: B018
    return


@app.cell
def _(llmscope, scope):
    llmscope.GenerationView(scope, "The capital of France is", seed=4, max_new_tokens=8)
    return


if __name__ == "__main__":
    app.run()
