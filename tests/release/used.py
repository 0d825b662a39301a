"""What somebody does first with an installed llmscope; run by ``python -m tests.release``."""

from __future__ import annotations

import shutil
from importlib.metadata import metadata
from pathlib import Path

import llmscope

assert shutil.which("node") is None
assert "release-user" in str(Path(llmscope.__file__)), llmscope.__file__
scope = llmscope.load(progress=lambda *_: None)
explorer = scope.explore("The capital of France is")
likeliest = explorer.distribution.top(1)[0]
assert likeliest.text == " Paris", likeliest
assert explorer.trace.attention(layer=24, head=4).shape == (5, 5)
page = explorer.to_html("explorer.html")
explorer.figure().savefig("explorer.pdf")
assert Path("explorer.pdf").stat().st_size > 10_000
print(metadata("jupyter-llmscope")["Version"], likeliest, page)
