/** How far each head is apart in two traces. */

import type { DistancesAnswer, Trace } from "../protocol/answers";
import type { Kind } from "../protocol/shared";
import type { Head } from "./attention/types";

export interface Distances extends DistancesAnswer {
  /** The two that they are of, as `Sides.pair` has them. */
  of: unknown;
  kind: Kind;
}

/** How far a head is apart; `undefined` while that isn't known. */
export function distanceOf(distances: Distances | null, { layer, head }: Head): number | undefined {
  if (!distances) return undefined;
  const { data, shape } = distances.distances;
  const found = head < shape[1]! ? data[layer * shape[1]! + head] : undefined;
  return found === undefined || Number.isNaN(found) ? undefined : found;
}

/** Whether the layers of both have as many heads: those of models of other shapes aren't matched. */
export function haveSameHeads(a: Trace, b: Trace, kind: Kind): boolean {
  const shapeOf = ({ kinds }: Trace) =>
    JSON.stringify(kinds[kind]?.map(([n, heads]) => [n, heads]));
  return shapeOf(a) === shapeOf(b);
}
