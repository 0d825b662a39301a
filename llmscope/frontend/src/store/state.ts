/** What the store holds: traits shared with Python, and what was read to show them. */

import type { Trace } from "../protocol/answers";
import type { Edit } from "../protocol/edits";
import type { Lesson } from "../protocol/lesson";
import type { Anchor, HeadPair } from "../protocol/keys";
import type {
  ColorScale,
  Combine,
  Direction,
  Examples,
  Kind,
  Measure,
  Mode,
  OfTwo,
  Segments,
  Shade,
  Stream,
  SurveyScore,
  TextShade,
  TraceSide,
} from "../protocol/shared";
import type { Settings, Sorted } from "../sampling/sampling";

/** Signals of the store by the traits that they are bound to. */
export const TRAITS = {
  text: "text",
  pair: "pair",
  target: "target",
  masked: "masked",
  edits: "edits",
  side: "side",
  otherText: "other_text",
  otherPair: "other_pair",
  otherTarget: "other_target",
  otherMasked: "other_masked",
  otherEdits: "other_edits",
  anchors: "anchors",
  patchFrom: "patch_from",
  effectOf: "effect_of",
  layer: "layer",
  head: "head",
  telling: "_telling",
  heads: "heads",
  kind: "kind",
  mode: "mode",
  combine: "combine",
  direction: "direction",
  hideSink: "hide_sink",
  colorScale: "color_scale",
  segments: "segments",
  position: "position",
  temperature: "temperature",
  topK: "top_k",
  topP: "top_p",
  minP: "min_p",
  typicalP: "typical_p",
  order: "order",
  threshold: "threshold",
  lecture: "lecture",
  slide: "slide",
  lesson: "_lesson",
  chainRule: "chain_rule",
  model: "model",
  block: "block",
  box: "box",
  playing: "playing",
  seed: "seed",
  doSample: "do_sample",
  maxNewTokens: "max_new_tokens",
  speed: "speed",
  shade: "shade",
  measure: "measure",
  ordering: "ordering",
  lens: "lens",
  x: "x",
  y: "y",
  examples: "examples",
  stream: "stream",
  run: "run",
  step: "step",
  probe: "probe",
  held: "held",
  heldRun: "held_run",
  panels: "_panels",
  editable: "_editable",
  path: "_path",
  reads: "_reads",
  server: "_server",
  room: "_room",
} as const;

export interface AttentionTraits {
  layer: number;
  head: number;
  /** Whether nobody has chosen a head yet. */
  telling: boolean;
  /** Chosen heads, of any layers. */
  heads: HeadPair[];
  /** Empty for the first that the model has. */
  kind: Kind | "";
  mode: Mode;
  combine: Combine;
  direction: Direction;
  hideSink: boolean;
  colorScale: ColorScale;
  segments: Segments;
  threshold: number;
}

export interface GenerationTraits {
  playing: boolean;
  seed: number;
  doSample: boolean;
  maxNewTokens: number;
  /** Tokens a second at most; 0 is as fast as the model can. */
  speed: number;
}

export interface LensTraits {
  lens: Measure;
  stream: Stream;
}

export interface SurveyTraits {
  /** The scores on the axes. */
  x: SurveyScore;
  y: SurveyScore;
  examples: Examples;
}

export interface EvaluationTraits {
  /** The measure that is plotted. */
  measure: string;
  /** Of the models: as they were given, or by that measure. */
  ordering: "given" | "ascending" | "descending";
}

/** Of the training of a model. */
export interface TrainingTraits {
  run: number;
  /** -1 for the newest, always. */
  step: number;
  probe: number;
  /** A step held beside it, of one of the runs; -1 for none. */
  held: number;
  heldRun: number;
}

/** Of the second of two that are compared. */
export interface OtherTraits {
  otherText: string;
  otherPair: string;
  otherTarget: string;
  otherMasked: readonly number[];
  otherEdits: readonly Edit[];
  /** Tokens of both that a person aligned. */
  anchors: readonly Anchor[];
}

export interface State
  extends
    Settings,
    AttentionTraits,
    LensTraits,
    GenerationTraits,
    SurveyTraits,
    EvaluationTraits,
    TrainingTraits,
    OtherTraits {
  text: string;
  /** The second sentence; empty without one. */
  pair: string;
  /** The text of the decoder. */
  target: string;
  masked: readonly number[];
  /** What is other than the model's own. */
  edits: readonly Edit[];
  /** Of a text under edits, of two that are compared, or of two steps, what is shown. */
  side: TraceSide | OfTwo;
  /** A second text, which parts are taken from; empty without one. */
  patchFrom: string;
  /** A token, and perhaps a foil: heads, MLPs and the text are coloured by their effects on it. */
  effectOf: readonly number[];
  /** What the text is shaded by; a text that is generated, what its tokens are. */
  shade: TextShade | Shade;
  position: number;
  lecture: boolean;
  /** Of a lesson, the slide that is on, from 0. */
  slide: number;
  lesson: Lesson | null;
  /** Whether the chain rule is shown. */
  chainRule: boolean;
  /** Whether the whole model is shown; which block is opened, -1 for that of the layer; and which box. */
  model: boolean;
  block: number;
  box: string;
  panels: string[];
  editable: boolean;
  /** The key of the input on screen, where it isn't what the tokenizer makes of the text. */
  path: string;
  /** Counts how often Python asked to read anew, as of a model that has changed. */
  reads: number;
  /** Where the model is, of one on a server, and whether that can be reached. */
  server: { address?: string; stands?: boolean } | undefined;
  /** The room on the server whose view this one follows; empty to go one's own way. */
  room: string | undefined;
}

export interface NextToken {
  trace: Trace;
  position: number;
  sorted: Sorted;
  /** `null` where the bytes of a token make no whole character. */
  texts: (string | null)[];
  labels: string[];
  /** Ranks below it belong to the tokens that they name. */
  known: number;
}

export interface Problem {
  message: string;
  kind: string;
}
