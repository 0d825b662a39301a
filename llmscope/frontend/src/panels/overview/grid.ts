import type { LayerRow } from "../../protocol/answers";
import type { Head } from "../../store/attention/types";

const GUTTER = 30; // for the layer numbers
const TOP = 20; // for the head numbers
const BETWEEN = 1;
const GROUPS = 5; // between groups of heads that share keys and values

export interface Place extends Head {
  x: number;
  y: number;
}

export interface Grid {
  /** Pixels a side of a thumbnail. */
  size: number;
  width: number;
  height: number;
  places: Place[];
  /** Number of places in a row. */
  across: number;
  isSorted: boolean;
}

/** Layers from top to bottom, heads from left to right; or, in an order of its own, row by row. */
export function gridOf(
  layers: readonly LayerRow[],
  width: number,
  scale: number,
  order: readonly Head[] | null,
): Grid {
  const across = Math.max(1, ...layers.map(([, heads]) => heads));
  const kv = Math.max(1, ...layers.map(([, , count]) => count));
  const share = kv > 1 && kv < across ? across / kv : across;
  const groups = Math.ceil(across / share) - 1;
  const [gutter, top] = [GUTTER * scale, TOP * scale];
  const room = (width - gutter - groups * GROUPS) / across - BETWEEN;
  const size = Math.floor(Math.min(28 * scale, Math.max(10, room)));
  const gap = order ? () => 0 : (column: number) => Math.floor(column / share) * GROUPS;
  const x = (column: number) => gutter + column * (size + BETWEEN) + gap(column);
  const y = (row: number) => top + row * (size + BETWEEN);
  const places = order
    ? order.map((head, i) => ({ ...head, x: x(i % across), y: y(Math.floor(i / across)) }))
    : layers.flatMap(([layer, heads], row) =>
        Array.from({ length: heads }, (_, head) => ({ layer, head, x: x(head), y: y(row) })),
      );
  const rows = order ? Math.ceil(order.length / across) : layers.length;
  const isSorted = order !== null;
  return { size, places, across, isSorted, width: x(across - 1) + size + 2, height: y(rows) + 2 };
}

export const placeOf = (grid: Grid, at: Head | null): Place | undefined =>
  at ? grid.places.find(({ layer, head }) => layer === at.layer && head === at.head) : undefined;

/** The head at a point of the grid. */
export function headAt({ places, size }: Grid, x: number, y: number): Head | null {
  const found = places.find(
    (place) => x >= place.x && x <= place.x + size && y >= place.y && y <= place.y + size,
  );
  return found ? { layer: found.layer, head: found.head } : null;
}

/** The head one step down or right (-1: up or left), by where they are drawn. */
export function neighbour(grid: Grid, from: Head, down: number, right: number): Head | null {
  const here = placeOf(grid, from) ?? grid.places[0];
  if (!here) return null;
  let best: Place = here;
  let least = Infinity;
  for (const place of grid.places) {
    const [x, y] = [place.x - here.x, place.y - here.y];
    const ahead = x * right + y * down;
    // Rows may be of different lengths, so the next one down needn't be straight below.
    const aside = Math.abs(right ? y : x);
    if (ahead <= 0 || (right !== 0 && aside > 0)) continue;
    const distance = ahead * 1e3 + aside;
    if (distance < least) [best, least] = [place, distance];
  }
  return { layer: best.layer, head: best.head };
}
