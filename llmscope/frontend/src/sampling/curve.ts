import type { Sorted } from "./sampling";

export interface Point {
  temperature: number;
  /** Probabilities of the likeliest tokens, by rank. */
  probs: number[];
  /** How many of the likeliest reach the mass. */
  nucleus: number;
}

const STEPS = 40;

/** Softmax of the whole vocabulary at each of several temperatures. */
export function againstTemperature(
  { logits }: Sorted,
  tokens: number,
  mass: number,
  hottest: number,
): Point[] {
  const shown = Math.min(tokens, logits.length);
  const weights = new Float64Array(logits.length);
  return Array.from({ length: STEPS }, (_, step) => {
    const temperature = (hottest * (step + 1)) / STEPS;
    let total = 0;
    for (let i = logits.length - 1; i >= 0; i--) {
      total += weights[i] = Math.exp((logits[i]! - logits[0]!) / temperature);
    }
    let nucleus = 0;
    for (let reached = 0; nucleus < logits.length && reached < mass * total; nucleus++) {
      reached += weights[nucleus]!;
    }
    const probs = Array.from({ length: shown }, (_, rank) => weights[rank]! / total);
    return { temperature, probs, nucleus: Math.max(1, nucleus) };
  });
}
