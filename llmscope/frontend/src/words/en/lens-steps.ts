import * as names from "./names";

/** What each layer would say, over the steps of a training. */
export const lensSteps = {
  title: names.lensSteps,
  subject: "Layers",
  about: "likeliest after “{token}”",
  none: "What this model's layers would say is not kept.",
  embeddings: "emb.",
  grid: "The likeliest token after each layer, over steps. Arrow keys walk layers and steps, Enter chooses the step.",
  /** Of a cell. */
  at: "{token} {share} after layer {layer}, step {step}",
  atFirst: "{token} {share} after the embeddings, step {step}",
  legend: "opacity: probability · each kept step is as wide",
  click: "click to choose a step",
} as const;
