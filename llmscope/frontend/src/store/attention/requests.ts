/** Requests for attention, and what their answers are made into. */

import type { LineAnswer, TileAnswer, Trace } from "../../protocol/answers";
import type { Tensor } from "../../protocol/arrays";
import {
  type MatrixName,
  type Pool,
  type Request,
  sameMatrix,
  traceText,
} from "../../protocol/keys";
import { type Direction, type Kind, TILE } from "../../protocol/shared";
import type { RequestCache } from "../request-cache";
import type { Matrix, Steps, Tile, Viewport } from "./types";

/** A matrix of a trace. */
export type MatrixOf = Pick<Matrix, "trace" | "kind" | "name">;

/** The first row of a matrix: where it can be read, so can the rest. */
export const firstRow = (trace: Trace | null, kind: Kind, matrix: MatrixName): Request => ({
  type: "row",
  trace: trace?.name ?? "",
  kind,
  matrix,
  index: 0,
});

/** Whether steps or matrices that are drawn answer a request. */
export function isDrawn(
  request: Request,
  steps: Steps | null,
  matrices: readonly (Matrix | null)[],
): boolean {
  const isOf = (drawn: Matrix | Steps | null): boolean =>
    drawn !== null &&
    "trace" in request &&
    traceText(drawn.trace.name) === traceText(request.trace);
  if (request.type === "steps") {
    const { layer, head, query } = request;
    const isOfHead = steps?.layer === layer && steps.head === head;
    return isOfHead && isOf(steps) && steps.at === query;
  }
  if (!("matrix" in request)) return false;
  const { kind, matrix } = request;
  return matrices.some((one) => isOf(one) && one!.kind === kind && sameMatrix(one!.name, matrix));
}

/** The level at which one tile is a whole matrix of `longest` tokens. */
export const levelOf = (longest: number): number =>
  Math.max(0, Math.ceil(Math.log2(longest / TILE)));

/** The tiles of a level that a viewport meets. */
export function tilesIn(
  { sides }: Matrix,
  { query, key }: Viewport,
  level: number,
): Pick<Tile, "level" | "row" | "column">[] {
  const side = TILE * 2 ** level;
  const over = ([first, last]: [number, number], length: number) => {
    const [from, to] = [Math.floor(first / side), Math.ceil(Math.min(last, length) / side)];
    return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
  };
  return over(query, sides.queries.length).flatMap((row) =>
    over(key, sides.keys.length).map((column) => ({ level, row, column })),
  );
}

export async function readTile(
  cache: RequestCache,
  { trace, kind, name }: MatrixOf,
  at: Pick<Tile, "level" | "row" | "column">,
  pool: Pool,
  signal: AbortSignal,
): Promise<Tensor> {
  const request: Request = { type: "tile", trace: trace.name, kind, matrix: name, ...at, pool };
  const { weights, shades } = await cache.read<TileAnswer>(request, signal);
  return (weights ?? shades)!;
}

/** A whole matrix, at a level at which it is one tile. */
export async function readMatrix(
  cache: RequestCache,
  of: Omit<Matrix, "level" | "cells">,
  pool: Pool,
  signal: AbortSignal,
): Promise<Matrix> {
  const level = levelOf(Math.max(of.sides.queries.length, of.sides.keys.length));
  return {
    ...of,
    level,
    cells: await readTile(cache, of, { level, row: 0, column: 0 }, pool, signal),
  };
}

export async function readLine(
  cache: RequestCache,
  { trace, kind, name }: MatrixOf,
  direction: Direction,
  index: number,
): Promise<Float32Array> {
  const type = direction === "from" ? "row" : "column";
  const request: Request = { type, trace: trace.name, kind, matrix: name, index };
  return (await cache.read<LineAnswer>(request)).weights.data as Float32Array;
}
