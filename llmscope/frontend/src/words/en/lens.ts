import * as names from "./names";

/** The logit lens. */
export const lens = {
  subject: names.lens,
  title: "Logit lens",
  about: "the model's prediction if it stopped at this layer",
  /** Where layers share rows. */
  folded: "{count} layers a row; ↑ ↓ go through all",
  fold: "Layers {first} to {last}: click for the next one",
  empty: "Type something to see the lens.",
  reading: "Reading layers…",
  table: "Layers by tokens. Arrow keys move the focus.",
  /** On paper, of a long text. */
  part: "Tokens {first} to {last} of {count}.",
  layer: "layer",
  embeddings: "emb.",

  measure: "What cells are shaded by",
  measures: { probability: "Probability", entropy: "Entropy", rank: "Rank", divergence: "KL" },
  shades: {
    probability: "Shade: probability of the token shown",
    entropy: "Shade: entropy, darkest where all tokens are equally likely",
    rank: "Shade: rank of the next token in the text, darkest where it is first; logarithmic",
    divergence: "Shade: KL divergence to the final prediction, in bits",
  },
  stream: "What is read of a layer",
  streams: { block: "Layer", attention: "Attention half", mlp: "MLP half" },

  /** Of a position. */
  at: "at “{token}”",
  cell: {
    embeddings: "Embeddings",
    block: "Layer {layer}",
    attention: "Attention of layer {layer}",
    mlp: "MLP of layer {layer}",
  },
  facts: {
    next: "next token in text",
    rank: "rank",
    probability: "probability",
    entropy: "entropy",
    divergence: "KL to final prediction",
  },
  /** Of a text under edits and without them. */
  difference: {
    about: "how far edits move the prediction at this layer",
    edited: "edited",
    untouched: "untouched",
    divergence: "divergence",
    parting: "likeliest part at",
    never: "no layer",
    shade:
      "Shade: Jensen-Shannon divergence of edited and untouched, √ scale. Cells name the edited token, in bold where the untouched one is another",
  },
  masked: "hidden by the mask",
  none: "none (end)",
} as const;
