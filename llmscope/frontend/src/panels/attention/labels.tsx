import { px } from "../../draw/canvas";
import type { TokenRow } from "../../store/answers";
import { plain } from "../label";

const LONGEST = 12;

/** How one side of a matrix lies on the screen. */
export interface Axis {
  tokens: TokenRow[];
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

/** Which labels of an axis stand at least `apart` pixels from each other; `always` ones first. */
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

export function short(label: string): string {
  const characters = [...plain(label)];
  if (characters.length <= LONGEST) return characters.join("");
  return `${characters.slice(0, LONGEST - 1).join("")}…`;
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
      class="labels"
      style={{ left: px(0), top: px(top) }}
      width={left}
      height={axis.room}
      aria-hidden="true"
    >
      {spaced(axis, 15 * scale, marked).map((index) => (
        <text
          key={index}
          x={left - 8}
          y={axis.start + (index + 0.5) * axis.size}
          text-anchor="end"
          dominant-baseline="central"
          class={marked.includes(index) ? "here" : ""}
        >
          {short(axis.tokens[index]![1])}
        </text>
      ))}
    </svg>
  );
}

export function KeyLabels({ axis, left, top, marked, scale }: LabelProps) {
  return (
    <svg
      class="labels"
      style={{ left: px(left), top: px(0) }}
      width={axis.room}
      height={top}
      aria-hidden="true"
    >
      {spaced(axis, 18 * scale, marked).map((index) => (
        <text
          key={index}
          transform={`translate(${axis.start + (index + 0.5) * axis.size + 3}, ${top - 7}) rotate(-45)`}
          class={marked.includes(index) ? "here" : ""}
        >
          {short(axis.tokens[index]![1])}
        </text>
      ))}
    </svg>
  );
}
