import * as names from "./names";

/** The next token over the steps of a training. */
export const stream = {
  title: names.stream,
  subject: "Stream",
  about: "after “{token}”",
  none: "This model predicts no next token here.",
  restOf: "the rest of the vocabulary",
  plot: "The next token over steps as ribbons, as wide as each is likely. Left and right walk the steps, up and down the tokens, Enter chooses the step.",
  /** Of a token at a step. */
  at: "{token} {share} at step {step}",
  rank: { one: "the likeliest", other: "number {count}" },
  entropy: "entropy {bits}",
  beyond: "{token} is not among the tokens that are kept exactly at step {step}",
  restAt: "{share} for all other tokens at step {step}",
  axis: "How steps are spaced",
  axes: { linear: "linear", log: "log" },
  legend: "width: probability · the likelier above",
  click: "click to choose a step",
} as const;
