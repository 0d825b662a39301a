"""The fixture of a survey: all heads over some texts, three of which the page holds."""

from __future__ import annotations

import llmscope
from llmscope.corpus import Survey
from tests.components.fixtures import Made, fixture, small
from tests.components.numbers import Collector

TEXTS = [
    "The quick brown fox",
    "the dog, the dog, the dog.",
    "<b>& naïve</b>",
    "你好，世界。",
    "def f(x): return x",
    "one two one two one two",
    "A fox!",
    *(f"The {word} dog sleeps." for word in ("lazy", "quick", "red", "old", "tiny", "last")),
    "dog " * 80,
    "",
]


@fixture("survey")
def survey() -> Made:
    scope = small("llama")
    of = Survey(scope, TEXTS).run(progress=False)
    views = [llmscope.SurveyView(of, layer=1, head=2, y="previous", x="activity")]
    strongest = of.strongest(1, 2)
    held = [text for text in strongest["text"][:3] if text != views[0].text]
    numbers = Collector(scope.trace(TEXTS[0])).attention()
    numbers.fact("heads", [list(head) for head in of.heads])
    for score in ("previous", "activity", "distance"):
        for statistic in ("mean", "std", "sem"):
            values = of.scores[score, statistic].to_numpy(dtype="float32")
            numbers.array(f"{score} {statistic}", values)
    numbers.fact("strongest", strongest["text"][:10].tolist())
    numbers.fact("activity", [float(one) for one in strongest["activity"][:10]])
    numbers.fact("held", held)
    pairs = of.pairs(1, 2, most=8)
    numbers.fact("pairs", pairs[["query", "key"]].to_numpy().tolist())
    numbers.array("share", of.distances(1, 2)["share"].to_numpy(dtype="float32"))
    return Made(views, numbers.numbers, {"prompts": held})
