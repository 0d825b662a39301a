/** Paths of SVG through points, broken where one isn't known: its number is NaN. */

const round = (value: number): number => Math.round(value * 100) / 100;

/** Points that follow one another without a gap. */
function stretches<P>(points: readonly P[], isKnown: (point: P) => boolean): P[][] {
  const found: P[][] = [];
  let isOpen = false;
  for (const point of points) {
    if (!isKnown(point)) isOpen = false;
    else if (isOpen) found.at(-1)!.push(point);
    else {
      found.push([point]);
      isOpen = true;
    }
  }
  return found;
}

/** Straight from point to point. */
export const linePath = (points: readonly (readonly [x: number, y: number])[]): string =>
  stretches(points, ([, y]) => !Number.isNaN(y))
    .map((known) => `M${known.map((point) => point.map(round).join(" ")).join("L")}`)
    .join("");

/** A place of a ribbon, with both its edges. */
export interface Edge {
  x: number;
  from: number;
  to: number;
  /** Whether it comes here in a bend, level at both ends, rather than straight. */
  bends?: boolean;
}

export const ribbonPath = (edges: readonly Edge[]): string =>
  stretches(edges, ({ from }) => !Number.isNaN(from))
    .map((known) => {
      const there = known.map(({ x, from, bends }) => ({ x, y: from, bends }));
      const back = known.map(({ x, to }, at) => ({ x, y: to, bends: known[at + 1]?.bends }));
      return `M${way(there)}L${way(back.reverse())}Z`;
    })
    .join("");

/** From point to point, each with whether one comes to it in a bend. */
function way(points: readonly { x: number; y: number; bends: boolean | undefined }[]): string {
  return points
    .map(({ x, y, bends }, at) => {
      const end = `${round(x)} ${round(y)}`;
      const before = points[at - 1];
      if (!before) return end;
      if (!bends) return `L${end}`;
      const middle = round((before.x + x) / 2);
      return `C${middle} ${round(before.y)} ${middle} ${round(y)} ${end}`;
    })
    .join("");
}
