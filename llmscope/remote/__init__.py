"""A model on a server: the views and reads of a `Scope`, computed where the model is."""

from llmscope.remote.connect import connect

__all__ = ["connect"]
