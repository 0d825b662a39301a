/** Pictures of one size side by side. */

const BETWEEN = 8; // pixels
const LARGEST = 112; // pixels a side

export interface Tiles {
  across: number;
  /** Pixels a side. */
  size: number;
  /** Pixels from one to the next. */
  step: [right: number, down: number];
}

/**
 * As large as fit into a room, whose height they never exceed.
 *
 * @param below pixels under each, for its number
 */
export function tilesOf(
  count: number,
  { width, height }: { width: number; height: number },
  below: number,
  em: number,
): Tiles {
  let best: Tiles = { across: 1, size: 0, step: [0, 0] };
  const between = BETWEEN * em;
  for (let across = 1; across <= Math.max(1, count); across++) {
    const down = Math.ceil(count / across);
    const wide = (width + between) / across - between;
    const high = (height + between) / down - between - below;
    const size = Math.floor(Math.min(wide, high, LARGEST * em));
    if (size > best.size) best = { across, size, step: [size + between, size + between + below] };
  }
  return best;
}

export const placeOf = ({ across, step: [right, down] }: Tiles, index: number) => ({
  x: (index % across) * right,
  y: Math.floor(index / across) * down,
});

/** The one at a place, or the one whose number is there. */
export function tileAt(tiles: Tiles, count: number, x: number, y: number): number | null {
  const [right, down] = [Math.floor(x / tiles.step[0]), Math.floor(y / tiles.step[1])];
  const index = down * tiles.across + right;
  const isWithin = right >= 0 && right < tiles.across && down >= 0 && index < count;
  return isWithin && x - right * tiles.step[0] <= tiles.size ? index : null;
}
