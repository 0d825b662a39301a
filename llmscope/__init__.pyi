# The public names, each with its module: read by type checkers, and by lazy_loader at run time.
from ._version import __version__ as __version__
from .export import to_html as to_html
from .loading import LoadError as LoadError
from .sampling import Distribution as Distribution
from .scope import Scope as Scope
from .scope import load as load
from .text import Token as Token
from .trace import Trace as Trace
from .views import AttentionView as AttentionView
from .views import Explorer as Explorer
from .views import GenerationView as GenerationView
from .views import LensView as LensView
from .views import NextTokenView as NextTokenView
from .views import TokensView as TokensView
from .views import explore as explore
from .views import link as link
