"""An app of marimo with two views that are linked."""

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
    return explorer, following


@app.cell
def _(explorer):
    explorer  # noqa: B018
    return


@app.cell
def _(following):
    following  # noqa: B018
    return


if __name__ == "__main__":
    app.run()
