/** What each layer would say at each step, and where it goes on saying the same. */

import type { LensAnswer } from "../../protocol/over-steps";

export interface Lens {
  steps: ArrayLike<number>;
  rows: number;
  /** Of a cell. */
  id(row: number, step: number): number;
  label(row: number, step: number): string;
  /** A natural logarithm; NaN where it isn't known. */
  logprob(row: number, step: number): number;
}

export function lensOf({ steps, ids, labels, logprobs }: LensAnswer): Lens {
  const rows = ids.shape[1]!;
  const names = new Map(Array.from(labels.ids.data, (id, at) => [id, labels.labels[at]!]));
  const id = (row: number, step: number) => ids.data[step * rows + row]!;
  return {
    steps: steps.data,
    rows,
    id,
    label: (row, step) => names.get(id(row, step)) ?? "",
    logprob: (row, step) => logprobs.data[step * rows + row]!,
  };
}

/** Steps, one after another, at which a layer says the same. */
export interface Run {
  row: number;
  /** Indexes of steps: the first, and the one after the last. */
  from: number;
  to: number;
}

export function runsOf({ steps, rows, id, logprob }: Lens): Run[] {
  const found: Run[] = [];
  for (let row = 0; row < rows; row++) {
    for (let from = 0, to = 0; from < steps.length; from = to) {
      const isKnown = !Number.isNaN(logprob(row, from));
      for (to = from + 1; to < steps.length; to++)
        if (id(row, to) !== id(row, from) || Number.isNaN(logprob(row, to)) === isKnown) break;
      if (isKnown) found.push({ row, from, to });
    }
  }
  return found;
}
