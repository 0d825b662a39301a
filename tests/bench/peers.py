"""What shows attention in a notebook: ours, bertviz and CircuitsVis, and what they need to run.

bertviz loads its scripts from a CDN: here its pages get local copies, from the npm registry.
CircuitsVis is taken from PyPI, without the old numpy that it asks for, into a folder of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

ROOT = Path(__file__).parents[2]
PAGE = (Path(__file__).with_name("page.js"), Path(__file__).with_name("viewers.js"))

_CDN = "https://cdnjs.cloudflare.com/ajax/libs"
# Address: package and file. Of jquery 2, npm has 2.1.0 as the first.
_SCRIPTS = {
    f"{_CDN}/require.js/2.3.6/require.min.js": ("requirejs@2.3.6", "require.js"),
    f"{_CDN}/d3/5.7.0/d3.min.js": ("d3@5.7.0", "dist/d3.min.js"),
    f"{_CDN}/jquery/2.0.0/jquery.min.js": ("jquery@2.1.0", "dist/jquery.min.js"),
}
_CIRCUITSVIS = ("circuitsvis==1.43.3", "importlib-metadata==8.5.0", "zipp==3.21.0")

# In the kernel, before the clock starts. TOKENS stands for the length of the text.
SETUP = """
import sys
sys.path.append(ROOT)
import torch
from tests.bench.passes import load, text_of
scope = load()
text = text_of(scope, TOKENS)
"""
_TRACE = """
import llmscope, llmscope.views
trace = scope.trace(text)
"""
_EAGER = """
from IPython.display import HTML, display
labels = [token.label for token in scope.trace(text).tokens]
scope.model.set_attn_implementation("eager")
with torch.no_grad():
    ids = torch.tensor([scope.tokenizer(text)["input_ids"]])
    attentions = scope.model.model(ids, output_attentions=True, use_cache=False).attentions
"""


@dataclass(frozen=True)
class Viewer:
    """A view of attention.

    Its name in viewers.js, what runs before the clock starts, the cell that is timed, and whether
    all heads come on screen.
    """

    name: str
    setup: str
    cell: str
    all_heads: bool

    def setup_of(self, tokens: int) -> str:
        """Give the code that loads the model and runs it, for a text of so many tokens."""
        code = (SETUP + self.setup).replace("TOKENS", str(tokens))
        return code.replace("ROOT", repr(str(ROOT))).replace("PEERS", repr(str(_folder() / "py")))


VIEWERS = (
    Viewer("llmscope", _TRACE, "llmscope.AttentionView(trace, layer=24, head=4)", True),
    Viewer(
        "bertviz head_view",
        "import bertviz" + _EAGER,
        "bertviz.head_view(attentions, labels)",
        False,
    ),
    Viewer(
        "bertviz model_view",
        "import bertviz" + _EAGER,
        "bertviz.model_view(attentions, labels)",
        True,
    ),
    # One layer is all that it takes. `local_src` is its page with its script inside, as it gives
    # when it finds no network, but without a second of looking for one.
    Viewer(
        "CircuitsVis",
        "sys.path.append(PEERS)\nfrom circuitsvis.attention import attention_heads" + _EAGER,
        "HTML(attention_heads(attentions[24][0], labels).local_src)",
        False,
    ),
)


def fetch() -> dict[str, bytes]:
    """Bring what the peers need into the user's cache, and give their scripts by address."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "py" / "circuitsvis").exists():
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps")
        subprocess.run([*pip, "--target", str(folder / "py"), *_CIRCUITSVIS], check=True)
    return {address: _packed(*where) for address, where in _SCRIPTS.items()}


def _packed(package: str, file: str) -> bytes:
    packed = _folder() / (package.replace("@", "-") + ".tgz")
    if not packed.exists():
        npm = ("npm", "pack", "--silent", package, "--pack-destination", str(packed.parent))
        subprocess.run(npm, check=True, capture_output=True)
    with tarfile.open(packed) as tar:
        found = tar.extractfile(f"package/{file}")
        assert found is not None
        return found.read()


def _folder() -> Path:
    return user_cache_path("llmscope") / "bench"
