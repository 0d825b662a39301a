import type { StepsAxis } from "../store/steps-axis";
import { count } from "./format";
import { linearScale, logScale, ticks } from "./scale";

const APART = { digit: 7.5, between: 16 }; // pixels of a number on the axis

/** Where steps are, from left to right; one alone is in the middle. */
export interface StepsScale {
  (step: number): number;
  /** The index of the nearest step to a place. */
  nearest(place: number): number;
  /** Where the step of an index is. */
  at: readonly number[];
}

export function stepsScale(
  steps: ArrayLike<number>,
  axis: StepsAxis,
  [left, right]: readonly [number, number],
): StepsScale {
  const [first, last] = [steps[0] ?? 0, steps[steps.length - 1] ?? 0];
  const places = [left, right] as const;
  // One more, so that step 0 has a place by ratio.
  const scale =
    axis === "log"
      ? logScale([first + 1, last + 1], places)
      : linearScale([first + 1, last + 1], places);
  const place = (step: number) => (first === last ? (left + right) / 2 : scale(step + 1));
  const at = Array.from(steps, place);
  return Object.assign(place, { at, nearest: (x: number) => nearestTo(at, x) });
}

/** The index of the number, of those in order, that is nearest to one; 0 without any. */
export function nearestTo(sorted: ArrayLike<number>, value: number): number {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  const isBelow = low > 0 && value - sorted[low - 1]! <= sorted[low]! - value;
  return isBelow ? low - 1 : Math.max(0, low);
}

/** Round steps with room for their numbers, as many as there is room for. */
export function stepTicks(
  steps: ArrayLike<number>,
  axis: StepsAxis,
  scale: StepsScale,
  em: number,
): number[] {
  if (steps.length === 0) return [];
  const [first, last] = [steps[0]!, steps[steps.length - 1]!];
  const wide = (step: number) => (count(step).length * APART.digit + APART.between) * em;
  const width = scale.at.at(-1)! - scale.at[0]!;
  const most = Math.max(2, Math.floor(width / (wide(last) * 1.4)));
  const round =
    axis === "log" || first === last
      ? powers(last)
      : ticks(first, last, most).filter(Number.isInteger);
  const taken: number[] = [];
  for (const step of [...(steps.length === 1 || axis === "log" ? [first] : []), ...round]) {
    if (step < first || step > last) continue;
    const isFree = taken.every(
      (other) => Math.abs(scale(other) - scale(step)) >= (wide(other) + wide(step)) / 2,
    );
    if (isFree) taken.push(step);
  }
  return taken.sort((a, b) => a - b);
}

/** Powers of ten, then what is between them, the coarse first. */
function powers(last: number): number[] {
  const tens = Array.from({ length: 10 }, (_, digits) => 10 ** digits).filter((one) => one <= last);
  return [0, ...tens.reverse(), ...tens.map((one) => 5 * one), ...tens.map((one) => 2 * one)];
}

interface AxisProps {
  steps: ArrayLike<number>;
  axis: StepsAxis;
  scale: StepsScale;
  /** Where what is drawn begins and ends, in pixels. */
  top: number;
  bottom: number;
  em: number;
}

/** Numbers of steps below what is drawn, each with a line through it. */
export function StepsAxisBelow({ steps, axis, scale, top, bottom, em }: AxisProps) {
  return (
    <g class="steps-axis">
      {stepTicks(steps, axis, scale, em).map((step) => (
        <g key={step}>
          <path d={`M${scale(step)} ${top}V${bottom + 4 * em}`} />
          <text x={scale(step)} y={bottom + 17 * em} style={{ textAnchor: "middle" }}>
            {count(step)}
          </text>
        </g>
      ))}
    </g>
  );
}
