"""The documentation site: `make docs` builds it, from fresh outputs of the views themselves."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx import addnodes
from sphinx.application import Sphinx

import llmscope

HERE = Path(__file__).parent
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"

project = "llmscope"
author = "The llmscope developers"
release = llmscope.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["_build"]
smartquotes = False  # {"matrix", "arcs"} is Python

html_theme = "furo"
html_title = f"llmscope {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
html_show_search_summary = False  # excerpts are fetched: from disk each would be an error
html_math_renderer = "mathml"

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

# Outputs are made by `view.static()` when the site is built, and saved nowhere.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_execution_in_temp = True
nb_output_stderr = "remove"  # bars of progress
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # else a CDN is asked for scripts

default_role = "py:obj"
numpydoc_show_class_members = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80


def mathml(translator: Any, node: nodes.math | nodes.math_block) -> None:
    """Write a formula as MathML: no script has to set it."""
    block = isinstance(node, nodes.math_block)
    markup = tex2mathml(node.astext(), as_block=block)
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


# What axe finds in pages of Sphinx, Furo and numpydoc, as it is written there, and as it has to be.
MENDED = (
    (
        re.compile(r'class="caption" role="heading"'),
        'class="caption" role="heading" aria-level="2"',
    ),
    (re.compile(r'<aside class="sidebar-drawer"'), r'\g<0> aria-label="Pages of this site"'),
    (re.compile(r'<aside class="toc-drawer[^"]*"'), r'\g<0> aria-label="On this page"'),
    (re.compile(r'<th class="head"><p></p></th>'), '<td class="head"></td>'),
    (re.compile(r'(<div) role="list"( class="citation-list")'), r"\1\2"),
    (re.compile(r' role="doc-biblioentry"'), ""),
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
