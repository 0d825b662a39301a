/** Attention from what a page holds of it: the same as the kernel makes. */

import type { Tensor } from "../../protocol/arrays";
import { type MatrixName, type RequestOf, headMatrix, matrixText } from "../../protocol/keys";
import { THUMBNAIL, TILE } from "../../protocol/shared";
import type { Matrices } from "./content";

export interface Whole {
  weights: Float32Array;
  queries: number;
  keys: number;
  signed: boolean;
}

/** A whole matrix by its name; `null` if it isn't here. */
export function wholeMatrix(all: Matrices, { how, where, withoutFirst }: MatrixName): Whole | null {
  const kept = how === "rollout" ? "rollout" : "head";
  const parts = where.map((one) =>
    all.names.indexOf(matrixText({ how: kept, where: [one], withoutFirst: false })),
  );
  if (parts.includes(-1)) return null;
  const { queries, keys } = all;
  const [first, ...others] = parts.map((part) => {
    const weights = decoded(all, part);
    return withoutFirst ? dropFirst(weights, keys) : weights;
  });
  for (const other of others)
    for (let i = 0; i < first!.length; i++) {
      const [a, b] = [first![i]!, other[i]!];
      first![i] = how === "max" ? Math.max(a, b) : how === "difference" ? a - b : a + b;
    }
  if (how === "mean") first!.forEach((sum, i) => (first![i] = sum / parts.length));
  return { weights: first!, queries, keys, signed: how === "difference" };
}

/** The weights among some queries and keys: one side of pairs (pairs, 2). */
export function among(whole: Whole, queries: Tensor, keys: Tensor, side: 0 | 1): Whole {
  const [rows, columns] = [queries, keys].map(({ data }) =>
    data.filter((_, at) => at % 2 === side),
  );
  const weights = new Float32Array(rows!.length * columns!.length);
  let cell = 0;
  for (const row of rows!)
    for (const column of columns!) weights[cell++] = whole.weights[row * whole.keys + column]!;
  return { ...whole, weights, queries: rows!.length, keys: columns!.length };
}

/** One matrix less another of the same shape. */
export function difference(one: Whole, other: Whole): Whole {
  return {
    ...one,
    weights: one.weights.map((weight, i) => weight - other.weights[i]!),
    signed: true,
  };
}

/** The weights (queries, keys) of one matrix. */
export function decoded({ codes, queries, keys, triangular }: Matrices, at: number): Float32Array {
  const [width, count, cells] = codes.shape as [number, number, number];
  const bytes = codes.data as Uint8Array;
  const bits = new Uint32Array(1);
  const float = new Float32Array(bits.buffer);
  const weights = new Float32Array(queries * keys);
  let cell = at * cells;
  for (let query = 0; query < queries; query++)
    for (let key = 0; key < (triangular ? query + 1 : keys); key++, cell++) {
      let code = 0;
      for (let byte = 0; byte < width; byte++)
        code = (code << 8) | bytes[byte * count * cells + cell]!;
      if (width === 4) bits[0] = code;
      else {
        // The distance to 0 or, with the first bit, to 1: see llmscope/export/encoding.py.
        const size = code & 0x7fff;
        bits[0] = size && (size + (95 << 10)) << 13;
      }
      weights[query * keys + key] = width === 2 && code >> 15 ? 1 - float[0]! : float[0]!;
    }
  return weights;
}

/** Leaves out the first key, and divides the others of a row by their sum. */
function dropFirst(weights: Float32Array, keys: number): Float32Array {
  for (let row = 0; row < weights.length; row += keys) {
    weights[row] = 0;
    let total = 0;
    for (let i = row; i < row + keys; i++) total += weights[i]!;
    for (let i = row; i < row + keys; i++) weights[i]! /= total || 1;
  }
  return weights;
}

/** A tile: the weights themselves at level 0, else one for each block of them. */
export function tile(
  whole: Whole,
  { level, row, column, pool }: Pick<RequestOf<"tile">, "level" | "row" | "column" | "pool">,
): { weights?: Tensor; shades?: Tensor } {
  const block = 2 ** level;
  const start = (at: number) => Array.from({ length: TILE }, (_, i) => (at * TILE + i) * block);
  const within = (starts: number[], length: number) => starts.filter((first) => first < length);
  const rows = within(start(row), whole.queries);
  const columns = within(start(column), whole.keys);
  const ends = (starts: number[], length: number) =>
    starts.map((first) => Math.min(first + block, length));
  const cells = blocks(
    whole,
    { first: rows, end: ends(rows, whole.queries) },
    { first: columns, end: ends(columns, whole.keys) },
    pool === "mean",
  );
  const shape = [rows.length, columns.length];
  if (level === 0 || whole.signed) return { weights: { data: cells, shape } };
  return { shades: { data: shades(cells), shape } };
}

/** Little pictures (heads, rows, keys) of all heads of a layer. */
export function thumbnails(all: Matrices, layer: number, heads: number): Tensor {
  const cut = (length: number) => {
    const parts = Math.min(length, THUMBNAIL);
    const first = Array.from({ length: parts }, (_, i) => Math.floor((i * length) / parts));
    return { first, end: [...first.slice(1), length] };
  };
  const [rows, columns] = [cut(all.queries), cut(all.keys)];
  const size = rows.first.length * columns.first.length;
  const data = new Uint8Array(heads * size);
  for (let head = 0; head < heads; head++) {
    const whole = wholeMatrix(all, headMatrix(layer, head))!;
    data.set(shades(blocks(whole, rows, columns, false)), head * size);
  }
  return { data, shape: [heads, rows.first.length, columns.first.length] };
}

interface Cuts {
  first: number[];
  end: number[];
}

/** The mean of each block, or its greatest weight: of a signed matrix the one farthest from 0. */
function blocks({ weights, keys }: Whole, rows: Cuts, columns: Cuts, mean: boolean): Float32Array {
  const cells = new Float32Array(rows.first.length * columns.first.length);
  let cell = 0;
  rows.first.forEach((top, row) =>
    columns.first.forEach((left, column) => {
      let sum = 0;
      let most = 0;
      for (let query = top; query < rows.end[row]!; query++)
        for (let key = left; key < columns.end[column]!; key++) {
          const weight = weights[query * keys + key]!;
          sum += weight;
          if (Math.abs(weight) > Math.abs(most)) most = weight;
        }
      const count = (rows.end[row]! - top) * (columns.end[column]! - left);
      cells[cell++] = mean ? sum / count : most;
    }),
  );
  return cells;
}

const shades = (weights: Float32Array): Uint8Array =>
  Uint8Array.from(weights, (weight) => Math.round(255 * Math.sqrt(Math.min(1, weight))));
