import * as names from "./names";

/** All heads over many texts. */
export const survey = {
  title: names.survey,
  about: "all heads of {name} over many texts",
  waiting: "Reading the first text…",
  none: "None of the texts could be read.",

  /** How far it is. */
  texts: { one: "{count} text", other: "{count} texts" },
  read: { one: "{count} text read", other: "{count} texts read" },
  soFar: "{done} of {total} texts",
  seconds: { one: "{count} second left", other: "{count} seconds left" },
  minutes: { one: "{count} minute left", other: "{count} minutes left" },
  hours: { one: "{count} hour left", other: "{count} hours left" },
  stopped: "stopped",
  stop: "Stop",
  goOn: "Go on",
  skipped: {
    one: "{count} text was skipped. The first: {why}",
    other: "{count} texts were skipped. The first: {why}",
  },

  /** Each of them. */
  skippedText: "{place} {text}: {why}",

  x: "Across",
  y: "Up",
  /** What the axes can be; those of one text are called as in the map of all heads. */
  scores: {
    distance: { title: "distance", text: "mean distance of query and key, in tokens, by weight" },
    distance_spread: {
      title: "spread of distance",
      text: "standard deviation of that distance within a text, by weight",
    },
    entropy_bits: { title: "entropy, in bits", text: "mean entropy of a query's weights, in bits" },
    punctuation: {
      title: "punctuation",
      text: "mean weight on punctuation, of queries that can see any",
    },
    activity: {
      title: "activity",
      text: "mean of the greatest weight that a query gives to any token but the first",
    },
  },

  /** Of the axis upwards. */
  upwards: "↑ {score}",
  scatter:
    "Heads by {x} and {y}. Layer {layer}, head {head}. Arrow keys walk, Space chooses, Shift with arrow keys draws a frame.",
  value: "{score} {mean} ± {error} ({texts})",
  unknown: "{score} –",
  both: "{x} · {y}.",
  spread:
    "Means over texts ± their standard error; from text to text they vary by {x} and {y} (lines).",
  spreadUnknown: "Means over texts ± their standard error.",
  framed: {
    one: "{count} head in the frame is chosen.",
    other: "{count} heads in the frame are chosen.",
  },
  tooMany: "{count} heads are in the frame: the {most} highest are chosen.",
  frame: "Drag a frame to choose heads; click one to look at it.",
  missing: {
    one: "{count} head has no such score.",
    other: "{count} heads have no such score.",
  },
  firstLayer: "layer 0",

  head: "Head {head}",
  distances: "How far it looks",
  distancesAbout: "weight at each distance, in tokens",
  bar: "{share} of its weight goes {distance}",
  distance: { one: "{count} token far", other: "{count} tokens far" },
  range: "{from} to {to} tokens far",
  pairs: "Tokens it joins",
  pairsAbout: "query → key, by weight in all texts",
  noPairs: "No weight reaches 0.1 between two tokens, the first one aside.",
  examples: "Texts in which it acts",
  kinds: { strongest: "strongest", deciles: "deciles" },
  kindsLabel: "Which texts",
  activity: "activity {value}: open it below",
  tenth: "from the middle of tenth {decile} of 10, activity {value}: open it below",
} as const;
