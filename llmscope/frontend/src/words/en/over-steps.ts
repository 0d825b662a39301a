/** What pictures over the steps of a training have in common. */
export const overSteps = {
  step: "step {step}",
  empty: "Nothing is kept of the training yet.",
} as const;
