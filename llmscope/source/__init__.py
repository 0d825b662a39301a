"""The kernel's side of a view's source: named arrays, computed when somebody asks for them."""

from llmscope.source.answers import Answers
from llmscope.source.desk import Desk
from llmscope.source.reading import Reading

__all__ = ["Answers", "Desk", "Reading"]
