/** What the text beside the one on screen says of the next token: without edits, or the other of two. */

import { useMemo } from "preact/hooks";
import { type Outcome, probOf, sample } from "../../sampling/sampling";
import { type Beside, besideOf } from "../../store/sides";
import type { NextToken as Next } from "../../store/state";
import type { Store } from "../../store/store";
import { compare } from "#words/compare";
import { nextToken } from "#words/next-token";

const edits = nextToken.untouched;

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

/** Those of the text without edits, or of the other of two. */
export const wordsOf = ({ comparing }: Store): BesideWords =>
  comparing ? compare.next.beside[comparing.side.value === "b" ? "a" : "b"] : edits;

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

/** Two distributions over one vocabulary, whole: also sixty times a second. */
export function apart(
  [a, outcomeA]: readonly [Next, Outcome],
  [b, outcomeB]: readonly [Next, Outcome],
): Apart {
  const [ofA, ofB] = [a.sorted, b.sorted];
  const count = ofA.order.length;
  let [moved, klAb, klBa] = [0, 0, 0];
  // Tokens that a page doesn't tell apart are counted together: they may be farther apart.
  let [rest, others] = [0, 0];
  const gained = new Most();
  const lost = new Most();
  const add = (p: number, q: number) => {
    moved += Math.abs(p - q);
    const bits = Math.log2(p / q);
    if (p > 0) klAb += p * bits;
    if (q > 0) klBa -= q * bits;
  };
  const compare = (id: number, here: number, there: number) => {
    const [p, q] = [probOf(outcomeA, here), probOf(outcomeB, there)];
    if (here >= a.known || there >= b.known) {
      rest += p;
      others += q;
    } else if (p !== q) {
      add(p, q);
      (p > q ? gained : lost).offer(id, Math.abs(p - q));
    }
  };
  // Only what a distribution keeps; and of the second, what the first cut.
  const [startA, startB] = [outcomeA.first, outcomeB.first];
  const [endA, endB] = [startA + outcomeA.kept, startB + outcomeB.kept];
  for (let here = startA; here < endA; here++) {
    const id = ofA.order[here]!;
    compare(id, here, ofB.rank[id]!);
  }
  for (let there = startB; there < endB; there++) {
    const id = ofB.order[there]!;
    const here = ofA.rank[id]!;
    if (here < startA || here >= endA) compare(id, here, there);
  }
  const isAll = a.known === count && b.known === count;
  if (!isAll) add(rest, others);
  const [up, down] = [Math.max(0, klAb), Math.max(0, klBa)]; // but for rounding
  return { moved: moved / 2, klAb: up, klBa: down, isAll, gained: gained.ids, lost: lost.ids };
}

/** The few tokens that change most. */
class Most {
  readonly ids: number[] = [];
  readonly #sizes: number[] = [];

  offer(id: number, size: number): void {
    const sizes = this.#sizes;
    if (sizes.length === MOST && size <= sizes[MOST - 1]!) return;
    let at = sizes.length;
    while (at > 0 && sizes[at - 1]! < size) at--;
    sizes.splice(at, 0, size);
    this.ids.splice(at, 0, id);
    if (sizes.length > MOST) {
      sizes.pop();
      this.ids.pop();
    }
  }
}
