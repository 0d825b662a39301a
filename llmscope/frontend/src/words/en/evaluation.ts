import * as names from "./names";

/** Models measured and compared. */
export const evaluation = {
  title: names.evaluation,
  label: "Models, measured",
  size: "{models} on {texts}",
  models: { one: "{count} model", other: "{count} models" },
  texts: { one: "{count} text", other: "{count} texts" },
  beginning: "Beginning…",
  model: "model",
  table: "Models and measures; arrow keys walk through the numbers",
  givenOrder: "In the order in which they were given",
  stop: "Stop",
  stopTitle: "Stop measuring: what was measured stays",
  /** A title of a button: what a click does. */
  sortBy: "{about} Click to sort, and again for the other way round.",
  behindNumber: "{name}: show the texts behind it",

  doing: {
    load: "{model}: loading",
    speed: "{model}: timing",
    texts: "{model}: reading the texts",
    tasks: "{model}: tasks",
  },
  left: {
    seconds: { one: "about {count} second left", other: "about {count} seconds left" },
    minutes: { one: "about {count} minute left", other: "about {count} minutes left" },
  },
  states: {
    waiting: "waits",
    running: "being measured",
    done: "",
    failed: "failed",
    stopped: "stopped",
  },

  better: { less: "less is better", more: "more is better", "": "" },
  intervals: { "95": "95 % interval", rounds: "slowest and quickest round", "": "" },
  between: "{low} – {high}",
  names: {
    parameters: "parameters",
    disk_bytes: "on disk",
    memory_bytes: "in memory",
    peak_memory_bytes: "peak memory",
    load_seconds: "time to load",
    read_tokens_per_second: "reading",
    write_tokens_per_second: "writing",
    bits_per_byte: "bits per byte",
    perplexity: "perplexity",
    pseudo_perplexity: "pseudo-perplexity",
    accuracy: "next token right",
    tokens_per_character: "tokens per character",
  },
  inLanguage: "tokens per character, {language}",
  ofTask: "{task}: {metric}",
  about: {
    parameters: "Numbers that were learned; those that are shared count once.",
    disk_bytes: "The files that the weights were read from.",
    memory_bytes: "Weights and buffers as they are in memory.",
    peak_memory_bytes:
      "The most that a fresh process took while it loaded, read and wrote, beyond Python and PyTorch.",
    load_seconds: "From the files to a model that can run, once, in a fresh process.",
    read_tokens_per_second:
      "Tokens a second of one forward pass over up to 256 tokens, as the median of several rounds.",
    write_tokens_per_second:
      "Tokens a second that are generated one by one with a cache, as the median of several rounds.",
    bits_per_byte:
      "How many bits the model needs for a byte of the texts. It alone may be compared across tokenizers, as bytes are the same for all.",
    perplexity:
      "The exponential of the mean surprisal of a token, all but the first of a text. Only models with the same tokenizer may be compared by it.",
    pseudo_perplexity:
      "Of masked models: the same with each token masked in turn. It is no perplexity, and is compared with none.",
    accuracy: "How often the likeliest next token is the one that comes, of all but the first.",
    tokens_per_character: "How many tokens a character of the texts takes, on average.",
  },
  aboutLanguage: "How many tokens a character takes in texts of this language.",
  aboutTask: "What lm-evaluation-harness says of this task, with 1.96 of its standard errors.",

  plot: "{measure} of each model",
  behind: "Texts behind it",
  items: "Items of the task",
  behindSorted: "those first on which the models differ most",
  behindHighest: "the highest first",
  behindNone: "This is a number of the model itself: no text is behind it.",
  behindMore: "The first {shown} of {all} texts are listed; the numbers are of all.",
  list: "Texts; arrow keys walk through them",
  right: "right: {answer}",
  /** What is to be known of a model. */
  noted: "{name}: {note}",
  notMeasured: "not measured",

  open: "One text, by token",
  openEmpty: "Choose a text: its tokens are shown here, shaded by how surprising each was.",
  openReading: "Reading…",
  pick: "Model of row {row}",
  notRead: "This model didn't read it.",
  tokensKept: { one: "the first {count} token", other: "the first {count} tokens" },
  surprisal: "“{token}”: {bits}",
  notPredicted: "“{token}”: nothing comes before it",
  python: "The whole comparison, in Python",
  copy: "Copy",
} as const;
