/** What the store holds: traits shared with Python, and what was read to show them. */

import type { Settings, Sorted } from "../math/sampling";
import type { Array_ } from "../source/source";
import type { TraceAnswer } from "./answers";

/** Signals of the store by the traits that they are bound to. */
export const TRAITS = {
  text: "text",
  layer: "layer",
  head: "head",
  position: "position",
  temperature: "temperature",
  topK: "top_k",
  topP: "top_p",
  minP: "min_p",
  typicalP: "typical_p",
  order: "order",
  threshold: "threshold",
  lecture: "lecture",
  panels: "_panels",
  editable: "_editable",
} as const;

export interface State extends Settings {
  text: string;
  layer: number;
  head: number;
  position: number;
  threshold: number;
  lecture: boolean;
  panels: string[];
  editable: boolean;
}

export interface HeadName {
  layer: number;
  head: number;
}

export interface NextToken {
  trace: TraceAnswer;
  position: number;
  sorted: Sorted;
  /** `null` where the bytes of a token make no whole character. */
  texts: (string | null)[];
  labels: string[];
}

export interface Thumbnail {
  trace: TraceAnswer;
  shades: Array_;
}

export interface Matrix extends HeadName {
  trace: TraceAnswer;
  /** Each cell stands for 2^level by 2^level weights. */
  level: number;
  cells: Array_;
  /** Whether the cells are the weights themselves. */
  exact: boolean;
}

export interface Row extends HeadName {
  trace: TraceAnswer;
  query: number;
  weights: Float32Array;
}

export interface Problem {
  message: string;
  kind: string;
}
