import { text } from "./names";

/** What several rooms say, and mean the same by. */
export const common = {
  /** Of panels while a text writes itself without them. */
  resting: {
    one: "at rest: the {count} token read last",
    other: "at rest: the {count} tokens read last",
  },
  text,
  prompt: "Prompt",

  step: "Step",
  undo: "Undo",
  play: "Play",
  pause: "Pause",
  copied: "Copied ✓",
  notAllowed: "Not allowed here",
  savePicture: "Save the picture as {kind}",

  tokens: { one: "{count} token", other: "{count} tokens" },
  heads: { one: "{count} head", other: "{count} heads" },
  bits: "{count} bits",
  /** Between two sentences, two parts of one, and two names. */
  sentences: " ",
  clauses: ", ",
  names: ", ",
  rankShare: "rank {rank} · {share}",
  /** Of a position. */
  after: "after “{token}”",
} as const;
