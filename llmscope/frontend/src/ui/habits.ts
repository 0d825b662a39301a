/** What heads are called by: the habit that has most of their weight. */

import { type Ink, mixed } from "../draw/color-scale";
import { INK } from "../host/colors";
import type { Theme } from "../host/theme";
import type { HeadsAnswer } from "../protocol/over-steps";
import { SCORES, type ScoreName } from "../protocol/shared";
import type { Head } from "../store/attention/types";

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

/** What heads do at each step. */
export class HeadScores {
  readonly steps: ArrayLike<number>;
  readonly last: number;
  readonly #rows: ReadonlyMap<number, number>;
  readonly #became = new Map<string, ScoreName | null>();

  /**
   * @param layers numbers of those that have scores, in the order of these
   */
  constructor(
    private readonly answer: HeadsAnswer,
    layers: readonly number[],
  ) {
    this.steps = answer.steps.data;
    this.last = this.steps.length - 1;
    this.#rows = new Map(layers.map((layer, row) => [layer, row]));
  }

  /** A score of a head at a step, by its index; NaN where it has none. */
  at(step: number, score: ScoreName, { layer, head }: Head): number {
    const { data, shape } = this.answer.scores;
    const [, count, layers, heads] = shape as [number, number, number, number];
    const row = this.#rows.get(layer);
    if (row === undefined || row >= layers || head >= heads) return NaN;
    return data[((step * count + SCORES.indexOf(score)) * layers + row) * heads + head] ?? NaN;
  }

  /**
   * The habit that has most of a head's weight at the end; `null` where nothing is known of it. Nearby
   * tokens but the one just before count as nearby.
   */
  became(head: Head): ScoreName | null {
    const key = `${head.layer}.${head.head}`;
    const known = this.#became.get(key);
    if (known !== undefined) return known;
    const found = this.#habit(head);
    this.#became.set(key, found);
    return found;
  }

  #habit(head: Head): ScoreName | null {
    const of = (score: ScoreName) => this.at(this.last, score, head);
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
}
