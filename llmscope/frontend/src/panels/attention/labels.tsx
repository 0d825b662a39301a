import { px } from "../../draw/canvas";
import type { Token } from "../../protocol/answers";
import { plain } from "../../ui/label";

const LONGEST = 12;
const APART = 16; // pixels between labels, at least
const LINE = 15; // pixels of a line of type

/** Where one side of a matrix is on the screen. */
export interface Axis {
  tokens: Token[];
  /** Pixels a token. */
  size: number;
  /** Where the first token begins; below 0 when it is out of sight. */
  start: number;
  /** Pixels in sight. */
  room: number;
}

/** The tokens in sight, the last one excluded. */
export function inSight({ tokens, size, start, room }: Axis): [first: number, last: number] {
  const first = Math.max(0, Math.floor(-start / size));
  return [first, Math.min(tokens.length, Math.ceil((room - start) / size))];
}

/** Labels of an axis that are at least `apart` pixels from each other; `always` ones first. */
export function spaced(axis: Axis, apart: number, always: readonly number[]): number[] {
  const [first, last] = inSight(axis);
  const step = Math.max(1, Math.ceil(apart / axis.size));
  const kept: number[] = [];
  const free = (index: number) => {
    const middle = axis.start + (index + 0.5) * axis.size;
    const apart = (other: number) => Math.abs(other - index) >= step;
    return middle >= 0 && middle <= axis.room && kept.every(apart);
  };
  for (const index of always) if (index >= first && index < last && free(index)) kept.push(index);
  // Multiples of the step, so that labels stay with their tokens while one pans.
  for (let index = Math.ceil(first / step) * step; index < last; index += step)
    if (free(index)) kept.push(index);
  return kept.sort((a, b) => a - b);
}

const pen = () => new OffscreenCanvas(1, 1).getContext("2d")!;
let measuring: OffscreenCanvasRenderingContext2D | undefined;

/** A label that is no wider than `room` pixels. */
export function short(label: string, room: number, scale: number): string {
  const characters = [...plain(label)].slice(0, 2 * LONGEST);
  measuring ??= pen();
  // A little larger than the page's own type, whichever that is.
  measuring.font = `${15 * scale}px system-ui, sans-serif`;
  const fits = (text: string) => measuring!.measureText(text).width <= room;
  if (characters.length <= LONGEST && fits(characters.join(""))) return characters.join("");
  let count = Math.min(LONGEST - 1, characters.length - 1);
  while (count > 1 && !fits(`${characters.slice(0, count).join("")}…`)) count--;
  return `${characters.slice(0, count).join("")}…`;
}

interface LabelProps {
  axis: Axis;
  left: number;
  top: number;
  /** Always shown. */
  marked: readonly number[];
  scale: number;
}

export function QueryLabels({ axis, left, top, marked, scale }: LabelProps) {
  return (
    <svg
      class="labels overlay"
      style={{ left: px(0), top: px(top) }}
      width={left}
      height={axis.room}
      aria-hidden="true"
    >
      {spaced(axis, 16 * scale, marked).map((index) => (
        <text
          key={index}
          x={left - 8}
          y={axis.start + (index + 0.5) * axis.size}
          text-anchor="end"
          dominant-baseline="central"
          class={marked.includes(index) ? "here" : ""}
        >
          {short(axis.tokens[index]!.label, left - 10, scale)}
        </text>
      ))}
    </svg>
  );
}

/** The angle of labels so many pixels from each other: steeper than 45° where their lines would touch. */
const tiltOf = (apart: number, scale: number): number =>
  Math.max(Math.PI / 4, Math.asin(Math.min(1, (LINE * scale) / apart)));

/** How long a label may be: to the upper edge, and to the right edge of the panel. */
function roomAbove(
  axis: Axis,
  index: number,
  top: number,
  beside: number,
  scale: number,
  tilt: number,
): number {
  const right = axis.room + beside - (axis.start + (index + 0.5) * axis.size + 3);
  return Math.min((top - 14 * scale) / Math.sin(tilt), (right - 8 * scale) / Math.cos(tilt));
}

interface KeyLabelProps extends LabelProps {
  /** Pixels that are free beside the axis. */
  right: number;
}

export function KeyLabels({ axis, left, top, right, marked, scale }: KeyLabelProps) {
  const apart = Math.ceil((APART * scale) / axis.size) * axis.size;
  const tilt = tiltOf(apart, scale);
  return (
    <svg
      class="labels overlay"
      style={{ left: px(left), top: px(0) }}
      width={axis.room}
      height={top}
      aria-hidden="true"
    >
      {spaced(axis, APART * scale, marked).map((index) => (
        <text
          key={index}
          transform={`translate(${axis.start + (index + 0.5) * axis.size + 3}, ${top - 7}) rotate(${(-180 / Math.PI) * tilt})`}
          class={marked.includes(index) ? "here" : ""}
        >
          {short(axis.tokens[index]!.label, roomAbove(axis, index, top, right, scale, tilt), scale)}
        </text>
      ))}
    </svg>
  );
}
