/** How far apart steps are drawn: by their difference, or by their ratio. */
export type StepsAxis = "linear" | "log";
export const STEPS_AXES: readonly StepsAxis[] = ["linear", "log"];

const BEFORE = 0.3; // share of the steps after which those that are kept densely at first are over

/** By ratio, where steps were kept more densely at first. */
export function naturalAxis(steps: ArrayLike<number>): StepsAxis {
  const count = steps.length;
  if (count < 5) return "linear";
  const [first, last] = [steps[0]!, steps[count - 1]!];
  return steps[count >> 1]! - first < BEFORE * (last - first) ? "log" : "linear";
}
