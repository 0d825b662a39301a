"""The fixtures of views that show more than one text through one model."""

from __future__ import annotations

import llmscope
from tests import tokenizers
from tests.components.fixtures import Made, fixture
from tests.components.numbers import Numbers

CUT = "The dogs naïvely sleep, 你好 🤖\n\t<b>the</b> dog"


@fixture("tokenizers")
def several_tokenizers() -> Made:
    names = ("byte-level", "word-piece", "byt5")
    view = llmscope.TokenizersView(CUT, {name: tokenizers.make(name) for name in names})
    facts = {
        "labels": {name: [token.label for token in tokens] for name, tokens in view.tokens.items()},
        "ids": {name: [token.id for token in tokens] for name, tokens in view.tokens.items()},
        "table": view.to_pandas().to_dict("index"),
    }
    return Made([view], Numbers({}, facts))
