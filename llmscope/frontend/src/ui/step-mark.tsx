import type { TrainingStore } from "../store/training";
import { overSteps as words } from "#words/over-steps";
import { fill } from "../words/fill";
import { useScale } from "./em";
import { count } from "./format";
import { clamp } from "./scale";

const LETTER = 7; // pixels of one, by which the name of the step stays within

interface StepMarkProps {
  training: TrainingStore;
  /** Where a step is, in pixels. */
  at: (step: number) => number;
  within: readonly [left: number, right: number];
  top: number;
  height: number;
}

/** A line at the step in focus: all that is drawn anew while steps are walked. */
export function StepMark({ training, at, within: [left, right], top, height }: StepMarkProps) {
  const em = useScale();
  const step = training.step.value;
  if (step < 0) return null;
  const x = clamp(at(step), left, right);
  const name = fill(words.step, { step: count(step) });
  const half = (name.length * LETTER * em) / 2;
  return (
    <g class="step-mark">
      <path d={`M${x} ${top - 4 * em}v${height + 4 * em}`} />
      <text
        class="here"
        x={clamp(x, left + half, right - half)}
        y={top - 8 * em}
        style={{ textAnchor: "middle" }}
      >
        {name}
      </text>
    </g>
  );
}
