import type { Measure } from "../../protocol/shared";
import type { CellPrediction } from "../../store/lens";

interface Shading {
  name: string;
  /** What the shades of cells mean. */
  words: string;
  /** How dark a cell is, from 0 to 1; `bits` is the entropy of a uniform distribution. */
  shade: (reading: CellPrediction, bits: number) => number;
}

export const SHADINGS: Record<Measure, Shading> = {
  probability: {
    name: "Probability",
    words: "probability of the token shown",
    shade: ({ top }) => top[0]!.prob,
  },
  entropy: {
    name: "Entropy",
    words: "entropy, darkest where all tokens are equally likely",
    shade: ({ entropy }, bits) => entropy / bits,
  },
  rank: {
    name: "Rank",
    words: "rank of the next token in the text, darkest where it is first; logarithmic",
    shade: ({ rank }, bits) => (rank < 0 ? 0 : 1 - Math.log2(1 + rank) / bits),
  },
  divergence: {
    name: "KL",
    words: "KL divergence to the final prediction, in bits",
    shade: ({ divergence }, bits) => divergence / bits,
  },
};
