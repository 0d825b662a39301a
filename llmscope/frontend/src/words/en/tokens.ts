/** The text, and its line of explanation. */
export const tokens = {
  type: "Type a text…",
  encoder: "Encoder",
  sentenceA: "Sentence A",
  sentenceB: "Sentence B",
  typeSentence: "Type a second sentence…",
  addSentence: "+ sentence B",
  removeSentence: "− sentence B",
  follows: "follows A: {share}",
  followsTitle: "Next-sentence probability, by the model's own head for it",

  decoder: "Decoder",
  typeDecoder: "Step, or type the beginning of its text…",
  ended: "The decoder has ended the text",
  stepTitle: "Append the most likely token",
  sample: "Sample",
  sampleTitle: "Append a token sampled with these settings",

  old: "Dashed: not read. What is pale belongs to the text before.",
  empty: "Every panel below follows what you type.",
  token: "“{token}” token {index}, id {id}",
  attention: {
    from: "attention from “{token}” {weight}",
    to: "attention to “{token}” {weight}",
  },
  shade: {
    from: "Shade: attention from “{token}” {whose}.",
    to: "Shade: attention to “{token}” {whose}.",
  },
  /** By edits. */
  change: {
    from: "change of attention from “{token}” {weight}",
    to: "change of attention to “{token}” {weight}",
  },
  shadeOfTwo: {
    from: "Shade: change of attention from “{token}” {whose}.",
    to: "Shade: change of attention to “{token}” {whose}.",
  },
  /** Whose attention it is. */
  whose: {
    head: "in layer {layer}, head {head}",
    rollout: "by rollout to layer {layer}",
    difference: "as the difference of two heads",
    max: "as the maximum of the pinned heads",
    mean: "as the mean of the pinned heads",
  },
  probability: "probability {share}",
  underline: "Underline: probability the model gave each token.",
  accept: "Press → to accept “{token}”.",
  mask: "Click a token to mask it (Alt M).",
  fill: "Pick a token in the list to fill the gap.",
} as const;
