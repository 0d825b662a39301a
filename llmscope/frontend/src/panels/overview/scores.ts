import type { ScoreName } from "../../protocol/shared";

/** What heads do, as the kernel counts it. */
export const SCORE_TEXTS: Record<ScoreName, { title: string; text: string }> = {
  previous: { title: "previous token", text: "mean weight on the token just before" },
  first: { title: "first token", text: "mean weight on the first token, the usual sink" },
  self: { title: "same token", text: "mean weight on the token itself" },
  induction: {
    title: "repeats (induction)",
    text: "mean weight on what followed the same token before",
  },
  local: { title: "nearby", text: "mean weight on the five tokens before" },
  entropy: { title: "spread out", text: "entropy of the weights, as a share of the maximum" },
};
