"""A model watched while it learns: what it makes of some texts, step by step."""

import lazy_loader

# In __init__.pyi. Reading a history takes no trainer, which transformers is slow to import.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
