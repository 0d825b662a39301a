import type { LayerRow } from "../protocol/answers";
import type { Head } from "../store/attention/types";

const GUTTER = 32; // for the numbers on the left
const TOP = 22; // for the numbers above
const STRIP = 7; // between the number of a layer and its heads: its MLP
const AWAY = 2; // between that and the heads
const BETWEEN = 1;
const RIM = 2; // for the frame of the last head
const GROUPS = 5; // between groups of heads that share keys and values

export interface Place extends Head {
  x: number;
  y: number;
}

/** Where the MLP of a layer is drawn. */
export interface Strip {
  layer: number;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Grid {
  /** Pixels a side of a thumbnail. */
  size: number;
  width: number;
  height: number;
  places: Place[];
  /** MLPs beside the numbers of layers; none in an order of its own. */
  strips: Strip[];
  /** Pixels from the number of a layer to its heads. */
  beside: number;
  /** Number of places in a row. */
  across: number;
  isSorted: boolean;
  /** Whether layers are from left to right, and heads from top to bottom. */
  isLying: boolean;
}

const LARGEST = 28; // pixels a side of a thumbnail, by which it is chosen how they lie
const FEW = 48; // the same, where there are so few that they may be larger
const LEAST = { upright: 10, lying: 9 };
const TALL = 300; // pixels, by which it is judged how well a grid of any height fits
const NO_TALLER = 660; // pixels; a column, whose neighbours are as tall, is judged by them

/**
 * Layers from top to bottom and heads from left to right, or the other way round, whichever fits
 * better; or, in an order of its own, row by row.
 */
export function gridOf(
  layers: readonly LayerRow[],
  room: { width: number; height: number; isColumn?: boolean },
  scale: number,
  order: readonly Head[] | null,
): Grid {
  const heads = Math.max(1, ...layers.map(([, count]) => count));
  const kv = Math.max(1, ...layers.map(([, , count]) => count));
  const share = kv > 1 && kv < heads ? heads / kv : heads;
  const gaps = (Math.ceil(heads / share) - 1) * GROUPS;
  const [gutter, top] = [GUTTER * scale, TOP * scale];
  const times = (Number.isFinite(room.height) ? 2 : 1) * scale;
  const fitting = (isLying: boolean, height: number, most: number) => {
    const [across, down] = isLying ? [layers.length, heads] : [heads, layers.length];
    const wide = (room.width - RIM - gutter - (isLying ? 0 : gaps)) / across;
    const high = (height - RIM - top - (isLying ? gaps : 0)) / down;
    return Math.min(most * times, Math.floor(Math.min(wide, high) - BETWEEN));
  };
  const judged = Math.min(room.height, room.isColumn ? NO_TALLER : TALL * scale);
  const [lying, upright] = [fitting(true, judged, LARGEST), fitting(false, judged, LARGEST)];
  const isLonger = layers.length > heads;
  const isLying = lying >= LEAST.lying && (isLonger ? lying >= upright : lying > upright);
  const height = Number.isFinite(room.height) ? room.height : NO_TALLER;
  const size = Math.max(isLying ? LEAST.lying : LEAST.upright, fitting(isLying, height, FEW));
  const across = isLying ? layers.length : heads;
  const gap = order ? () => 0 : (head: number) => Math.floor(head / share) * GROUPS;
  const step = size + BETWEEN;
  const placed = ({ layer, head }: Head, right: number, down: number): Place => ({
    layer,
    head,
    x: gutter + right * step + (isLying ? 0 : gap(head)),
    y: top + down * step + (isLying ? gap(head) : 0),
  });
  const places = order
    ? order.map((at, i) => placed(at, i % across, Math.floor(i / across)))
    : layers.flatMap(([layer, count], row) =>
        Array.from({ length: count }, (_, head) =>
          placed({ layer, head }, isLying ? row : head, isLying ? head : row),
        ),
      );
  const [thick, away] = [Math.round(STRIP * scale), Math.round(AWAY * scale)];
  const strips = (order ? [] : layers).map(([layer], row): Strip => {
    const along = row * step;
    return isLying
      ? { layer, x: gutter + along, y: top - away - thick, width: size, height: thick }
      : { layer, x: gutter - away - thick, y: top + along, width: thick, height: size };
  });
  const down = isLying ? heads : layers.length;
  const reach = (start: number, count: number, hasGaps: boolean) =>
    start + count * step - BETWEEN + (hasGaps ? gaps : 0) + RIM;
  return {
    size,
    places,
    strips,
    beside: thick + 2 * away,
    across,
    isSorted: order !== null,
    isLying,
    // The same in an order of their own, so that sorting moves nothing.
    width: reach(gutter, across, !isLying),
    height: reach(top, Math.max(down, Math.ceil(places.length / across)), isLying),
  };
}

export const placeOf = (grid: Grid, at: Head | null): Place | undefined =>
  at ? grid.places.find(({ layer, head }) => layer === at.layer && head === at.head) : undefined;

/** The head at a point of the grid, or the nearest to a point between two of them. */
export function headAt({ places, size }: Grid, x: number, y: number): Head | null {
  let found: Place | null = null;
  let least = GROUPS;
  for (const place of places) {
    const [right, down] = [x - place.x, y - place.y];
    const away = Math.max(-right, right - size, -down, down - size);
    if (away < least) [found, least] = [place, away];
  }
  return found && { layer: found.layer, head: found.head };
}

/** The layer whose number is at a point beside the grid. */
export function layerAt(grid: Grid, x: number, y: number): number | null {
  const { places, size, isLying, isSorted } = grid;
  if (isSorted || (isLying ? y : x) >= Math.min(...places.map((at) => (isLying ? at.y : at.x))))
    return null;
  const along = (at: Place) => (isLying ? x - at.x : y - at.y);
  return places.find((at) => along(at) >= 0 && along(at) <= size)?.layer ?? null;
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
