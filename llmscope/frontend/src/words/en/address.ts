/** What an exported page shows, in its address. */
export const address = {
  value: "The address sets {name} to what it can't be: it takes {takes}.",
  takes: {
    whole: "a whole number, {least} or more",
    between: "a whole number from {least} to {most}",
    number: "a number, {least} or more",
    share: "a number from {least} to {most}",
    among: "one of {names}",
    flag: "true or false",
    heads: "up to {most} heads of the model, such as 24.4,5.2",
    ids: "a token, or two, by their ids",
    held: "what this page holds",
  },
  position: "The address sets position beyond the text, which has tokens 0 to {last}.",
  unknown: {
    one: "The address has {count} name that no view here knows.",
    other: "The address has {count} names that no view here knows.",
  },
} as const;
