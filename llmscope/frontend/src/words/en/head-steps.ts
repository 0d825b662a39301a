import * as names from "./names";

/** One head over the steps of a training. */
export const headSteps = {
  title: names.headSteps,
  subject: "One head",
  head: "layer {layer} · head {head}",
  none: "No attention of this head is kept.",
  plot: "The attention of layer {layer}, head {head} over steps. Left and right walk the steps, up and down those that are pictured.",
  /** Of a score at a step. */
  reading: "step {step}: {score} {value}",
  unknown: "step {step}: no score",
  shown: {
    one: "pictures: {count} of {all} kept step",
    other: "pictures: {count} of {all} kept steps",
  },
  line: "line: {score}, what the head ended with; pale: its other scores",
} as const;
