/** What was logged while a model learned: points to draw, and readings at a step. */

import type { Tensor } from "../../protocol/arrays";
import type { TrainingAnswer, TrainingRun } from "../../protocol/training";

export type Point = readonly [step: number, value: number];

/** A series of one run that is drawn. */
export interface Series {
  run: number;
  what: "loss" | "eval_loss";
  /** In order of steps; a value that is NaN breaks the line. */
  points: readonly Point[];
}

/** The losses of all runs; of what was measured now and then, only where it was. */
export function seriesOf({ runs }: TrainingAnswer): Series[] {
  return runs.flatMap(({ log }, run) => {
    const loss = pointsOf(log.step, log.loss);
    const measured = pointsOf(log.step, log.eval_loss).filter(([, value]) => !Number.isNaN(value));
    return [
      ...(loss.some(([, value]) => Number.isFinite(value))
        ? [{ run, what: "loss" as const, points: withoutHoles(log, loss) }]
        : []),
      ...(measured.length > 0 ? [{ run, what: "eval_loss" as const, points: measured }] : []),
    ];
  });
}

const pointsOf = (steps: Tensor | undefined, values: Tensor | undefined): Point[] =>
  steps && values ? Array.from(steps.data, (step, at) => [step, values.data[at]!] as const) : [];

/**
 * Steps at which only something else was logged, such as an evaluation, are no gap in the loss: one is
 * where a loss was logged that is no number.
 */
function withoutHoles({ eval_loss, grad_norm, learning_rate }: TrainingRun["log"], loss: Point[]) {
  const wasOf = (at: number) =>
    [grad_norm, learning_rate].some((one) => one && !Number.isNaN(one.data[at]!)) ||
    Number.isNaN(eval_loss?.data[at] ?? NaN);
  return loss.filter(([, value], at) => !Number.isNaN(value) || wasOf(at));
}

/** As many points as columns of pixels need: of each the first, the least, the greatest and the last. */
export function thinned(points: readonly Point[], placeOf: (step: number) => number): Point[] {
  const found: Point[] = [];
  let column: Point[] = [];
  const close = () => {
    const finite = column.filter(([, value]) => !Number.isNaN(value));
    if (finite.length <= 3 || finite.length < column.length) return void found.push(...column);
    const least = finite.reduce((one, other) => (other[1] < one[1] ? other : one));
    const most = finite.reduce((one, other) => (other[1] > one[1] ? other : one));
    const kept = new Set([finite[0]!, least, most, finite.at(-1)!]);
    found.push(...column.filter((one) => kept.has(one)));
  };
  let last = NaN;
  for (const point of points) {
    const at = Math.round(placeOf(point[0]));
    if (at !== last) {
      close();
      column = [];
      last = at;
    }
    column.push(point);
  }
  close();
  return found;
}

export interface Logged {
  value: number;
  /** The step at which it was logged: the one that was asked about, or the last before it. */
  at: number;
}

/** What was logged at a step, or last before it; `null` before the first. */
export function loggedAt({ log }: TrainingRun, name: string, step: number): Logged | null {
  const { step: steps, [name]: values } = log;
  if (!steps || !values) return null;
  let found: Logged | null = null;
  for (let at = 0; at < steps.data.length && steps.data[at]! <= step; at++)
    if (!Number.isNaN(values.data[at]!) || steps.data[at] === step)
      found = { value: values.data[at]!, at: steps.data[at]! };
  return found;
}

/** How many steps are made. */
export const doneOf = ({ log, steps }: TrainingRun): number =>
  Math.max(log.step?.data.at(-1) ?? 0, steps.data.at(-1) ?? 0);

const RECENT = 20; // logged steps, by which it is told how long the others will take

/** Seconds to the end, as long as the steps before took; `null` while nobody knows. */
export function secondsLeft(run: TrainingRun): number | null {
  const { step, seconds } = run.log;
  const last = (step?.data.length ?? 0) - 1;
  if (run.total === null || run.state !== "training" || !seconds || last < 1) return null;
  const before = Math.max(0, last - RECENT);
  const each =
    (seconds.data[last]! - seconds.data[before]!) / (step.data[last]! - step.data[before]!);
  const left = each * (run.total - doneOf(run));
  return Number.isFinite(left) && left > 0 ? left : null;
}

/** The span of what is drawn: of values that are numbers, and for a logarithm above 0. */
export function spanOf(series: readonly Series[], isLog: boolean): readonly [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const { points } of series)
    for (const [, value] of points)
      if (Number.isFinite(value) && (!isLog || value > 0)) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
  if (low > high) return isLog ? [0.1, 1] : [0, 1];
  if (isLog) return low === high ? [low / 2, high * 2] : [low / 1.05, high * 1.05];
  const room = (high - low) * 0.05 || Math.abs(high) / 2 || 1;
  // Losses that reach near 0 are shown down to it.
  return [low > 0 && low < 0.25 * high ? 0 : low - room, high + room];
}

/** Round numbers of a logarithmic axis: powers of ten, with 2 and 5 where there are few. */
export function logTicks([low, high]: readonly [number, number]): number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const digits = last - first > 3 ? [1] : [1, 2, 5];
  const found: number[] = [];
  for (let power = first; power <= last; power++)
    for (const digit of digits) {
      // Powers below 1 are rounded once, as they are written.
      const tick = Number(`${digit}e${power}`);
      if (tick >= low && tick <= high) found.push(tick);
    }
  return found;
}
