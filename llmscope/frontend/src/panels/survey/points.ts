/** Where heads are in a scatter, and what is near them. */

import type { SurveyScore } from "../../protocol/shared";
import { type SurveyAnswer, statisticOf } from "./answer";

/** A head at its means; the y axis goes up. */
export interface Point {
  index: number;
  x: number;
  y: number;
}

export interface Frame {
  x: readonly [number, number];
  y: readonly [number, number];
}

/** The heads that have both scores. */
export function pointsOf(answer: SurveyAnswer, x: SurveyScore, y: SurveyScore): Point[] {
  const points = Array.from({ length: answer.heads.shape[0]! }, (_, index) => ({
    index,
    x: statisticOf(answer, x, index).mean,
    y: statisticOf(answer, y, index).mean,
  }));
  return points.filter((one) => !Number.isNaN(one.x) && !Number.isNaN(one.y));
}

const ENDS = [1, 1.5, 2, 3, 4, 5, 6, 8, 10];

/** Where an axis from 0 ends that has room for all values: it seldom changes as they settle. */
export function endOf(values: readonly number[]): number {
  const most = values.reduce((a, b) => Math.max(a, b), 0);
  if (most <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return power * ENDS.find((end) => power * end >= most * 0.999)!;
}

/** Four to six round numbers from 0 to the end of an axis. */
export function ticksOf(end: number): number[] {
  const power = 10 ** Math.floor(Math.log10(end / 3));
  const step = power * [1, 2, 2.5, 5, 10].find((one) => end / (power * one) <= 5.01)!;
  return Array.from({ length: Math.floor(end / step + 1.001) }, (_, n) => n * step);
}

/** The nearest point within a distance, where the axes are as long as this in pixels. */
export function nearest(
  points: readonly Point[],
  at: { x: number; y: number },
  scale: { x: number; y: number },
  within: number,
): Point | null {
  let best: Point | null = null;
  let least = within;
  for (const one of points) {
    const far = Math.hypot((one.x - at.x) * scale.x, (one.y - at.y) * scale.y);
    if (far <= least) [best, least] = [one, far];
  }
  return best;
}

/** The next point in a direction: near, and not far off it. */
export function nextTo(
  points: readonly Point[],
  from: { x: number; y: number },
  [right, up]: readonly [number, number],
  scale: { x: number; y: number },
  self: number,
): Point | null {
  let best: Point | null = null;
  let least = Infinity;
  for (const one of points) {
    if (one.index === self) continue;
    const [x, y] = [(one.x - from.x) * scale.x, (one.y - from.y) * scale.y];
    const along = x * right + y * up;
    const aside = Math.abs(x * up) + Math.abs(y * right);
    if (along <= 0 || aside > 2 * along) continue;
    if (along + 2 * aside < least) [best, least] = [one, along + 2 * aside];
  }
  return best;
}

const isWithin = (value: number, [one, other]: readonly [number, number]): boolean =>
  value >= Math.min(one, other) && value <= Math.max(one, other);

/** The points in a frame, the highest first. */
export const inFrame = (points: readonly Point[], frame: Frame): Point[] =>
  points
    .filter(({ x, y }) => isWithin(x, frame.x) && isWithin(y, frame.y))
    .sort((a, b) => b.y - a.y);
