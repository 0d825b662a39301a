import type { TrainingRun } from "../../protocol/training";
import { count } from "../../ui/format";
import { training as words } from "#words/training";
import { fill } from "../../words/fill";
import { loggedAt } from "./log";
import { valueText } from "./names";

const LOGGED = [
  ["loss", words.loss],
  ["eval_loss", words.evalLoss],
  ["learning_rate", words.learningRate],
  ["grad_norm", words.gradNorm],
] as const;

/** What was logged at a step, or last before it, in words. */
export function readingsAt(run: TrainingRun, step: number): string {
  return LOGGED.flatMap(([name, called]) => {
    const found = loggedAt(run, name, step);
    if (!found || (Number.isNaN(found.value) && name !== "loss")) return [];
    const said = { name: called, value: valueText(found.value), step: count(found.at) };
    return fill(found.at === step ? words.reading : words.readingAt, said);
  }).join(" · ");
}
