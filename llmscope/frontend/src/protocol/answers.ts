/** The shapes of what a source answers; `llmscope/kernel/requests.py` says which key gets which. */

import type { Tensor } from "./arrays";
import type { TraceName } from "./keys";
import type { Kind } from "./shared";

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
  /** An input that suits it, if one is known. */
  text?: string | null;
  target?: string | null;
}

export interface ModelAnswer {
  model?: Facts;
  choices?: Choice[];
  /** What an exported page lets its reader choose from. */
  prompts?: [text: string, pair: string, target: string, masked: number[]][];
}

export interface Progress {
  stage: string;
  done: number;
  total: number | null;
}

/** Effects on a token. */
export interface EffectsAnswer {
  /** Of the token, and of the foil. */
  labels: string[];
  values: Tensor; // (layers, heads), (layers,) or (positions,); NaN where there is none, or not yet
  measured: number;
  estimated: boolean;
  whole: boolean;
}

/** The stream behind each layer, at each position, patched from a second text. */
export interface PatchingAnswer {
  /** Labels of the second text. */
  tokens: string[];
  /** Ids: of the token and its foil, and of others that are likely in one of the texts. */
  offered: number[];
  labels: string[];
  /** Logit of the token less that of the foil, as the text is and as the second one is. */
  here: number;
  there: number;
  /** Whether these differ by enough to share their distance out. */
  differ: boolean;
  values: Tensor; // (layers, positions): `here` less that of the patched pass; NaN where unknown
  whole: boolean;
}

/** A token as it travels. */
export type TokenRow = [id: number, label: string, start: number, end: number, special: boolean];

export interface Token {
  id: number;
  label: string;
  /** Where it is in the text, in UTF-16 units. */
  start: number;
  end: number;
  /** Whether the tokenizer knows it as special, such as `<s>`. */
  isSpecial: boolean;
}

export const tokenOf = ([id, label, start, end, isSpecial]: TokenRow): Token => ({
  id,
  label,
  start,
  end,
  isSpecial,
});

/** Heads of a layer, and how many of keys and values they share. */
export type LayerRow = [layer: number, heads: number, kvHeads: number];

/** What a text, or ids, come to: see `Trace`. */
export interface TraceAnswer extends Omit<
  Trace,
  "name" | "input" | "tokens" | "target" | "hidden"
> {
  trace: string;
  tokens: TokenRow[];
  target: TokenRow[];
  hidden?: TokenRow[];
}

export interface Trace {
  /** By which arrays of it are requested; of two traces, those of the one less the other. */
  name: TraceName;
  /** The key of its input: the page's own note. */
  input: string;
  text: string;
  /** The second sentence; empty without one. */
  pair: string;
  /** The text of the decoder. */
  written: string;
  /** Which of `tokens` the second sentence begins with. */
  second: number | null;
  /** Positions of masked tokens. */
  masked: number[];
  /** What these hide. */
  hidden: Token[];
  /** Those, and mask tokens of the text. */
  gaps: number[];
  /** Whether the decoder has ended its text. */
  ended: boolean;
  /** Which attention is shown at first. */
  kind: Kind;
  /** The last position of the side that has logits. */
  last: number;
  /** Of the text on screen, which an encoder reads where there is one. */
  tokens: Token[];
  /** Whose turn each of `tokens` is in, `null` for nobody's; empty unless it is a conversation. */
  roles: (string | null)[];
  /** Why the turns of a conversation aren't known, in words. */
  why_no_roles: string | null;
  /** Of the decoder side; empty unless there are two. */
  target: Token[];
  kinds: Partial<Record<Kind, LayerRow[]>>;
  /** Why there is no attention, in words; `null` where there is some. */
  why: string | null;
  /** Bytes of cached activations in the kernel, and the limit of these. */
  cache?: [size: number, limit: number];
  /** Of differences of weights, where these are rounded: how many decimals are true. */
  decimals?: number;
}

export const traceOf = ({ trace, ...answer }: TraceAnswer, input: string): Trace => ({
  ...answer,
  name: trace,
  input,
  tokens: answer.tokens.map(tokenOf),
  target: answer.target.map(tokenOf),
  hidden: (answer.hidden ?? []).map(tokenOf),
});

export interface LogitsAnswer {
  logits: Tensor; // (vocabulary,)
  ids: Tensor; // the likeliest first
  /** `null` where the bytes of a token make no whole character. */
  texts: (string | null)[];
  labels: string[];
  /** Number of tokens whose ids are known, the likeliest, where it isn't all; other ids are made up. */
  known?: number;
}

export interface ChainAnswer {
  logprobs: Tensor; // (positions,), in nats; NaN for the first
  ranks: Tensor; // (positions,)
  perplexity: number | null;
}

/** Every layer of some positions, read through the model's head. */
export interface LensAnswer {
  top: Tensor; // (layers, positions, top): which label, the likeliest first
  labels: string[];
  probs: Tensor; // (layers, positions, top)
  facts: Tensor; // (layers, positions, 4): entropy, divergence, rank and probability of the true token
}

/** What two traces give the tokens of a text. */
export interface ChainDifference {
  logprobs: Tensor; // (positions,), of the first less the second, in nats; NaN for the first token
  both: Tensor; // (2, positions), in nats
  perplexities: [number | null, number | null];
}

/** How far two traces part at every layer of some positions. */
export interface LensDifference {
  top: Tensor; // (layers, positions, 2): which label is the likeliest in each
  labels: string[];
  probs: Tensor; // (layers, positions, 2)
  divergence: Tensor; // (layers, positions), Jensen-Shannon, in bits
  parting: Tensor; // (positions,), the first row where the likeliest differ; -1 without one
}

/** How the tokens of two traces are aligned. */
/** How likely two models with vocabularies of their own find the same texts: A, and B. */
export interface NextTextsAnswer {
  labels: string[];
  /** (2, texts) */
  probs: [a: number[], b: number[]];
  /** Everything else. */
  rest: [a: number, b: number];
  /** Bits, at least: of A from B, and back; `null` for infinite. */
  kl: [ab: number | null, ba: number | null];
  /** The probability that would have to move, at least and at most. */
  moved: [least: number, most: number];
}

export interface RowsAnswer {
  /**
   * (rows, 5): the first token of A and the one after its last, the same of B, none where these are
   * equal; and whether both say the same.
   */
  rows: Tensor;
  pairs: Tensor; // (pairs, 2): tokens of A and of B whose reads are held against each other
  source_pairs: Tensor; // the same of an encoder
  /** In bits, of each token; NaN of the first; where both models read from left to right. */
  surprisals_a?: Tensor;
  surprisals_b?: Tensor;
  /** Whether both know the same tokens. */
  one_vocabulary: boolean;
}

export interface DistancesAnswer {
  distances: Tensor; // (layers, heads), 0 to 1; NaN where there is no head
}

export interface FollowsAnswer {
  /** Probability that the second sentence follows; `null` where the model has no head for it. */
  probability: number | null;
}

export interface ThumbnailsAnswer {
  shades: Tensor; // (heads, rows, keys), 255 times the square root of the weight
  scores: Tensor; // (heads, as many as there are in SCORES)
}

export interface TileAnswer {
  weights?: Tensor; // (rows, keys), the weights themselves
  shades?: Tensor; // (rows, keys), 255 times the square root of a block's greatest or mean weight
}

export interface LineAnswer {
  weights: Tensor; // (keys,) of a row, (queries,) of a column
}

/** A feature of the model's attention that bears on the numbers. */
export interface Feature {
  name: string;
  text: string;
}

/** What makes the output of one query token and head, step by step. */
export interface StepsAnswer {
  query: Tensor; // (size,)
  keys: Tensor; // (keys, size)
  values: Tensor; // (keys, value size)
  product: Tensor; // (keys,)
  scale: number | null;
  scaled: Tensor; // (keys,), after the soft cap where there is one
  softcap: number | null;
  bias: Tensor; // (keys,), 0 where hidden
  hidden: Tensor; // (keys,), 1 where the mask hides a key
  logits: Tensor; // (keys,)
  sink: number | null;
  weights: Tensor; // (keys,)
  output: Tensor; // (value size,)
  concat: Tensor; // (heads * value size,)
  projected: Tensor; // (hidden size,)
  contribution: Tensor | null; // (hidden size,)
  names: { projection: string | null; module: string };
  features: Feature[];
}

/** What a saved notebook shows of a view; empty where there is nothing to show. */
export interface KeptAnswer {
  /** Names what is shown. */
  state?: string;
  words?: string;
  /** A page of its own, where it may be that large. */
  page?: string;
}

export interface SearchAnswer {
  ids: number[];
  labels: string[];
}

/** One token of a tree of generated text. */
export interface TreeNode {
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

export interface GenerationAnswer {
  /** Token ids of an encoder's input; with the prompt, in the first answer. */
  source?: number[];
  prompt?: TokenRow[];
  /** The nodes that are new; the last has the number `count`. */
  nodes: TreeNode[];
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
