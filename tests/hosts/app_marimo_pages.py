"""The lesson of `lesson.ipynb` as an app of marimo."""

import marimo

app = marimo.App()


@app.cell
def _():
    import llmscope

    scope = llmscope.load()
    return llmscope, scope


@app.cell
def _(scope):
    text = "When Mary and John went to the store, John gave a drink to"
    scope.explore(text, layer=24, head=4).static(layers=[24])
    return


@app.cell
def _(llmscope, scope):
    trace = scope.trace("</script><b>The</b> capital of 法国 🎉 is")
    llmscope.NextTokenView(trace).static(positions=[-1])
    return


if __name__ == "__main__":
    app.run()
