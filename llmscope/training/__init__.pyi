from .history import History as History
from .probe import Probe as Probe
from .step_record import StepRecord as StepRecord
from .watch import Watch as Watch
