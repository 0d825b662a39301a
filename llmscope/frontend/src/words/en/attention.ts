import { arcs, matrix, steps } from "./names";

/** Attention as a matrix and as arcs. */
export const attention = {
  label: "Attention",
  mode: "How attention is shown",
  modes: { matrix, arcs, steps },
  empty: "Type something to see attention.",

  title: {
    head: "Layer {layer} · Head {head}",
    group: "KV group {group}",
    sides: { encoder: "encoder", cross: "decoder → encoder" },
    arcs: "each in its colour",
    rollout: "through layers 0 to {layer}",
    combined: { one: "of {count} head", other: "of {count} heads" },
    difference: "difference of two heads",
    edits: "difference",
  },

  kind: "Which attention",
  kinds: { self: "decoder", encoder: "encoder", cross: "cross" },
  pin: "Pin head {head}",
  pinTitle: "The same: Shift and click on a map",
  pinLayer: "Pin all of layer {layer}",
  unpin: "Unpin head {head}",
  unpinAll: "Unpin all",
  /** Heads whose arcs are hidden, too. */
  showAll: "Show all",
  chipTitle: "Click: show or hide. Double click or i: show it alone. Delete: unpin.",
  combine: "How pinned heads are combined",
  combined: {
    none: "Single head",
    mean: "Mean",
    max: "Maximum",
    difference: "Difference (A − B)",
    rollout: "Rollout",
  },
  rolloutLacking: "Rollout (takes the model)",
  pinOneFirst: "pin a head first",
  pinTwoFirst: "pin two heads first",
  combineThem: "combine them:",

  threshold: "Threshold: weights below it aren't drawn",
  thresholdTitle: "Drag to hide smaller weights; double click shows all",
  scale: "Colour scale",
  scales: { sqrt: "√ scale", linear: "linear", log: "log" },
  hideFirst: "hide first token",
  hideFirstTitle:
    "Leave out the first token, where heads rest that have nothing to attend to, and renormalise the other weights",
  segment: "Which sentences",
  segments: { all: "All", aa: "A→A", ab: "A→B", ba: "B→A", bb: "B→B" },
  pool: "What a pixel stands for",
  pools: { max: "maximum", mean: "mean" },

  notes: {
    firstInArcs:
      "Arcs from the token in focus are strong, those to the first token paler than their weights.",
    firstInSteps: "The first token is hidden in Matrix and Arcs; Steps include it.",
    withoutFirst: "First token left out; the other weights of each row are renormalised.",
    rollout: "Most of it flows to the first token: hide that to see the rest.",
    pooled: {
      max: "Zoomed out: each pixel is the maximum of {side} × {side} weights.",
      mean: "Zoomed out: each pixel is the mean of {side} × {side} weights.",
    },
    difference: "Edited less untouched. Blue: more weight under the edits; orange: less.",
    edited: {
      arcs: "Arcs are of the edited text; Matrix shows the difference.",
      steps: "Steps are of the edited text; Matrix shows the difference.",
    },
    exact: "Values on hover are exact.",
  },

  matrix: {
    label:
      "Attention matrix. Arrow keys move through queries and keys, Enter pins, plus and minus zoom, Shift and arrow keys pan, 0 shows all.",
    /** Not only a part, larger. */
    showAll: "Show all",
    withoutFirst: "first token left out, renormalised",
    difference: "edited less untouched",
    entropy: "entropy {bits}",
    first: "to the first token {weight}",
    pinned: "pinned",
  },

  arcs: {
    label:
      "Attention as lines from queries, left, to keys, right. Up and down pin a token, left and right change the side, Escape shows all.",
    empty: "Queries on the left, keys on the right.",
    point: "Point at a token, or click to pin it.",
    /** Before the tokens at the other end. */
    most: { from: "{token} looks most at", to: "{token} is looked at most by" },
    beyond: "The strongest is out of sight: scroll to it",
    nothing: "nothing here",
    pinned: "pinned · Esc to release",
  },
} as const;
