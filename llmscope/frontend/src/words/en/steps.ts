import * as names from "./names";

/** Attention, step by step. */
export const steps = {
  title: names.steps,
  reading: "Reading the head…",
  label:
    "Attention step by step. Left and right go through the steps, up and down through the keys, Space plays.",
  back: "Back",
  next: "Next",

  titles: {
    score: "q · k",
    scale: "scale",
    softcap: "soft cap",
    mask: "mask",
    softmax: "softmax",
    output: "values",
    concat: "concat",
    project: "× W_O",
  },
  score:
    "Dot product of the token's query with the key of each token it can see: {count} products, summed.",
  scale: "Divide by √{size} (c = {scale}), so scores don't grow with the head size.",
  ownScale: "Multiply by c = {scale}, this model's own scale.",
  softcap: "Scores are kept between −γ and γ = {cap}.",
  mask: {
    one: "{count} token is hidden: −∞ is added to its score.",
    other: "{count} tokens are hidden: −∞ is added to their scores.",
  },
  noMask: "This token can see every token: nothing is hidden.",
  bias: "The model adds a bias for position to the others.",
  softmax: "Softmax turns scores into weights that add up to 1.",
  sink: "Softmax with a sink, z = {sink}, that takes a share: the weights add up to less than 1.",
  output: "The value of each token times its weight, summed: this head's output.",
  concat: "The outputs of all {count} heads side by side; this one is framed.",
  project: "Multiply by W_O ({name}) and add to the residual stream.",
  noProjection:
    "This model's output projection could not be located, so the step is not shown: this is the output of the attention module.",

  key: "key",
  /** Of what is known of each key after a step. */
  columns: {
    score: "q·k",
    scale: "scaled",
    softcap: "capped",
    mask: "mask",
    softmax: "weight",
    output: "value",
  },
  hidesNothing: "nothing hidden",
  /** What the colours of a vector's numbers mean. */
  signs: { above: "above zero", below: "below zero", depth: "the stronger, the further from it" },
  valueOf: "value of {token}",
  others: { one: "{count} other", other: "{count} others" },
  hidden: "{count} hidden",

  thisHead: "this head",
  allHeads: "all heads",
  fromThisHead: "from this head",
  module: "module",
} as const;
