/** What follows the text, and the settings of sampling. */
export const nextToken = {
  title: "Next token",
  noHead:
    "This model has no language-model head: it turns a text into vectors and predicts no token.",
  atGap: "Token at the gap",
  token: "Token",
  empty: "Type something to see what could follow.",
  /** Which token it is about. */
  place: {
    gap: "at the gap",
    gapOf: "at gap {number} of {count}",
    seen: "at “{token}”, seen",
  },

  log: "log",
  logTitle: "Logarithmic bars",
  fixed: "fixed",
  fixedTitle: "Bars always from 0 to 100 %, to be compared between texts and settings",
  curve: "curve",
  curveTitle: "Probability against temperature",
  more: "more",
  moreTitle: "min-p, typical-p, and the orders of other engines",

  presets: {
    greedy: { name: "greedy", title: "The most likely token each time" },
    "0.7": { name: "0.7", title: "Temperature 0.7" },
    "1.5": { name: "1.5", title: "Temperature 1.5" },
    nucleus: { name: "nucleus", title: "Top-p 0.9" },
  },
  presetsLabel: "Presets of sampling",
  presetTitle: "{title}: Alt {digit}",
  reset: "reset",
  resetTitle: "The model's own distribution: Alt 0. Ctrl Z undoes one change.",

  /** Of sampling; each is a stage, too. */
  settings: {
    temperature: "temperature",
    "top-k": "top-k",
    "top-p": "top-p",
    "min-p": "min-p",
    typical: "typical-p",
  },
  sliderTitle: "Arrow keys step, with Shift finely; double click resets",
  greedy: "greedy",
  off: "off",
  /** An engine has no such stage. */
  none: "none",
  order: "engine order",
  orderLabel: "Engine order",

  model: "model",
  stages: "Tokens left after each stage",
  switchOn: "Switch {stage} on",
  switchOff: "Switch {stage} off",

  curveLabel: "Probability of the likeliest tokens against temperature",
  curveNote:
    "Probability against temperature, before any cut. Dashed: how many tokens reach {share} %, from 1 to all on a logarithmic scale.",

  fillGap: "Fill the gap with it",
  append: "Append it to the text",
  unpin: "Unpin {token}",
  cutBy: "cut by {stage}",
  keptBy: "kept by {engine}",
  cutByOther: "cut by {engine}",
  value: "{share}. Click for the calculation.",
  /** The button of a percentage, to those who hear it. */
  valueLabel: "{token}, {share}, arithmetic",
  valueBefore: "{share}; {before} before sampling. Click for the calculation.",
  before: "before sampling: {share}",
  /** What is said of the text without edits. */
  untouched: {
    name: "untouched",
    share: "untouched: {share}",
    value: "{share}; {before} with nothing switched off. Click for the calculation.",
    changed: "{share} edited, {before} untouched. Click for the calculation.",
  },
  /** Between the distributions under edits and without them. */
  moved: "probability moved {share}",
  movedAtLeast: "probability moved ≥ {share}",
  others: { one: "{count} other", other: "{count} others" },

  /** What stands in the text. */
  hidden: "hidden: {token} {rank}",
  actual: "in the text: {token} {rank}",
  rank: "rank {rank}, {share}",
  belowRank: "below rank {rank}",

  sampled: "after sampling",
  observed: "observed share",
  entropy: "entropy {bits} ≈ {count} tokens",
  stacked:
    "Probabilities in order, stacked from 0 to 1, before and after sampling; a random number falls on one of them",
  otherTokens: "others",

  pick: "Click a percentage to see the calculation.",
  calculation: {
    greedy: "{token}: logit {logit}. Greedy takes the maximum, {most}.",
    cut: "{token}: logit {logit} ÷ {temperature} = {scaled}; cut by {stage}, so 0.",
    kept: "{token}: logit {logit} ÷ {temperature} = {scaled} → exp({scaled} − {most}) = {exp} → ÷ {sum}, the sum over {count} kept = {share}",
  },

  sampleOnce: "Sample once",
  sampleOnceTitle: "Draw a random number, and the token that it falls on",
  sameNumber: "same number at any setting",
  sampleMany: "Sample {count}×",
  sampleManyTitle: "Compare 1,000 samples with the probabilities",

  find: "Find a token…",
  findLabel: "Find a token of the vocabulary",
  notFound: "no such token",
  pinTitle: "Pin token {id}",
} as const;
