import type { LensTraits, Reading } from "../../store/lens";

interface Measure {
  name: string;
  /** What the shades of cells mean. */
  words: (bits: string) => string;
  /** How dark a cell is, where as many bits tell all tokens apart. */
  shade: (reading: Reading, bits: number) => number;
}

export const MEASURES: Record<LensTraits["lens"], Measure> = {
  probability: {
    name: "Probability",
    words: () => "probability of the token shown, up to 100 %",
    shade: ({ top }) => top[0]!.prob,
  },
  entropy: {
    name: "Entropy",
    words: (bits) => `entropy, up to ${bits} bits`,
    shade: ({ entropy }, bits) => entropy / bits,
  },
  rank: {
    name: "Rank",
    words: () => "rank of the true token, by its logarithm; the darkest is the first",
    shade: ({ rank }, bits) => (rank < 0 ? 0 : 1 - Math.log2(1 + rank) / bits),
  },
  divergence: {
    name: "KL",
    words: (bits) => `KL divergence of the answer from the layer, up to ${bits} bits and more`,
    shade: ({ divergence }, bits) => Math.min(1, divergence / bits),
  },
};
