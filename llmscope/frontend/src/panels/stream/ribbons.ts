/** Tokens as ribbons over steps: as wide as they are likely, the likelier above. */

import { type Edge, ribbonPath } from "../../draw/paths";
import type { AcrossAnswer } from "../../protocol/over-steps";

const STUB = { share: 0.25, most: 6, alone: 60 }; // of a gap, and pixels, that a ribbon goes on where it ends

/** What is known at a step. */
export interface Column {
  step: number;
  /** Indexes of tokens, the likeliest first. */
  order: readonly number[];
  /** By the index of a token: the share of the likelier ones; NaN where it isn't known. */
  above: Float64Array;
  /** Share of all tokens that have no ribbon here. */
  rest: number;
  /** In bits, of the whole vocabulary. */
  entropy: number;
}

export interface Stream {
  answer: AcrossAnswer;
  columns: readonly Column[];
  tokens: number;
  prob(step: number, token: number): number;
}

export function streamOf(answer: AcrossAnswer): Stream {
  const { probs, steps, entropy } = answer;
  const tokens = probs.shape[1]!;
  const prob = (step: number, token: number) => probs.data[step * tokens + token]!;
  const columns = Array.from(steps.data, (step, at): Column => {
    const order = Array.from({ length: tokens }, (_, token) => token)
      .filter((token) => !Number.isNaN(prob(at, token)))
      .sort((a, b) => prob(at, b) - prob(at, a) || a - b);
    const above = new Float64Array(tokens).fill(NaN);
    let sum = 0;
    for (const token of order) {
      above[token] = sum;
      sum += prob(at, token);
    }
    return { step, order, above, rest: Math.max(0, 1 - sum), entropy: entropy.data[at]! };
  });
  return { answer, columns, tokens, prob };
}

/** How far a ribbon goes on to the left and to the right of each step if it ends there, in pixels. */
export function stubs(at: readonly number[]): [left: number, right: number][] {
  const gap = (a: number | undefined, b: number | undefined) =>
    a === undefined || b === undefined ? 0 : Math.min(STUB.most, (b - a) * STUB.share);
  if (at.length === 1) return [[STUB.alone, STUB.alone]];
  return at.map((x, index) => [gap(at[index - 1], x), gap(x, at[index + 1])]);
}

/**
 * Where a ribbon, or, without a token, the rest, has its edges: shares from above. It bends where others
 * are likelier than at the step before.
 */
export function edgesOf(
  { columns, prob }: Stream,
  token: number | null,
  at: readonly number[],
): Edge[] {
  const ends = stubs(at);
  const rankOf = (index: number) => {
    const { order, above } = columns[index] ?? {};
    if (!order || token === null) return order ? 0 : -1;
    return Number.isNaN(above![token]) ? -1 : order.indexOf(token);
  };
  return columns.flatMap(({ above, rest }, index) => {
    const from = token === null ? 1 - rest : above[token]!;
    const to = token === null ? 1 : from + prob(index, token);
    const [before, rank, after] = [rankOf(index - 1), rankOf(index), rankOf(index + 1)];
    const [left, right] = ends[index]!;
    const x = at[index]!;
    const here = { x, from, to, bends: before !== rank };
    if (rank < 0) return [here];
    return [
      ...(before < 0 ? [{ x: x - left, from, to }] : []),
      { ...here, bends: before >= 0 && here.bends },
      ...(after < 0 ? [{ x: x + right, from, to }] : []),
    ];
  });
}

/** The outline of a ribbon: level at each step, and a bend between two; none where nothing is known. */
export const outline = (points: readonly Edge[], top: number, height: number): string =>
  ribbonPath(
    points.map((edge) => ({
      ...edge,
      from: top + edge.from * height,
      to: top + edge.to * height,
    })),
  );

/** The middle of a ribbon's name: pixels, and a share from above. */
export interface Place {
  x: number;
  y: number;
}

/**
 * The step at which a name of a size in pixels has most room in a ribbon.
 *
 * @param height pixels of a share of 1
 * @param before names go no farther to the right
 */
export function placeOf(
  edges: readonly Edge[],
  [wide, high]: readonly [number, number],
  height: number,
  before: number,
): Place | null {
  let best: Place | null = null;
  let most = high / height;
  const first = edges[0]?.x ?? 0;
  for (const edge of edges) {
    if (Number.isNaN(edge.from)) continue;
    const x = Math.max(edge.x, first + wide / 2);
    const [left, right] = [x - wide / 2, x + wide / 2];
    if (right > before) break;
    const within = edges.filter((one) => one.x > left && one.x < right);
    const bands = [bandAt(edges, left), ...within, bandAt(edges, right)];
    // Not a number where the ribbon isn't everywhere along the name.
    const from = Math.max(...bands.map((band) => band.from));
    const to = Math.min(...bands.map((band) => band.to));
    if (to - from >= most) [best, most] = [{ x, y: (from + to) / 2 }, (to - from) * 1.0001];
  }
  return best;
}

/** The edges of a ribbon between two steps. */
function bandAt(edges: readonly Edge[], x: number): { from: number; to: number } {
  const at = edges.findIndex((edge) => edge.x >= x);
  const [before, after] = [edges[at - 1], edges[at]];
  if (!after) return { from: NaN, to: NaN };
  if (!before) return after;
  const along = (x - before.x) / (after.x - before.x);
  const share = after.bends ? along * along * (3 - 2 * along) : along;
  const between = (a: number, b: number) => a + (b - a) * share;
  return { from: between(before.from, after.from), to: between(before.to, after.to) };
}

/** Which of the names at the right end have room, the widest ribbons first; and where. */
export function namesAtEnd(
  stream: Stream,
  height: number,
  line: number,
): { token: number; y: number }[] {
  const at = stream.columns.length - 1;
  const last = stream.columns[at];
  if (!last) return [];
  const taken: { token: number; y: number }[] = [];
  for (const token of last.order) {
    const share = stream.prob(at, token);
    const y = (last.above[token]! + share / 2) * height;
    const isFree = taken.every((other) => Math.abs(other.y - y) >= line);
    if (share * height >= line * 0.5 && isFree) taken.push({ token, y });
  }
  return taken;
}
