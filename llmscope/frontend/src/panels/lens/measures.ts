import type { Measure } from "../../protocol/shared";
import type { CellPrediction } from "../../store/lens";

/** How dark a cell is, from 0 to 1; `bits` is the entropy of a uniform distribution. */
type Shade = (reading: CellPrediction, bits: number) => number;

export const SHADES: Record<Measure, Shade> = {
  probability: ({ top }) => top[0]!.prob,
  entropy: ({ entropy }, bits) => entropy / bits,
  rank: ({ rank }, bits) => (rank < 0 ? 0 : 1 - Math.log2(1 + rank) / bits),
  divergence: ({ divergence }, bits) => divergence / bits,
};
