import type { Outcome } from "./sampling";

/** The rank at `u` of the cumulative probability, likeliest first; as `Distribution.pick`. */
export function pick({ probs, first, kept }: Outcome, u: number): number {
  let reached = 0;
  for (let rank = first; rank < first + kept; rank++) {
    reached += probs[rank]!;
    if (u < reached) return rank;
  }
  return first + kept - 1;
}

/** How often each rank is picked by random numbers in rising order. */
export function tally(
  { vocabulary, probs, first, kept }: Outcome,
  rising: Float64Array,
): Uint32Array {
  const counts = new Uint32Array(vocabulary);
  let rank = first;
  let reached = probs[rank]!;
  for (const u of rising) {
    while (u >= reached && rank < first + kept - 1) reached += probs[++rank]!;
    counts[rank]!++;
  }
  return counts;
}
