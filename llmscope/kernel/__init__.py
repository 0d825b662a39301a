"""The kernel's side of a view: requests by key, computed off the main thread."""

from llmscope.kernel.handlers import Handlers
from llmscope.kernel.text_input import IdsInput, TextInput
from llmscope.kernel.worker import Worker

__all__ = ["Handlers", "IdsInput", "TextInput", "Worker"]
