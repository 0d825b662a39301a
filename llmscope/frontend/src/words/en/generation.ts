/** A text that writes itself. */
export const generation = {
  label: "Generation",
  type: "Type the beginning of a text…",
  play: "▶ Play",
  pause: "❚❚ Pause",
  undoTitle: "Undo last step",
  speed: "Tokens a second",
  fastest: "as fast as possible",
  perSecond: "{count} per second",
  sample: "sample",
  sampleTitle: "Off: greedy, the most likely token each time",
  seed: "seed",
  maxTokens: "max tokens",
  shade: "coloured by",
  shadeTitle: "What tokens are coloured by",
  shades: { probability: "probability", surprisal: "surprisal", rank: "rank" },
  /** The ends of the colours. */
  pale: { probability: "0 %", surprisal: "0 bits", rank: "rank 1" },
  dark: { probability: "100 % likely", surprisal: "12 bits or more", rank: "1,000 or beyond" },

  copy: "Copy",
  copyIds: "Token ids",
  copyCall: "Python call",

  text: "The text. Space plays and pauses, Enter generates a token, left and right go through tokens, Backspace undoes.",
  splitAfter: "Split after {tokens}. Text: {own}; branch: {other}.",
  splitAtOnce: "Split at once. Text: {own}; branch: {other}.",
  nothing: "nothing",
  cost: "{bits} bits, {tokens}",

  old: "What is pale belongs to the prompt before.",
  empty: "Type the beginning of a text.",
  running: "The model is running…",
  begin:
    "Space plays, Enter generates one token. Pick a token in “Next token” to choose it yourself.",
  soFar: {
    one: "{count} token, log-probability {logprob} nats.",
    other: "{count} tokens, log-probability {logprob} nats.",
  },
  reached: "Reached the maximum of {count} tokens.",
  ended: "The text has ended.",
  point: "Point at a token to see its alternatives.",
  token: "“{token}” {figures}",
  figures: "probability {share} · {bits} · rank {rank} · sampled with {sampled}",
  pick: "Pick another token in “Next token”; Esc to release.",
  chosen: "chosen by you",

  alternatives: "Alternatives",
  own: "It stands there",
  goOn: "Go on from it",

  branches: "Branches",
  fold: "Fold",
  unfold: "Unfold",
  /** Of a branch, from the beginning: such as can be compared between lengths. */
  mean: "{bits} bits a token",
  logprob: "{tokens}, probability {share}, log-probability {logprob} nats",
  compare: "compare",
  onScreen: "On screen already",
  beside: "Put it beside the text",
} as const;
