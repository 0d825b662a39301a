/** What one is told to do at first, and how to be told no more. */
export const hints = {
  type: "↑ Type here: everything follows.",
  map: "↓ Point at a map to see that head; click to keep it.",
  temperature: "↓ Drag temperature: the bars follow.",
  play: "↑ Press Play: the model writes on.",

  none: "No hints",
  noneTitle: "No hints: Esc",
  again: "Show the first hints again",
} as const;
