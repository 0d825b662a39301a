/** What the attention panels show: choices shared with Python, and what was read for them. */

import type { Array_ } from "../../protocol/source";
import type { Kind, StepsAnswer, TokenRow, TraceAnswer } from "../../protocol/answers";

export const MODES = ["matrix", "arcs", "steps"] as const;
export const COMBINE = ["none", "mean", "max", "difference", "rollout"] as const;
export const COLOR_SCALES = ["sqrt", "linear", "log"] as const;
/** Of two sentences, from which to which. */
export const SEGMENTS = ["all", "aa", "ab", "ba", "bb"] as const;

export type Mode = (typeof MODES)[number];
export type Combine = (typeof COMBINE)[number];
export type ColorScale = (typeof COLOR_SCALES)[number];
export type Segments = (typeof SEGMENTS)[number];
/** From the pinned token to those it looks at, or to it from those that look at it. */
export type Direction = "from" | "to";
export type HeadPair = [layer: number, head: number];

export interface AttentionTraits {
  layer: number;
  head: number;
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

export interface HeadName {
  layer: number;
  head: number;
}

export interface Sides {
  queries: TokenRow[];
  keys: TokenRow[];
}

export interface Cell {
  query: number;
  key: number;
}

/** Little pictures of all heads of a layer, and how much of each habit a head has. */
export interface Thumbnail {
  trace: TraceAnswer;
  shades: Array_; // (heads, rows, keys)
  scores: Array_; // (heads, SCORES)
}

/** A whole matrix: of a head, or of several together. */
export interface Matrix extends HeadName {
  trace: TraceAnswer;
  kind: Kind;
  name: string;
  sides: Sides;
  /** Each cell stands for 2^level by 2^level weights; at 0 it is the weight, in full precision. */
  level: number;
  cells: Array_;
}

/** A finer part of a matrix. */
export interface Tile {
  matrix: Matrix;
  level: number;
  row: number;
  column: number;
  cells: Array_;
}

/** The part of a matrix that is on screen, in tokens, and how many pixels it has a side. */
export interface Viewport {
  query: [first: number, last: number];
  key: [first: number, last: number];
  pixels: number;
}

/** The true weights from one query to all keys, or to one key from all queries. */
export interface Line extends HeadName {
  trace: TraceAnswer;
  kind: Kind;
  name: string;
  direction: Direction;
  index: number;
  weights: Float32Array;
}

export interface Steps extends HeadName, StepsAnswer {
  trace: TraceAnswer;
  kind: Kind;
  at: number;
  sides: Sides;
}

/** The tokens on both sides of a kind of attention. */
export function sidesOf({ tokens, target }: TraceAnswer, kind: Kind): Sides {
  if (kind === "cross") return { queries: target, keys: tokens };
  const own = kind === "self" && target.length > 0 ? target : tokens;
  return { queries: own, keys: own };
}

export function hasHead(trace: TraceAnswer, kind: Kind, { layer, head }: HeadName): boolean {
  const found = trace.kinds[kind]?.find(([number]) => number === layer);
  return found !== undefined && head < found[1];
}

/** How `llmscope/source` calls a matrix: see there. */
export function nameOf(
  shown: HeadName,
  { combine, heads, hideSink }: Pick<AttentionTraits, "combine" | "heads" | "hideSink">,
): string {
  const sinkless = hideSink ? "sinkless." : "";
  const chosen = heads.map(([layer, head]) => `${layer}.${head}`);
  if (combine === "rollout") return `${sinkless}rollout.${shown.layer}`;
  if (combine === "difference" && chosen.length > 1)
    return `${sinkless}difference.${chosen.slice(0, 2).join("+")}`;
  if ((combine === "mean" || combine === "max") && chosen.length > 0)
    return `${sinkless}${combine}.${chosen.join("+")}`;
  return `${sinkless}head.${shown.layer}.${shown.head}`;
}

/** A row or a column of a matrix that is all there, as the weights themselves. */
export function lineIn(matrix: Matrix, direction: Direction, index: number): Line {
  const { cells, level: _, ...at } = matrix;
  const keys = matrix.sides.keys.length;
  const all = cells.data as Float32Array;
  const weights =
    direction === "from"
      ? all.subarray(index * keys, (index + 1) * keys)
      : Float32Array.from(matrix.sides.queries, (_, query) => all[query * keys + index]!);
  return { ...at, direction, index, weights };
}
