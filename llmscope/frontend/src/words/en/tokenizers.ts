import * as names from "./names";

/** One text through several tokenizers. */
export const tokenizers = {
  title: names.tokenizers,
  label: "One text, by tokenizer",
  text: "Text",
  type: "Type a text",
  sample: "Try",
  sampleTitle: "Put this sample in the place of the text",
  reading: "Cutting the text…",
  empty: "Type a text, or take a sample.",
  pieces: "Pieces; arrow keys walk through them",
  leftOut: {
    one: "{count} more part of the text isn't shown; the numbers count it.",
    other: "{count} more parts of the text aren't shown; the numbers count them.",
  },
  /** Of the piece in focus: which of how many. */
  piece: "{name}: piece {place} of {pieces}, “{label}”, id {id}",
  /** The same of a piece that stands for whatever the tokenizer doesn't know. */
  unknownPiece:
    "{name}: piece {place} of {pieces}, “{label}”, which it doesn't know: id {id} for all such",
  unknown: { one: "{count} unknown", other: "{count} unknown" },
  pieceOutside: "A row is what one tokenizer cuts the text into; a gap is where all cut it.",
  size: "{characters}, {bytes} as UTF-8",
  characters: { one: "{count} character", other: "{count} characters" },
  bytes: { one: "{count} byte", other: "{count} bytes" },

  columns: {
    name: "tokenizer",
    vocabulary: "vocabulary",
    tokens: "tokens",
    characters: "characters per token",
    bytes: "bytes per token",
  },
  /** Over the columns of samples. */
  samples: "characters per token of samples",
  sampleOf: "{tokens}, {unknown}, for {characters}",
  refused: "can't cut this text: {reason}",
} as const;
