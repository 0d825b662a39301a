"""The texts of the fixtures."""

from __future__ import annotations

MARY = "When Mary and John went to the store, John gave a drink to"
CAT = "The cat sat on the mat because the cat was very"
CITIES = "The three largest cities of Japan are"
FOX, SLEEPS = "The quick brown fox", "it sleeps"
DOGS = "the dog sleeps, the dogs sleep"
PARIS, SEINE = "The capital of France is Paris.", "It lies on the Seine."
CHAT = [{"role": "system", "content": "be kind"}, {"role": "user", "content": "<b> 好"}]
COUNTED = " ".join(str(n) for n in range(120))
MARY_MANY = "When Mary and John went to the store, " * 62
LONG = (
    "The committee that the senators from the northern states had chosen last spring met again on"
    " Tuesday, and its chairman, who had been ill, told the reporters that nobody in the room had"
    " expected the vote to be so close; in the end, the bill passed by one."
)
UGLY = (
    'a <script>alert(1)</script> & "b" <!-- ]]>\n你好，世界。 The 👨‍👩‍👧‍👦 went home 🏳️‍🌈\t'
    "שלום עולם، مرحبا بالعالم naïve"
)
LABELLED = {
    "long": LONG,
    "cjk": UGLY,
    "markup": 'a <script>alert(1)</script> & "b" <!-- ]]>',
    "chinese": "你好，世界。今天天气很好，我们一起去公园散步吧。" * 2,
    "long-words": "extraordinarily " * 12,
    "long-word-last": "The cat saw extraordinarily",
    "large-cells": "Mary gave John a drink",
}
