/** What heads do, as the kernel counts it; the same order as SCORES in Python. */
export const SCORES = [
  { name: "previous", title: "previous token", text: "mean weight on the token just before" },
  { name: "first", title: "first token", text: "mean weight on the first token, the usual sink" },
  { name: "self", title: "itself", text: "mean weight on the token itself" },
  {
    name: "induction",
    title: "induction",
    text: "mean weight on what followed the same token before",
  },
  { name: "local", title: "local", text: "mean weight on the five tokens before" },
  { name: "entropy", title: "broad", text: "entropy of the weights, as a share of the most" },
] as const;

export type ScoreName = (typeof SCORES)[number]["name"];

export const scoreIndex = (name: ScoreName): number =>
  SCORES.findIndex((score) => score.name === name);
