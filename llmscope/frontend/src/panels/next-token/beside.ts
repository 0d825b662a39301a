/** What the text beside the one on screen says of the next token: without edits, or the other of two. */

import { useMemo } from "preact/hooks";
import { type Outcome, probOf, sample } from "../../sampling/sampling";
import { type Beside, besideOf } from "../../store/sides";
import type { NextToken as Next } from "../../store/state";
import type { Store } from "../../store/store";
import { compare } from "#words/compare";
import { nextToken } from "#words/next-token";
import { training as trainingWords } from "#words/training";

const edits = nextToken.untouched;
const ofSteps = trainingWords.difference.next;

/** A distribution beside the one on screen, after the same sampling settings. */
export interface BesideOutcome {
  next: Beside;
  outcome: Outcome;
  /** How likely a token is there, by its rank here; `null` where the two know other tokens. */
  probOf: ((place: number) => number) | null;
}

export function useBeside({ sides, settings }: Store, next: Next): BesideOutcome | null {
  const beside = besideOf(sides, next);
  const of = settings.value;
  const outcome = useMemo(() => beside && sample(beside.sorted, of), [beside?.sorted, of]);
  if (!beside || !outcome) return null;
  const { rank } = beside.sorted;
  const prob = (place: number) => probOf(outcome, rank[next.sorted.order[place]!]!);
  return { next: beside, outcome, probOf: sides.sharesVocabulary.value ? prob : null };
}

/** What the other text is called. */
export type BesideWords = Record<keyof typeof edits, string>;

/** Those of the text without edits, of the other of two texts, or of the other of two steps. */
export const wordsOf = ({ comparing, training }: Store): BesideWords =>
  training
    ? training.side.value === "untouched"
      ? ofSteps.shown
      : ofSteps.held
    : comparing
      ? compare.next.beside[comparing.side.value === "b" ? "a" : "b"]
      : edits;

/** Those of two, side by side. */
export const wordsOfTwo = ({ sides }: Store) =>
  sides.of === "steps" ? ofSteps : { ...compare.next, sides: compare.sides };

/** How far two distributions are apart; where not every token is told apart, at least. */
export interface Apart {
  /** Half the sum of all changes. */
  moved: number;
  /** Kullback-Leibler divergences in bits, of the first from the second and back. */
  klAb: number;
  klBa: number;
  isAll: boolean;
  /** Token ids: more likely in the first, those that gain most first; and in the second. */
  gained: number[];
  lost: number[];
}

const MOST = 3; // tokens that gained and lost

/**
 * Two distributions over one vocabulary, whole: also sixty times a second, so that nothing is called or
 * made for a token that is none of the few.
 */
export function apart(
  [a, outcomeA]: readonly [Next, Outcome],
  [b, outcomeB]: readonly [Next, Outcome],
  temperature: number,
): Apart {
  const { order: orderA, rank: rankA } = a.sorted;
  const { order: orderB, rank: rankB } = b.sorted;
  const { probs: probsA, first: startA } = outcomeA;
  const { probs: probsB, first: startB } = outcomeB;
  const [endA, endB] = [startA + outcomeA.kept, startB + outcomeB.kept];
  // Bits of p / q = exp(l / T) / Z: of the first two, and for any others of how far logits are from these.
  const { logits: logitsA } = a.sorted;
  const { logits: logitsB } = b.sorted;
  const between = Math.log2(probsA[startA]! / probsB[startB]!);
  const [fromA, fromB] = [logitsA[startA]!, logitsB[startB]!];
  const each = temperature > 0 ? Math.LOG2E / temperature : 0;
  const [knownA, knownB] = [a.known, b.known];
  let [moved, klAb, klBa] = [0, 0, 0];
  // Tokens that a page doesn't tell apart are counted together: they may be farther apart.
  let [rest, others] = [0, 0];
  const gained = new Most();
  const lost = new Most();
  // Only what a distribution keeps; and of the second, what the first cut.
  for (let here = startA; here < endA; here++) {
    const id = orderA[here]!;
    const there = rankB[id]!;
    const p = probsA[here]!;
    const q = there < endB ? probsB[there]! : 0;
    if (here >= knownA || there >= knownB) {
      rest += p;
      others += q;
    } else if (p !== q) {
      const by = p - q;
      if (q > 0) {
        const bits = between + each * (logitsA[here]! - fromA - (logitsB[there]! - fromB));
        klAb += p * bits;
        klBa -= q * bits;
      } else if (p > 0) klAb = Infinity;
      if (by > 0) {
        moved += by;
        if (by > gained.least) gained.offer(id, by);
      } else {
        moved -= by;
        if (-by > lost.least) lost.offer(id, -by);
      }
    }
  }
  for (let there = startB; there < endB; there++) {
    const id = orderB[there]!;
    const here = rankA[id]!;
    if (here >= startA && here < endA) continue;
    const q = probsB[there]!;
    if (here >= knownA || there >= knownB) {
      others += q;
    } else if (q > 0) {
      moved += q;
      klBa = Infinity;
      if (q > lost.least) lost.offer(id, q);
    }
  }
  const isAll = knownA === orderA.length && knownB === orderB.length;
  if (!isAll) {
    moved += Math.abs(rest - others);
    if (rest > 0) klAb += rest * Math.log2(rest / others);
    if (others > 0) klBa += others * Math.log2(others / rest);
  }
  const [up, down] = [Math.max(0, klAb), Math.max(0, klBa)]; // but for rounding
  return { moved: moved / 2, klAb: up, klBa: down, isAll, gained: gained.ids, lost: lost.ids };
}

/** The few tokens that change most. */
class Most {
  readonly ids: number[] = [];
  /** What a change has to be greater than. */
  least = 0;
  readonly #sizes: number[] = [];

  offer(id: number, size: number): void {
    const sizes = this.#sizes;
    let at = sizes.length;
    while (at > 0 && sizes[at - 1]! < size) at--;
    sizes.splice(at, 0, size);
    this.ids.splice(at, 0, id);
    if (sizes.length > MOST) {
      sizes.pop();
      this.ids.pop();
    }
    if (sizes.length === MOST) this.least = sizes[MOST - 1]!;
  }
}
