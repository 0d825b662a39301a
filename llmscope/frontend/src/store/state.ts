/** What the store holds: traits shared with Python, and what was read to show them. */

import type { Trace } from "../protocol/answers";
import type { Settings, Sorted } from "../sampling/sampling";
import type { AttentionTraits } from "./attention/types";
import type { GenerationTraits } from "./generation";
import type { LensTraits } from "./lens";

/** Signals of the store by the traits that they are bound to. */
export const TRAITS = {
  text: "text",
  pair: "pair",
  target: "target",
  masked: "masked",
  layer: "layer",
  head: "head",
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
  playing: "playing",
  seed: "seed",
  doSample: "do_sample",
  maxNewTokens: "max_new_tokens",
  speed: "speed",
  shade: "shade",
  lens: "lens",
  stream: "stream",
  panels: "_panels",
  editable: "_editable",
  path: "_path",
} as const;

export interface State extends Settings, AttentionTraits, LensTraits, GenerationTraits {
  text: string;
  /** The second sentence; empty without one. */
  pair: string;
  /** The text of the decoder. */
  target: string;
  masked: readonly number[];
  position: number;
  lecture: boolean;
  panels: string[];
  editable: boolean;
  /** The key of the input on screen, where it isn't what the tokenizer makes of the text. */
  path: string;
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
