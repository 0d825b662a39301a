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
  /** How many places stand in a row. */
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

/** The head one step away in a direction, by where they stand. */
export function neighbour(grid: Grid, from: Head, key: string): Head | null {
  const here = placeOf(grid, from) ?? grid.places[0];
  if (!here) return null;
  const along = {
    ArrowUp: (p: Place) => [here.y - p.y, Math.abs(p.x - here.x)] as const,
    ArrowDown: (p: Place) => [p.y - here.y, Math.abs(p.x - here.x)] as const,
    ArrowLeft: (p: Place) => [here.x - p.x, Math.abs(p.y - here.y) * 1e3] as const,
    ArrowRight: (p: Place) => [p.x - here.x, Math.abs(p.y - here.y) * 1e3] as const,
  }[key];
  if (!along) return null;
  let best: Place = here;
  let least = Infinity;
  for (const place of grid.places) {
    const [ahead, aside] = along(place);
    const straight = key === "ArrowUp" || key === "ArrowDown" || aside === 0;
    const distance = ahead * 1e3 + aside;
    if (ahead > 0 && straight && distance < least) [best, least] = [place, distance];
  }
  return { layer: best.layer, head: best.head };
}
