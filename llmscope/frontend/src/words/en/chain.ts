import { chainRule } from "./names";

/** The probability of the text, token by token. */
export const chain = {
  title: chainRule,
  about: "a text's probability, token by token",
  both: "This model reads the text in both directions, so there is no chain from left to right.",
  reading: "Reading…",
  type: "Type a text.",
  typeSecond: "Type a second token: the first has none before it.",

  tokens: "Tokens",
  rows: {
    surprisal: "surprisal, bits",
    token: "token",
    probability: "probability, %",
    product: "product so far",
  },
  /** Of the first token, which has no probability. */
  given: "given",

  first: "Nothing comes before “{token}”: the text is read given it.",
  /** p is the probability of a token given those before it. */
  factor: {
    one: "p(“{token}” | the token before it) = {share}",
    other: "p(“{token}” | the {count} tokens before it) = {share}",
  },
  surprisal: "surprisal −log₂ p = {bits}",
  product: "product up to here {product}",

  /** Of a text under edits, less the same without. */
  difference: {
    about: "edited less untouched",
    rows: {
      surprisal: "surprisal, ± bits",
      edited: "edited, %",
      untouched: "untouched, %",
    },
    factor: "p(“{token}”): edited {edited}, untouched {untouched} · surprisal {bits}",
    total: "The whole text: {bits}; perplexity edited {edited}, untouched {untouched}.",
    legend: "Blue: more surprising under the edits; orange: less.",
  },

  total: "p(text | its first token) = {product} = {power}",
  perplexity:
    "{bits} bits ÷ {tokens} = {each}; perplexity {power} = {perplexity}: as unsure as a choice among {choices} equally likely tokens.",
  each: "{bits} bits per token",
} as const;
