/** The shapes of what a source answers; the keys are listed in `llmscope/source/answers.py`. */

import type { Array_ } from "../source/source";

export interface Facts {
  name: string;
  family: "causal" | "masked" | "encoder-decoder" | "encoder";
  layers: number;
  heads: number;
  kv_heads: number;
  vocabulary: number;
  context: number | null;
  device: string;
  dtype: string;
}

export interface Choice {
  /** `null` for the default. */
  name: string | null;
  title: string;
  detail: string;
  ready: boolean;
}

export interface ModelAnswer {
  model?: Facts;
  choices?: Choice[];
}

export interface Progress {
  stage: string;
  done: number;
  total: number | null;
}

/** id, label, start and end in UTF-16 units of the text, special. */
export type TokenRow = [id: number, label: string, start: number, end: number, special: boolean];

export interface TraceAnswer {
  trace: string;
  text: string;
  kind: "self" | "encoder";
  /** The last position of the side that has logits. */
  last: number;
  queries: number;
  tokens: TokenRow[];
  /** number, heads, KV heads */
  layers: [number, number, number][];
}

export interface LogitsAnswer {
  logits: Array_; // (vocabulary,)
  ids: Array_; // the likeliest first
  /** `null` where the bytes of a token make no whole character. */
  texts: (string | null)[];
  labels: string[];
}

export interface ChainAnswer {
  logprobs: Array_; // (positions,), in nats; NaN for the first
  ranks: Array_; // (positions,)
  perplexity: number | null;
}

export interface ThumbnailsAnswer {
  shades: Array_; // (heads, rows, keys), 255 times the square root of the weight
}

export interface TileAnswer {
  weights?: Array_; // (rows, keys), the weights themselves
  shades?: Array_; // (rows, keys), 255 times the square root of the greatest in a block
}

export interface RowAnswer {
  weights: Array_; // (keys,)
}

export interface SearchAnswer {
  ids: number[];
  labels: string[];
}
