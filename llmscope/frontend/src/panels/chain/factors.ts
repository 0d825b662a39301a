import type { ChainAnswer, Trace } from "../../protocol/answers";
import type { Side } from "../../store/store";

/** One token of a text, as a factor of the text's probability. */
export interface Factor {
  index: number;
  label: string;
  /** Given the tokens before it; `null` for the first, before which there is nothing. */
  logprob: number | null;
  /** The sum of the log-probabilities up to it, in nats. */
  product: number;
}

export interface Factors {
  side: Side;
  tokens: Factor[];
  /** How many have a probability. */
  count: number;
  /** Log-probability of the text given its first token, in nats. */
  total: number;
}

/** What is negative log-probability in nats, in bits: of a token its surprisal. */
export const toBits = (logprob: number): number => (logprob === 0 ? 0 : -logprob / Math.LN2);

/** The chain rule: p(text) is the product of each token's probability given those before it. */
export function factorsOf(trace: Trace, { logprobs }: ChainAnswer): Factors {
  const side: Side = trace.target.length > 0 ? "target" : "tokens";
  let total = 0;
  let count = 0;
  const tokens = trace[side].map(({ label }, index) => {
    const value = logprobs.data[index] ?? NaN;
    const logprob = Number.isNaN(value) ? null : value;
    if (logprob !== null) count++;
    total += logprob ?? 0;
    return { index, label, logprob, product: total };
  });
  return { side, tokens, count, total };
}
