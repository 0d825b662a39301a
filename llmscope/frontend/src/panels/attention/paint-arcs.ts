import { prepare } from "../../draw/canvas";
import { type Ink, opacity, rgb } from "../../draw/color-scale";
import { drawnBy, filled } from "../../draw/svg";
import type { MatrixName } from "../../protocol/keys";
import { type ColorScale, DASHES, type Direction } from "../../protocol/shared";
import type { Line, Matrix, Sides } from "../../store/attention/types";
import { clamp } from "../../ui/scale";

/** Weights below it are too pale to see, and too many to draw. */
const FAINTEST = 0.01;

/** One side's token, with all that leads from or to it. */
export interface End {
  direction: Direction;
  index: number;
}

/** One head, as lines of one colour. */
export interface Strand {
  name: MatrixName;
  label: string;
  ink: Ink;
  /** Among the chosen heads. */
  place?: number;
  /** All weights, where they are there. */
  matrix: Matrix | null;
  /** Those of the token that is looked at. */
  line: Line | null;
}

export interface Layout {
  width: number;
  height: number;
  /** Pixels a token. */
  row: number;
  /** Pixels of a column of tokens. */
  label: number;
  /** How far it is scrolled. */
  top: number;
}

/** How much is seen of lines from queries that are scrolled out of sight. */
const PASSING = 0.25;
/** How much is seen of lines from queries that aren't in focus. */
const ASIDE = 0.25;
/** How much is seen of lines to the first token, where heads rest that have nothing to attend to. */
const FIRST = 0.4;
const THINNEST = 0.75; // pixels

interface Picture {
  strands: Strand[];
  end: End | null;
  /** The query that stands out where no token is looked at. */
  focus: number;
  layout: Layout;
  sides: Sides;
  scale: ColorScale;
  threshold: number;
}

export const isWhole = (matrix: Matrix): boolean => matrix.level === 0;

/** A line on the screen: from the y of a query to the y of a key. */
export interface Arc {
  from: number;
  to: number;
  ink: Ink;
  dash: readonly number[];
  alpha: number;
  wide: number;
}

/** All lines of which a part is in sight. */
export function arcs({ strands, end, focus, layout, sides, scale, threshold }: Picture): Arc[] {
  const { row, height, top } = layout;
  const least = Math.max(threshold, FAINTEST);
  const found: Arc[] = [];
  const y = (index: number) => (index + 0.5) * row - top;
  /** The token that is looked at stays in sight, at the edge. */
  const edge = (index: number) => clamp(y(index), row / 2, height - row / 2);
  const held: { query?: number; key?: number } =
    end?.direction === "to" ? { key: end.index } : { query: end?.index ?? focus };
  const first = Math.max(0, Math.floor(top / row));
  const last = Math.ceil((top + height) / row);
  const isFirst = (end?.index ?? focus) === 0;
  const widest = row / (strands.length > 1 ? 10 : 6);
  strands.forEach(({ name, ink, place, matrix, line }, index) => {
    const dash = DASHES[place ?? 0]!;
    // Heads side by side, so that one doesn't hide another.
    const aside = (index - (strands.length - 1) / 2) * Math.min(3, row / 10);
    const ofFirst = name.withoutFirst || isFirst ? 1 : FIRST;
    const add = (weight: number, query: number, key: number, share: number) => {
      if (Math.abs(weight) < least) return;
      const strength = opacity(weight, scale);
      const [from, to] = [query === held.query, key === held.key];
      found.push({
        from: (from ? edge(query) : y(query)) + aside,
        to: (to ? edge(key) : y(key)) + aside,
        ink,
        dash,
        alpha: strength * share * (key === 0 ? ofFirst : 1),
        wide: THINNEST + (widest - THINNEST) * strength,
      });
    };
    if (end && line) {
      const stop = Math.min(last, line.weights.length);
      for (let other = first; other < stop; other++) {
        const weight = line.weights[other]!;
        if (end.direction === "from") add(weight, end.index, other, 1);
        else add(weight, other, end.index, 1);
      }
    } else if (!end && matrix) {
      const keys = sides.keys.length;
      for (let query = 0; query < sides.queries.length; query++) {
        const isInSight = query >= first && query < last;
        const [from, to] = isInSight ? [0, keys] : [first, Math.min(last, keys)];
        const share = query === focus ? 1 : isInSight ? ASIDE : ASIDE * PASSING;
        for (let key = from; key < to; key++)
          add(matrix.cells.data[query * keys + key]!, query, key, share);
      }
    }
  });
  // The strongest are on top.
  return found.sort((a, b) => a.alpha - b.alpha);
}

export function paintArcs(canvas: HTMLCanvasElement, picture: Picture): void {
  const { layout, end, strands } = picture;
  const { width, height, label } = layout;
  const context = prepare(canvas, width, height);
  for (const { x, y, width: across, height: down, ink, alpha } of end ? stripesOf(picture) : []) {
    context.fillStyle = rgb(ink, alpha);
    context.fillRect(x, y, across, down);
  }
  const [left, right, middle] = [label, width - label, width / 2];
  const over = strands.length > 1 ? 0.8 : 1;
  for (const { ink, dash, alpha, wide, from, to } of arcs(picture)) {
    context.lineWidth = wide;
    context.setLineDash([...dash]);
    context.strokeStyle = rgb(ink, alpha * over);
    context.beginPath();
    context.moveTo(left, from);
    context.bezierCurveTo(middle, from, middle, to, right, to);
    context.stroke();
  }
  drawnBy(canvas, () => {
    const stripes = end ? stripesOf(picture) : [];
    return [
      ...stripes.map(({ x, y, width, height, ink, alpha }) =>
        filled(x, y, width, height, ink, alpha),
      ),
      ...arcs(picture).map(
        ({ ink, dash, alpha, wide, from, to }) =>
          `<path d="M${left} ${from}C${middle} ${from} ${middle} ${to} ${right} ${to}" fill="none" stroke="rgb(${ink.join()})" stroke-opacity="${(alpha * over).toFixed(3)}" stroke-width="${wide.toFixed(2)}"${dash.length > 0 ? ` stroke-dasharray="${dash.join(" ")}"` : ""}/>`,
      ),
    ].join("");
  });
}

/** Shades of the tokens at the other end: a stripe for each head. */
function stripesOf({ strands, end, layout, scale, threshold }: Picture) {
  const { width, row, label, top, height } = layout;
  const left = end!.direction === "from" ? width - label : 0;
  const stripe = label / Math.max(1, strands.length);
  const first = Math.max(0, Math.floor(top / row));
  return strands.flatMap(({ ink, line }, index) => {
    const last = Math.min(line?.weights.length ?? 0, Math.ceil((top + height) / row));
    return Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i)
      .filter((token) => Math.abs(line!.weights[token]!) >= threshold)
      .map((token) => ({
        x: left + index * stripe,
        y: token * row - top + 1,
        width: stripe,
        height: row - 2,
        ink,
        alpha: 0.62 * opacity(line!.weights[token]!, scale),
      }));
  });
}
