/** What panels, and ways of showing attention, are called: each by the same name in all rooms. */

export const text = "Text";
export const chainRule = "Chain rule";
export const allHeads = "All heads";
export const matrix = "Matrix";
export const arcs = "Arcs";
export const steps = "Steps";
export const lens = "Lens";
export const model = "Model";
export const patching = "Patching";
export const survey = "Survey";
export const evaluation = "Evaluation";
export const tokenizers = "Tokenizers";
export const training = "Training";
export const stream = "Next token over steps";
export const became = "What heads became";
export const headSteps = "Head over steps";
export const lensSteps = "Layers over steps";
