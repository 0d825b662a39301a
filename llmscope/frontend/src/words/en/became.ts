import * as names from "./names";

/** What all heads became in a training. */
export const became = {
  title: names.became,
  subject: "Became",
  none: "This model has no attention to show.",
  grid: "Heads by layer, coloured by what they became. Layer {layer}, head {head}. Arrow keys walk, Space pins.",
  explained:
    "Colour and letter: the habit with most of a head's weight at the last step (if none has a quarter: spread out). Strength: that score at the step in focus.",
  /** How a habit is marked in a cell. */
  letters: {
    previous: "p",
    first: "f",
    self: "s",
    induction: "r",
    local: "n",
    entropy: "o",
  },
  became: "became: {habit}",
  unknown: "no scores",
  end: "end",
  /** How many became that. */
  heads: "heads",
} as const;
