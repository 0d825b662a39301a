/** The training of a model, step by step. */
export const training = {
  title: "Training",
  waiting: "No step is kept yet.",
} as const;
