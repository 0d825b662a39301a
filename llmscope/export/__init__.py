"""Leaving the notebook."""

from llmscope.export.page import Page, to_html
from llmscope.export.size import Size, estimate

__all__ = ["Page", "Size", "estimate", "to_html"]
