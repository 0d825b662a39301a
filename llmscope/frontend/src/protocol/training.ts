/** What is known of the training of a model: the shapes of its answers. */

import type { Facts } from "./answers";
import type { Tensor } from "./arrays";
import type { StepInput } from "./keys";
import { type Kind, MOST_PROBES } from "./shared";

const RUNS = 2; // that a view shows

/** The probe and step that a trace is of, by its name: the way back from `stepTrace`. */
export function stepOfTrace(name: string): StepInput {
  const number = Number(name.slice(1)) - 1;
  const place = Math.floor(number / MOST_PROBES);
  return { run: place % RUNS, step: Math.floor(place / RUNS), probe: number % MOST_PROBES };
}

/** A text that the model reads again and again while it learns. */
export interface Probe {
  label: string;
  /** Where its next token is kept. */
  positions: number[];
  tokens: string[];
  kinds: Partial<Record<Kind, [layers: number, heads: number]>>;
  /** The numbers of the layers that have a kind of attention. */
  layers: Partial<Record<Kind, number[]>>;
}

/** Numbers that were logged, one of each at every logged step; NaN where there is none. */
export interface TrainingLog {
  step: Tensor;
  loss: Tensor;
  learning_rate: Tensor;
  grad_norm: Tensor;
  eval_loss: Tensor;
  seconds: Tensor;
  [name: string]: Tensor;
}

export type TrainingState = "waiting" | "training" | "ended" | "stopped" | "broken off";

export interface TrainingRun {
  name: string;
  model: { model?: Facts };
  probes: Probe[];
  /** Those that are kept, in order. */
  steps: Tensor;
  log: TrainingLog;
  state: TrainingState;
  /** Steps in all, where that is known. */
  total: number | null;
  /** What a person is to know of it, in sentences. */
  notes: string[];
  /** On disk. */
  bytes: number;
}

export interface TrainingAnswer {
  /** One, or two that are held against each other. */
  runs: TrainingRun[];
}
