/** The shapes of what a source answers; the keys are listed in `llmscope/source/answers.py`. */

import type { Array_ } from "./source";
import type { ReadingParts } from "../store/text-input";

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
  /** What else is to be known about how it reads. */
  note: string;
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
  /** What an exported page lets its reader choose from. */
  prompts?: ReadingParts[];
}

export interface Progress {
  stage: string;
  done: number;
  total: number | null;
}

/** id, label, start and end in UTF-16 units of the text, special. */
export type TokenRow = [id: number, label: string, start: number, end: number, special: boolean];

/** Which attention: within the one text or the decoder's, within the encoder's, between the two. */
export type Kind = "self" | "encoder" | "cross";

/** number, heads, KV heads */
export type LayerRow = [layer: number, heads: number, kvHeads: number];

export interface TraceAnswer {
  trace: string;
  /** The key that it answers: the page's own note. */
  asked: string;
  text: string;
  /** The second sentence; empty without one. */
  pair: string;
  /** What the decoder has written. */
  written: string;
  /** Which of `tokens` the second sentence begins with. */
  second: number | null;
  /** Positions of tokens that were put behind the mask. */
  masked: number[];
  /** Those, and masks that stand in the text. */
  gaps: number[];
  /** Whether the decoder has ended its text. */
  ended: boolean;
  /** Which attention is shown at first. */
  kind: Kind;
  /** The last position of the side that has logits. */
  last: number;
  /** Of the text on screen, which an encoder reads where there is one. */
  tokens: TokenRow[];
  /** Whose turn each of `tokens` is in, `null` for nobody's; empty unless it is a conversation. */
  roles: (string | null)[];
  /** Why the turns of a conversation can't be told, in words. */
  why_no_roles: string | null;
  /** Of the decoder side; empty unless there are two. */
  target: TokenRow[];
  kinds: Partial<Record<Kind, LayerRow[]>>;
  /** Why there is no attention, in words; `null` where there is some. */
  why: string | null;
  /** Bytes that the kernel keeps of what it has read, and how many they may be. */
  warm?: [size: number, limit: number];
  /** Of differences of weights, where these are rounded: how many figures behind the point are true. */
  decimals?: number;
}

export interface LogitsAnswer {
  logits: Array_; // (vocabulary,)
  ids: Array_; // the likeliest first
  /** `null` where the bytes of a token make no whole character. */
  texts: (string | null)[];
  labels: string[];
  /** How many of the likeliest are told apart, where it isn't all; the others' ids are made up. */
  known?: number;
}

export interface ChainAnswer {
  logprobs: Array_; // (positions,), in nats; NaN for the first
  ranks: Array_; // (positions,)
  perplexity: number | null;
}

/** Every layer of some positions, read through the model's head. */
export interface LensAnswer {
  top: Array_; // (layers, positions, top): which label, the likeliest first
  labels: string[];
  probs: Array_; // (layers, positions, top)
  facts: Array_; // (layers, positions, 4): entropy, divergence, rank and probability of the true token
}

export interface FollowsAnswer {
  /** That the second sentence follows; `null` where the model can't tell. */
  probability: number | null;
}

export interface ThumbnailsAnswer {
  shades: Array_; // (heads, rows, keys), 255 times the square root of the weight
  scores: Array_; // (heads, as many as there are in SCORES)
}

export interface TileAnswer {
  weights?: Array_; // (rows, keys), the weights themselves
  shades?: Array_; // (rows, keys), 255 times the square root of what stands for a block
}

export interface LineAnswer {
  weights: Array_; // (keys,) of a row, (queries,) of a column
}

/** A feature of the model's attention that bears on the numbers. */
export interface Feature {
  name: string;
  text: string;
}

/** What makes the output of one query token and head, step by step. */
export interface StepsAnswer {
  query: Array_; // (size,)
  keys: Array_; // (keys, size)
  values: Array_; // (keys, value size)
  product: Array_; // (keys,)
  scale: number | null;
  scaled: Array_; // (keys,), behind the soft cap where there is one
  softcap: number | null;
  bias: Array_; // (keys,), 0 where hidden
  hidden: Array_; // (keys,), 1 where the mask hides a key
  logits: Array_; // (keys,)
  sink: number | null;
  weights: Array_; // (keys,)
  output: Array_; // (value size,)
  concat: Array_; // (heads * value size,)
  projected: Array_; // (hidden size,)
  contribution: Array_ | null; // (hidden size,)
  names: { projection: string | null; module: string };
  features: Feature[];
}

export interface SearchAnswer {
  ids: number[];
  labels: string[];
}

/** One token of a text that is being written. */
export interface WrittenRow {
  number: number;
  /** The node that it follows; 0 is the prompt. */
  parent: number;
  token: number;
  /** In the model's own distribution, in nats. */
  logprob: number;
  /** In the distribution that it was drawn from. */
  prob: number;
  rank: number;
  forced: boolean;
  depth: number;
  label: string;
  /** What it adds to the text; nothing while a character isn't whole. */
  text: string;
}

export interface WritingAnswer {
  /** Token ids that an encoder read; told at the beginning, as the prompt. */
  source?: number[];
  prompt?: TokenRow[];
  /** The nodes that are new; the last has the number `count`. */
  nodes: WrittenRow[];
  count: number;
  /** Where the next token goes. */
  current: number;
  ended: boolean;
  can_undo: boolean;
  seed: number;
}

export interface CopyAnswer {
  text: string;
  ids: number[];
  call: string;
}
