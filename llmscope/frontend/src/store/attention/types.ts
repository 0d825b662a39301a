/** What the attention panels show: choices shared with Python, and what was read for them. */

import type { StepsAnswer, Token, Trace } from "../../protocol/answers";
import type { Tensor } from "../../protocol/arrays";
import { type HeadPair, type MatrixName, headMatrix } from "../../protocol/keys";
import type { Direction, Kind } from "../../protocol/shared";
import type { AttentionTraits } from "../state";

export interface Head {
  layer: number;
  head: number;
}

export interface Sides {
  queries: Token[];
  keys: Token[];
}

export interface Cell {
  query: number;
  key: number;
}

/** Little pictures of all heads of a layer, and how much of each habit a head has. */
export interface Thumbnail {
  trace: Trace;
  shades: Tensor; // (heads, rows, keys)
  scores: Tensor; // (heads, SCORES)
}

/** A whole matrix: of a head, or of several together. */
export interface Matrix extends Head {
  trace: Trace;
  kind: Kind;
  name: MatrixName;
  sides: Sides;
  /** Each cell stands for 2^level by 2^level weights; at 0 it is the weight, in full precision. */
  level: number;
  cells: Tensor;
}

/** A finer part of a matrix. */
export interface Tile {
  matrix: Matrix;
  level: number;
  row: number;
  column: number;
  cells: Tensor;
}

/** The part of a matrix that is on screen, in tokens, and how many pixels it has a side. */
export interface Viewport {
  query: [first: number, last: number];
  key: [first: number, last: number];
  pixels: number;
}

/** The true weights from one query to all keys, or to one key from all queries. */
export interface Line extends Head {
  trace: Trace;
  kind: Kind;
  name: MatrixName;
  direction: Direction;
  index: number;
  weights: Float32Array;
}

export interface Steps extends Head, StepsAnswer {
  trace: Trace;
  kind: Kind;
  at: number;
  sides: Sides;
}

/** The tokens on both sides of a kind of attention. */
export function sidesOf({ tokens, target }: Trace, kind: Kind): Sides {
  if (kind === "cross") return { queries: target, keys: tokens };
  const own = kind === "self" && target.length > 0 ? target : tokens;
  return { queries: own, keys: own };
}

export function hasHead(trace: Trace, kind: Kind, { layer, head }: Head): boolean {
  const found = trace.kinds[kind]?.find(([number]) => number === layer);
  return found !== undefined && head < found[1];
}

/** The matrix that is shown of a head, or of the chosen heads together. */
export function matrixOf(
  { layer, head }: Head,
  { combine, heads, hideSink }: Pick<AttentionTraits, "combine" | "heads" | "hideSink">,
): MatrixName {
  const withoutFirst = hideSink;
  if (combine === "rollout") return { how: "rollout", where: [[layer]], withoutFirst };
  if (combine === "difference" && heads.length > 1)
    return { how: "difference", where: heads.slice(0, 2), withoutFirst };
  if ((combine === "mean" || combine === "max") && heads.length > 0)
    return { how: combine, where: heads, withoutFirst };
  return headMatrix(layer, head, withoutFirst);
}

/** What shades the text where heads are drawn as arcs: their mean; `null` without any. */
export function matrixOfArcs(heads: HeadPair[], withoutFirst: boolean): MatrixName | null {
  if (heads.length > 1) return { how: "mean", where: heads, withoutFirst };
  return heads[0] ? headMatrix(...heads[0], withoutFirst) : null;
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
