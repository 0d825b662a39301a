# The public names, each with its module: read by type checkers, and by lazy_loader at run time.
from . import corpus as corpus
from . import training as training
from ._version import __version__ as __version__
from .comparison import Comparison as Comparison
from .edits import ablate as ablate
from .edits import patch as patch
from .edits import scale_head as scale_head
from .edits import steer as steer
from .export import to_html as to_html
from .loading import LoadError as LoadError
from .sampling import Distribution as Distribution
from .scope import Scope as Scope
from .scope import load as load
from .text import Token as Token
from .trace import Trace as Trace
from .views import AttentionView as AttentionView
from .views import CompareView as CompareView
from .views import EvaluationView as EvaluationView
from .views import Explorer as Explorer
from .views import GenerationView as GenerationView
from .views import LensView as LensView
from .views import ModelView as ModelView
from .views import NextTokenView as NextTokenView
from .views import PatchingView as PatchingView
from .views import SurveyView as SurveyView
from .views import TokenizersView as TokenizersView
from .views import TokensView as TokensView
from .views import TrainingView as TrainingView
from .views import compare as compare
from .views import evaluate as evaluate
from .views import explore as explore
from .views import link as link
from .views import survey as survey

language: str | None
