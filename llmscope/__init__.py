"""Look inside language models from a Jupyter notebook.

Load a model, type a text, and see every head's attention and the distribution of the next token
change live. `llmscope.explore()` opens everything at once; see the README for the rest.
"""

import lazy_loader

# The names are listed in __init__.pyi. Each is imported from its module when it is first used, so
# that `import llmscope` is quick: torch and transformers come with the first model.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__.remove("__version__")  # `from llmscope import *` leaves the caller's own alone
