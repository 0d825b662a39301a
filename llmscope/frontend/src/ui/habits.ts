/** What heads are called by: the habit that has most of their weight. */

import { type Ink, mixed } from "../draw/color-scale";
import { INK } from "../host/colors";
import type { Theme } from "../host/theme";
import type { HeadsAnswer } from "../protocol/over-steps";
import { SCORES, type ScoreName } from "../protocol/shared";

/** Share of the weight below which no habit is one: such a head is spread out. */
export const LEAST_HABIT = 0.25;
const GREY = 0.5;
/** Which of the colours of heads is whose; a head without a habit is grey. */
const COLOR: Record<Exclude<ScoreName, "entropy">, number> = {
  previous: 0,
  first: 4,
  self: 2,
  induction: 1,
  local: 5,
};

export function habitInk(theme: Theme, habit: ScoreName): Ink {
  const { heads, ground, text } = INK[theme];
  return habit === "entropy" ? mixed(ground, text, GREY) : heads[COLOR[habit]]!;
}

/** A score of a head at a step, by its index; NaN where it has none. */
export function scoreAt(
  { scores }: HeadsAnswer,
  step: number,
  score: ScoreName,
  layer: number,
  head: number,
): number {
  const [, count, layers, heads] = scores.shape as [number, number, number, number];
  if (layer >= layers || head >= heads) return NaN;
  const row = (step * count + SCORES.indexOf(score)) * layers + layer;
  return scores.data[row * heads + head] ?? NaN;
}

/**
 * The habit that has most of a head's weight at a step; `null` where nothing is known of it.
 * Nearby tokens but the one just before count as nearby.
 */
export function habitAt(
  answer: HeadsAnswer,
  step: number,
  layer: number,
  head: number,
): ScoreName | null {
  const of = (score: ScoreName) => scoreAt(answer, step, score, layer, head);
  const previous = of("previous");
  const shares: [ScoreName, number][] = [
    ["previous", previous],
    ["first", of("first")],
    ["self", of("self")],
    ["induction", of("induction")],
    ["local", of("local") - (Number.isNaN(previous) ? 0 : previous)],
  ];
  const known = shares.filter(([, share]) => !Number.isNaN(share));
  if (known.length === 0) return Number.isNaN(of("entropy")) ? null : "entropy";
  const [habit, most] = known.reduce((a, b) => (b[1] > a[1] ? b : a));
  return most >= LEAST_HABIT ? habit : "entropy";
}

/** Of a head at the last step that is kept. */
export const becameOf = (answer: HeadsAnswer, layer: number, head: number): ScoreName | null =>
  habitAt(answer, answer.steps.data.length - 1, layer, head);
