"""The kinds of requests that a view makes, each with the form of its key and what is answered.

`llmscope.kernel.protocol` parses and formats keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

if TYPE_CHECKING:
    from llmscope.analysis.matrix_name import MatrixName
    from llmscope.kernel.inputs import Input
    from llmscope.shared import Kind, Parts, Stream, Way

Part = dict[str, Any]  # of an answer: JSON values and arrays by name
PAUSE: Part = {}  # by identity: a part that isn't sent, after which urgent requests go first
FIRST, SOON, LATER, LAST = range(4)  # urgency: the text, what a person points at, the rest


class RequestError(LookupError):
    """What a view requests doesn't exist; the page shows the message."""


@dataclass(frozen=True)
class Request:
    """A parsed key; each kind of request is a subclass.

    Attributes
    ----------
    form
        The key, with the names of fields in braces.
    urgency
        Requests with a lower one are answered first.
    """

    form: ClassVar[str]
    urgency: ClassVar[int] = SOON


@dataclass(frozen=True)
class Model(Request):
    """Facts of the model; the choices while none is loaded."""

    form = "model"
    urgency = FIRST


@dataclass(frozen=True)
class Load(Request):
    """Load a model by name; with an empty name, the default: progress, then its facts."""

    form = "load/{name}"
    name: str


@dataclass(frozen=True)
class Install(Request):
    """Install the weights of the default model: progress, then the choices."""

    form = "install"


@dataclass(frozen=True)
class Release(Request):
    """Free all that can be computed again."""

    form = "release"
    urgency = LAST


@dataclass(frozen=True)
class Kept(Request):
    """What a saved notebook shows of the view: words, perhaps a page."""

    form = "kept"
    urgency = LAST


@dataclass(frozen=True)
class Page(Request):
    """The view as a page of its own."""

    form = "page"


@dataclass(frozen=True)
class Call(Request):
    """The Python that makes the view as it is."""

    form = "call"


@dataclass(frozen=True)
class Tokenizers(Request):
    """A text through several tokenizers: the tokens of each, and where all cut it alike."""

    form = "tokenizers/{input}"
    urgency = FIRST
    input: str


@dataclass(frozen=True)
class Survey(Request):
    """What is known of all heads over many texts."""

    form = "survey"
    urgency = LATER


@dataclass(frozen=True)
class SurveyRun(Request):
    """Read the texts that weren't read yet: the same as `Survey`, as it grows."""

    form = "survey/run"
    urgency = LAST


@dataclass(frozen=True)
class SurveyTexts(Request):
    """Some of these texts."""

    form = "survey/texts/{block}"
    block: int


@dataclass(frozen=True)
class Summary(Request):
    """Trace an input, and describe the trace: its name, tokens and shape."""

    urgency = FIRST
    input: Input


@dataclass(frozen=True)
class Evaluated(Request):
    """The table of an evaluation, again each time that there is more of it."""

    form = "evaluation"


@dataclass(frozen=True)
class EvaluatedText(Request):
    """The tokens of one of its texts, and how surprising each is to each model."""

    form = "evaluation/text/{index}"
    index: int


@dataclass(frozen=True)
class StopEvaluation(Request):
    """Stop it; what was measured stays."""

    form = "evaluation/stop"
    urgency = FIRST


@dataclass(frozen=True)
class OfOther(Request):
    """A request about the other model of two that are compared: ``other/`` and its key."""

    request: Model | Search | Token


@dataclass(frozen=True)
class Search(Request):
    """Find tokens whose text contains `text`."""

    form = "vocabulary/{text}"
    text: str


@dataclass(frozen=True)
class Token(Request):
    """The label of one token."""

    form = "token/{id}"
    id: int


@dataclass(frozen=True)
class Begin(Request):
    """What was generated after a prompt so far."""

    form = "write/begin/{prompt}"
    prompt: str


@dataclass(frozen=True)
class Step(Request):
    """Generate `count` more tokens: the same, after each of them."""

    form = "write/step/{count}"
    count: int


@dataclass(frozen=True)
class StepOn(Step):
    """The same, undone together with the change before it."""

    form = "write/on/{count}"


@dataclass(frozen=True)
class Force(Request):
    """Put a token of one's own after a node."""

    form = "write/force/{after}/{token}"
    after: int
    token: int


@dataclass(frozen=True)
class Select(Request):
    """Continue after another node."""

    form = "write/select/{node}"
    node: int


@dataclass(frozen=True)
class Undo(Request):
    """Take back the last change of the tree."""

    form = "write/undo"


@dataclass(frozen=True)
class Copy(Request):
    """Text, ids and Python call of the path to a node."""

    form = "write/copy/{node}"
    node: int


@dataclass(frozen=True)
class NodeLogits(Request):
    """Logits after a node."""

    form = "write/logits/{node}"
    node: int


class Pair(NamedTuple):
    """The names of two traces, for the first less the second, and tokens aligned by hand."""

    one: str
    other: str
    anchors: tuple[tuple[int, int], ...] = ()

    def __str__(self) -> str:
        by_hand = "+".join(f"{a}.{b}" for a, b in self.anchors)
        return f"{self.one}-{self.other}{'~' * bool(by_hand)}{by_hand}"


@dataclass(frozen=True)
class OfTrace(Request):
    """A request about a trace, by its name; some kinds also about the difference of two."""

    trace: str | Pair


@dataclass(frozen=True)
class Logits(OfTrace):
    """Logits after a position, with labels of the likeliest tokens."""

    form = "{trace}/logits/{position}"
    position: int


@dataclass(frozen=True)
class Chain(OfTrace):
    """Log-probability and rank of each token; of two traces, what both give it."""

    form = "{trace}/chain"
    urgency = LATER


@dataclass(frozen=True)
class Follows(OfTrace):
    """Probability that the second sentence follows the first."""

    form = "{trace}/follows"


@dataclass(frozen=True)
class LensBlock(OfTrace):
    """Logit lens of a block of positions; of two traces, how far they part."""

    form = "{trace}/lens/{stream}/{block}"
    stream: Stream
    block: int


@dataclass(frozen=True)
class Thumbnails(OfTrace):
    """Thumbnails and scores of a layer's heads."""

    form = "{trace}/thumbnails/{kind}/{layer}"
    urgency = LATER
    kind: Kind
    layer: int


@dataclass(frozen=True)
class Rows(OfTrace):
    """How the tokens of two traces are aligned, and how surprising each is."""

    form = "{trace}/rows"


@dataclass(frozen=True)
class Distances(OfTrace):
    """How far the attention of each head of two traces is apart: (layers, heads)."""

    form = "{trace}/distances/{kind}"
    urgency = LATER
    kind: Kind


@dataclass(frozen=True)
class Steps(OfTrace):
    """The arithmetic of one query and head."""

    form = "{trace}/steps/{kind}/{layer}/{head}/{query}"
    kind: Kind
    layer: int
    head: int
    query: int


@dataclass(frozen=True)
class Effects(OfTrace):
    """Effects of all parts of a kind on one token, at first some, then more, then all.

    Of heads (layers, heads), of MLPs (layers,), of the text's tokens (positions,).
    """

    form = "{trace}/effects/{of}/{kind}/{way}/{token}/{foil}/{position}"
    urgency = LATER
    of: Parts
    kind: Kind
    way: Way
    token: int
    foil: int | None
    position: int


@dataclass(frozen=True)
class Patching(OfTrace):
    """Effects of patching the stream behind each layer at each position: (layers, positions).

    On `on` against `foil`, by default the likeliest tokens here and in the source, which is the key
    of a text: at first none, then those of one layer after another.
    """

    form = "{trace}/patching/{on}/{foil}/{position}/{source}"
    urgency = LATER
    on: int | None
    foil: int | None
    position: int
    source: str


@dataclass(frozen=True)
class OfMatrix(OfTrace):
    """A request about one matrix of a trace."""

    kind: Kind
    matrix: MatrixName


@dataclass(frozen=True)
class Row(OfMatrix):
    """Exact weights of one query."""

    form = "{trace}/{kind}/{matrix}/row.{index}"
    index: int


@dataclass(frozen=True)
class Column(OfMatrix):
    """Exact weights to one key."""

    form = "{trace}/{kind}/{matrix}/column.{index}"
    index: int


@dataclass(frozen=True)
class Tile(OfMatrix):
    """A tile of a matrix reduced 2^level times."""

    form = "{trace}/{kind}/{matrix}/{level}.{row}.{column}.{pool}"
    level: int
    row: int
    column: int
    pool: str
