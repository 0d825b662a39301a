import { allHeads } from "./names";

/** All heads at a glance. */
export const overview = {
  title: allHeads,
  subject: "Heads",
  keep: "click to keep",
  preview: "preview {head}: click to keep",
  none: "This model has no attention to show.",
  grid: "Heads by layer. Layer {layer}, head {head}. Arrow keys walk, Space pins.",
  reading: "{read} of {all} layers read…",
  sampled: "Drawn from {count} evenly spaced query tokens.",

  mark: "Highlight heads by what they attend to",
  markNone: "highlight heads…",
  sort: "sort",
  sorted: "strongest first",
  explained: "{title}: {text}.",
  /** What heads do, as the kernel counts it. */
  scores: {
    previous: { title: "previous token", text: "mean weight on the token just before" },
    first: { title: "first token", text: "mean weight on the first token, the usual sink" },
    self: { title: "same token", text: "mean weight on the token itself" },
    induction: {
      title: "repeats (induction)",
      text: "mean weight on what followed the same token before",
    },
    local: { title: "nearby", text: "mean weight on the five tokens before" },
    entropy: { title: "spread out", text: "entropy of the weights, as a share of the maximum" },
  },
} as const;
