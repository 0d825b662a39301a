/** Of tokens that are only a part of a character. */
export const label = {
  piece: "{place} of the {count} tokens that make {character}",
  /** From 1. */
  ordinals: ["first", "second", "third", "fourth"],
  numbers: ["one", "two", "three", "four"],
  /** Between two of them. */
  bytes: "; ",
  byte: "byte {byte}: {role}",
  roles: {
    ascii: "a whole character of ASCII",
    next: "one after the first byte of a character",
    two: "the first byte of some characters of two bytes",
    three: "the first byte of some characters of three bytes",
    four: "the first byte of some characters of four bytes",
    never: "never in UTF-8",
  },
} as const;
