import * as names from "./names";

/** The whole model as one picture. */
export const model = {
  title: names.model,
  about: "{parameters} parameters · at “{token}”, token {number} of {count}",
  empty: "Type something to see the model at work.",
  reading: "Reading the model…",
  open: "Show or hide the whole model as one picture",
  picture:
    "The model, from the text to the next token. Up and down choose a block, left and right a token, Enter opens a box, Escape closes it.",

  towers: { self: "Decoder", encoder: "Encoder" },
  /** Of the tower that isn't in focus. */
  folded: "{tokens} → {blocks} → {width} numbers a token",
  foldedTitle: "Show this side in full",
  crossing: { encoder: "read below by cross-attention", self: "reads this by cross-attention" },

  /** What boxes are called, in plain words. */
  kinds: {
    tokens: "Tokens",
    embedding: "Embedding",
    types: "Segment",
    positions: "Positions",
    norm: "Norm",
    scale: "Scale",
    dense: "Linear",
    activation: "Activation",
    heads: "Attention",
    cross: "Cross-attention",
    output: "Mix heads",
    mlp: "MLP",
    moe: "Experts",
    mixer: "Mixer",
    unembedding: "Unembedding",
    softmax: "Softmax",
    unknown: "Module",
  },
  /** What each does, in a sentence. */
  does: {
    tokens: "cuts the text into pieces, each with a number",
    embedding: "one vector for each token of the vocabulary",
    types: "adds a vector that says which sentence a token is in",
    positions: "adds a vector that says where a token is",
    norm: "brings a vector to a common length",
    scale: "multiplies a vector",
    dense: "a matrix",
    activation: "bends each number",
    heads: "each head looks at other tokens and brings something of them here",
    cross: "each head looks at the encoder's tokens and brings something of them here",
    output: "mixes what the heads bring (W_O)",
    mlp: "neurons that read this token's vector and write to it",
    moe: "a router sends each token to a few of many MLPs",
    mixer: "brings something of the tokens before here, without attention",
    unembedding: "a score for each token of the vocabulary, the logits",
    softmax: "turns scores into probabilities that add up to 1",
    unknown: "what this module does isn't told apart",
  },
  /** Ways of mixing tokens without attention. */
  mixers: {
    "state space": "State space",
    recurrent: "Recurrent",
    "linear attention": "Linear attention",
    convolution: "Convolution",
    fourier: "Fourier",
  },
  norms: { rms: "RMS", layer: "layer", other: "" },
  /** How a model knows where a token is. */
  positions: {
    learned: "learned positions",
    sinusoidal: "sine positions",
    rotary: "rotary positions",
    alibi: "ALiBi",
    relative: "relative positions",
    none: "no positions",
    unknown: "positions",
  },
  where: {
    rotary: "queries and keys are turned",
    alibi: "far tokens get a lower score",
    relative: "a score for each distance",
    none: "order is known by the mask alone",
    unknown: "not told apart",
  },

  vocabulary: "{count} known",
  heads: "{heads} heads × {size}",
  groups: "{groups} KV groups",
  window: "looks back {count}",
  neurons: { one: "{count} neuron", other: "{count} neurons" },
  experts: "{chosen} of {count}",
  factor: "× {factor}",
  tied: "the embedding, transposed",
  parameters: "{count} parameters",
  rows: "{count} rows",

  blocks: { one: "{count} block", other: "{count} blocks" },
  block: "Block {layer}",
  /** After the name of a block. */
  of: "of {count}",
  /** A bar of the stack. */
  bar: "Block {layer}, {kind} · length of the stream behind it: {length}",
  stack: "Blocks: the height is the length of the stream behind each",
  stackValue: "block {layer} of {count}, length {length}",
  length: "length {length}",
  stream: "residual stream",
  /** Points of the stream in a block. */
  into: "into the block",
  behind: "after {name}",
  out: "out of the block",
  adds: "adds up to within {error} of the model's own",
  added: "added, length {length}",

  /** Of a vector, under the mouse. */
  number: "number {index} of {count}: {value}",
  vector: "{name}: {count} numbers, length {length}",
  scaleOf: "full colour from ± {most}",
  followedIn: "number {index} of the stream through all blocks",
  legend: "above zero / below zero, the stronger the further",

  close: "Close",
  openBox: "click to open",
  closeBox: "click to close",
  elsewhere: {
    matrix: "click for the weights of a head",
    lens: "click for the lens",
    "next-token": "click for the next token",
  },
  head: "Head {layer}·{head}: show its weights",
  headLength: "length {length}",
  next: "next token",
} as const;
