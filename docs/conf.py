"""The documentation site: `make docs` builds it, from fresh outputs of the views themselves."""

from __future__ import annotations

import inspect
import os
import re
import sys
from functools import reduce
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx import addnodes
from sphinx.application import Sphinx

import llmscope

HERE = Path(__file__).parent
ROOT = HERE.parent
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"

project = "llmscope"
author = "The llmscope developers"
release = llmscope.__version__
sys.path.insert(0, str(HERE))
extensions = ["chapters", "myst_nb", "sphinx.ext.autodoc", "numpydoc", "sphinx_copybutton"]
exclude_patterns = ["_build"]
smartquotes = False  # {"matrix", "arcs"} is Python

html_theme = "furo"
html_title = f"llmscope {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_show_copyright = False
html_show_search_summary = False  # excerpts take whole pages, and from disk each is an error
html_math_renderer = "mathml"

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

# Outputs are made by `view.static()` when the site is built, and saved nowhere.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_excludepatterns = ["docs/course/*/*"]  # chapters.py has run them
nb_execution_timeout = 300
nb_execution_in_temp = True
nb_output_stderr = "remove"  # bars of progress
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # else a CDN is asked for scripts

# What one types, and not what comes out.
copybutton_selector = "div:not(.output) > div.highlight pre"
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True

default_role = "py:obj"
numpydoc_show_class_members = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
# A Run and a Stage are in two modules: Sphinx warns, and takes the first, which is the one meant.
suppress_warnings = ["ref.python"]
python_maximum_signature_line_length = 80

# Where this is published, as `make docs REPOSITORY=https://…` says; without it nothing leads there.
REPOSITORY = os.environ.get("LLMSCOPE_REPOSITORY", "").rstrip("/")
SOURCES = f"{REPOSITORY}/blob/v{release}"
if REPOSITORY:
    extensions.append("sphinx.ext.linkcode")
    html_theme_options = {
        "source_view_link": f"{SOURCES}/docs/{{filename}}",
        "footer_icons": [
            {"name": name, "url": REPOSITORY + path, "html": name, "class": "words"}
            for name, path in (("Source", ""), ("Issues", "/issues"))
        ],
    }


def linkcode_resolve(domain: str, info: dict[str, str]) -> str | None:
    """Return where a name of the reference is defined, if that is known."""
    if domain != "py" or not REPOSITORY:
        return None
    try:
        found = reduce(getattr, info["fullname"].split("."), sys.modules[info["module"]])
        found = inspect.unwrap(getattr(found, "fget", None) or found)  # type: ignore[arg-type]
        lines, first = inspect.getsourcelines(found)
        path = Path(inspect.getsourcefile(found) or "").relative_to(ROOT)
    except (AttributeError, KeyError, OSError, TypeError, ValueError):  # data, or not ours
        return None
    return f"{SOURCES}/{path.as_posix()}#L{first}-L{first + len(lines) - 1}"


# Signs as a chapter has them, which docutils knows by their names only.
SIGNS = str.maketrans(
    {
        "…": r"\ldots ",
        "·": r"\cdot ",
        "≈": r"\approx ",
        "∞": r"\infty ",
        "→": r"\to ",
        "⊙": r"\odot ",
    }
)


def mathml(translator: Any, node: nodes.math | nodes.math_block) -> None:
    """Write a formula as MathML: no script has to set it."""
    block = isinstance(node, nodes.math_block)
    tex = node.astext().translate(SIGNS)
    markup = tex2mathml(tex, as_block=block)
    translator.body.append(f"<div>{markup}</div>" if block else markup)
    raise nodes.SkipNode


def plain_folders(app: Sphinx, document: nodes.document) -> None:
    """Let links to folders of the repository be words; files can be downloaded, folders can't."""
    here = Path(app.env.doc2path(app.env.docname)).parent
    for link in list(document.findall(addnodes.pending_xref)):
        target = link["reftarget"]
        if link["reftype"] == "myst" and target.startswith("..") and (here / target).is_dir():
            link.replace_self(link.children)


def colab(app: Sphinx, page: str, source: list[str]) -> None:
    """Say where Colab opens the quick start, once an address on GitHub is known."""
    _, at, repository = (
        os.environ.get("LLMSCOPE_REPOSITORY", "").rstrip("/").partition("github.com/")
    )
    if at:
        opens = f"https://colab.research.google.com/github/{repository}/blob/v{release}"
        link = f"[Open the quick start in Colab]({opens}/notebooks/quickstart.ipynb)."
        source[0] = source[0].replace("<!-- colab -->", link)


def without_widget_state(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Leave out the state of the widgets that outputs were made of: it takes a kernel."""
    files = context["script_files"]
    files[:] = [
        file for file in files if getattr(file, "attributes", {}).get("type") != WIDGET_STATE
    ]


# What axe finds in pages of Sphinx, Furo, numpydoc and pandas: how it is written, and has to be.
MENDED = (
    (
        re.compile(r'class="caption" role="heading"'),
        'class="caption" role="heading" aria-level="2"',
    ),
    (re.compile(r'<aside class="sidebar-drawer"'), r'\g<0> aria-label="Pages of this site"'),
    (re.compile(r'<aside class="toc-drawer[^"]*"'), r'\g<0> aria-label="On this page"'),
    (
        re.compile(r'<div class="content-icon-container">'),
        '<div class="content-icon-container" role="region" aria-label="This page">',
    ),
    (re.compile(r'<th class="head"><p></p></th>'), '<td class="head"></td>'),
    (re.compile(r"<th></th>"), "<td></td>"),  # pandas' corner
    (re.compile(r'(<div) role="list"( class="citation-list")'), r"\1\2"),
    (re.compile(r' role="doc-biblioentry"'), ""),
    (
        re.compile(r'<div id="search-results">'),
        r'<h1 class="visually-hidden">Search</h1>\g<0>',
    ),
    # The lines of a long signature: a list of definitions that defines nothing.
    (
        re.compile(r"<dl>\n((?:<dd>.*</dd>\n)+)</dl>\s*"),
        lambda lines: (
            '<span class="sig-lines">'
            + re.sub(r"<(/?)dd>", lambda tag: f"<{tag[1]}span>", lines[1])
            + "</span>"
        ),
    ),
)


def mend(app: Sphinx, failed: Exception | None) -> None:
    """Mend pages for those who hear them, or have no mouse."""
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text("utf-8")
        for pattern, mended in MENDED:
            text = pattern.sub(mended, text)
        page.write_text(text, "utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register what this site adds to Sphinx."""
    app.add_html_math_renderer("mathml", (mathml, None), (mathml, None))
    app.connect("source-read", colab)
    app.connect("doctree-read", plain_folders)
    app.connect("html-page-context", without_widget_state, priority=900)
    app.connect("build-finished", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
