/** The whole model as one picture: what it is made of, and its numbers of one token. */

import type { Tensor } from "./arrays";
import type { Kind, TowerName } from "./shared";

export type BoxKind =
  | "tokens"
  | "embedding"
  | "types"
  | "positions"
  | "norm"
  | "scale"
  | "dense"
  | "activation"
  | "heads"
  | "output"
  | "mlp"
  | "moe"
  | "mixer"
  | "unembedding"
  | "softmax"
  | "unknown";

/** How a model knows where a token is. */
export type How = "learned" | "sinusoidal" | "rotary" | "alibi" | "relative" | "none" | "unknown";

/** What is known of a box beside its shapes, by the box's kind; `kernel/requests.py` has more. */
export type BoxFacts = Record<
  string,
  string | number | boolean | null | readonly string[] | readonly number[]
>;

/** A part of the model that a vector goes through. */
export interface Box {
  /** In a block, without the block's part: `mlp` for `block.3.mlp`. */
  id: string;
  kind: BoxKind;
  /** Of its module; in a block, seen from the block's own. `null` where it is no module. */
  path: string | null;
  /** The name of its module's class. */
  module: string | null;
  /** Its parameters. */
  shapes: [name: string, shape: number[]][];
  /** How many numbers these are; those of tied ones count where they come first. */
  parameters: number;
  /** Numbers of one token that go in, and that come out; `null` where these are ids. */
  takes: number | null;
  gives: number | null;
  facts: BoxFacts;
  /** Where a click on it leads: in place, to another panel, or nowhere. */
  opens: "box" | "matrix" | "lens" | "next-token" | "";
}

/**
 * What a block does to the stream between two of its points: it adds up what its branches make of it.
 * `whole` is one box that takes the stream's place, where no more is understood.
 */
export interface Stage {
  /** What all branches go through first. */
  shared: Box[];
  branches: Box[][];
  /** What the sum goes through. */
  after: Box[];
  /** Whether the branches are added to the stream; else they take its place. */
  adds: boolean;
  whole: Box | null;
}

/** Equal blocks that follow each other. */
export interface Run {
  first: number;
  count: number;
  /** The name of their class. */
  module: string;
  /** Of each block's module. */
  paths: string[];
  /** Of one block. */
  parameters: number;
  stages: Stage[];
  /** Facts of boxes that differ from block to block: by box and fact. */
  varied: Record<string, Record<string, (string | number | boolean | null)[]>>;
}

export interface Position {
  how: How;
  /** The box that opens it. */
  box: string | null;
  /** What is to be known of it, in words. */
  why: string;
  facts: BoxFacts;
}

export interface Tower {
  tower: TowerName;
  /** Of the stream. */
  width: number;
  blocks: number;
  positions: Position[];
  /** From the ids to what the first block receives. */
  before: Box[];
  runs: Run[];
  /** From the last block to the end. */
  after: Box[];
}

export interface StructureAnswer {
  /** The name of the model's class. */
  name: string;
  parameters: number;
  /** The encoder's first; none where nothing is understood. */
  towers: Tower[];
  /** The model as one box, then. */
  whole: Box | null;
  /** What is to be known of the picture, in sentences. */
  notes: string[];
}

/** A vector of one token. */
export interface Point {
  /** The box that gives it, or a point of the stream: `stream.0`. */
  at: string;
  /** Its length: the root of the sum of its squares. */
  length: number;
  /** (width,); `null` where that is too wide to send. */
  values: Tensor | null;
}

export interface Likeliest {
  ids: Tensor; // (10,)
  labels: string[];
  logits: Tensor; // (10,)
  probs: Tensor; // (10,)
}

export interface StreamAnswer {
  before: Point[];
  after: Point[];
  /** Of the stream, by block: at each of its points, from what it receives. */
  lengths: number[][];
  /** Of what branches add: by block, stage and branch. */
  added: number[][][];
  /** What comes next; `null` without a head. */
  top: Likeliest | null;
}

export interface BlockAnswer {
  points: Point[];
  /** How far the stream is from the sum of what went into it, relative to its length, at most. */
  error: number;
}

/** One number of the stream. */
export interface ComponentAnswer {
  /** By block: at each of its points. */
  values: number[][];
}

// ── boxes, opened in place ────────────────────────────────────────────────────────────────────

/** Tokens, and what a vector adds to the logit of each. */
export interface Gains {
  labels: string[];
  gains: Tensor; // (tokens,)
}

export interface EmbeddingBox {
  kind: "embedding";
  vector: Point;
  ids: Tensor; // the nearest first
  labels: string[];
  cosines: Tensor;
}

export interface PositionsBox {
  kind: "positions";
  how: "learned" | "sinusoidal";
  /** Of the table, where there is one. */
  row: number | null;
  vector: Point;
  /** (positions,), to what is added at the other positions of the text. */
  cosines: Tensor;
}

/** Numbers in pairs, each turned by an angle: of a query, or a key. */
export interface Turned {
  before: Tensor; // (pairs, 2)
  after: Tensor; // (pairs, 2)
}

export interface RotaryBox {
  kind: "rotary";
  head: number;
  kv_head: number;
  /** Numbers of a head, and how many of them are turned. */
  size: number;
  rotated: number;
  /** Which numbers make a pair: n and n + half of them, or 2n and 2n + 1. */
  layout: "halves" | "neighbours";
  angles: Tensor; // (pairs,), radians at this position
  frequencies: Tensor; // (pairs,), radians a position
  /** What the turned numbers are multiplied with. */
  scaling: number;
  query: Turned;
  key: Turned;
}

export interface BiasBox {
  kind: "alibi" | "relative";
  head: number;
  distances: Tensor; // (positions,), of each key from the query
  bias: Tensor; // (positions,), added to each key's logit
  /** Of ALiBi, one a head. */
  slopes: Tensor | null;
  /** Of relative biases: which row of the table each distance takes, and the table. */
  buckets: Tensor | null; // (positions,)
  table: Tensor | null; // (buckets, heads)
}

export interface NormBox {
  kind: "norm";
  how: "layer" | "rms" | "other";
  mean: number | null;
  variance: number | null;
  rms: number | null;
  epsilon: number | null;
  before: Tensor;
  /** Before the weight and the bias; `null` where that isn't known. */
  normalised: Tensor | null;
  after: Tensor;
  weight: Tensor | null;
  bias: Tensor | null;
  /** 1 where the weight is counted from 1. */
  offset: number;
}

/** The neurons that give most at a token. */
export interface Neurons {
  index: Tensor; // (neurons,)
  activation: Tensor; // (neurons,)
  gate: Tensor | null; // (neurons,), before the activation function
  up: Tensor | null; // (neurons,), what a gated one is multiplied with
  /** Of what each adds to the stream. */
  lengths: Tensor; // (neurons,)
  /** Of each neuron: the tokens that it makes likelier, and less likely. */
  writes: Gains[] | null;
  drops: Gains[] | null;
}

export interface MlpBox {
  kind: "mlp";
  /** How many neurons there are, and the share of them that are above 0. */
  count: number;
  active: number;
  neurons: Neurons | null;
  /** The same of all that the box adds. */
  top: Gains | null;
  bottom: Gains | null;
  /** How the vocabulary was read, or why it wasn't, in words. */
  treatment: string;
}

export interface MoeBox {
  kind: "moe";
  /** How the router turns its logits into probabilities. */
  how: "softmax" | "sigmoid" | "other";
  probabilities: Tensor; // (experts,)
  chosen: Tensor; // (chosen,)
  weights: Tensor; // (chosen,)
  /** Whether an expert beside them always takes part. */
  shared: boolean;
  top: Gains | null;
  bottom: Gains | null;
  treatment: string;
}

export interface HeadsBox {
  kind: "heads";
  before: Point;
  after: Point;
  lengths: Tensor; // (heads,), of what each gives
}

export interface UnembeddingBox extends Likeliest {
  kind: "unembedding";
  before: Point;
}

/** Any other: what goes in, and what comes out. */
export interface PlainBox {
  kind: "plain";
  before: Point | null;
  after: Point | null;
}

export type BoxAnswer =
  | EmbeddingBox
  | PositionsBox
  | RotaryBox
  | BiasBox
  | NormBox
  | MlpBox
  | MoeBox
  | HeadsBox
  | UnembeddingBox
  | PlainBox;

/** The tower that a kind of attention is in. */
export const towerOf = (kind: Kind): TowerName => (kind === "encoder" ? "encoder" : "self");
