import { patching as title } from "./names";

/** The grid of patching. */
export const patching = {
  title,
  about: "the residual stream, from “{text}”",
  empty:
    "Type a second text, below the first: the stream behind each layer is taken from it, token by token.",
  noText: "Type a text.",
  grid: "Effect of patching by layer and token. {cell}. Arrow keys walk, Enter patches the cell.",
  layer: "layer",

  token: "Token that the logit is of",
  foil: "Token that it is held against",
  tokenOption: "“{token}”",
  foilOption: "against “{token}”",

  reading: "Running both texts…",
  soFar: "{known} of {all} layers",
  stop: "stop",
  goOn: "go on",
  stopped: "Stopped: {known} of {all} layers are known.",

  cell: "Layer {layer}, token {at} “{token}”",
  cellOther: "Layer {layer}, token {at} “{token}” | “{other}”",
  told: "{cell}:",
  share: "{share} of the way",
  unknown: "not known yet",
  difference: "Logit of “{token}” less that of “{foil}”:",
  numbers: "{here} here, {patched} patched, {there} in the second text.",
  ends: "{here} here, {there} in the second text.",
  same: "The two texts hardly differ in this, so there is no way between them to measure. Choose another token, or another text.",

  legend: "0: as here, 1: as the second text, below 0: away from it.",
  click: "A click patches a cell in all panels.",
} as const;
