"""A model on a server: the views and reads of a `Scope`, computed where the model is."""

from llmscope.remote.connect import connect
from llmscope.remote.served import Served, Server, serve

__all__ = ["Served", "Server", "connect", "serve"]
