/** Edits of a pass, as `llmscope/kernel/edited_input.py` writes them. */

import type { Kind } from "./shared";

/** Which part of a model; only a head has a head. */
export type Part = readonly [
  what: "head" | "attention" | "mlp" | "layer",
  layer: number,
  head: number | null,
  kind: Kind,
];

export interface Edit {
  do: "ablate" | "scale" | "patch" | "steer";
  part: Part;
  /** Of an ablation. */
  by?: "zero" | "mean" | "uniform" | "mask";
  edge?: readonly [query: number, key: number];
  reference?: readonly string[];
  /** Of a scaled head. */
  factor?: number;
  /** Of steering. */
  direction?: readonly string[] | readonly number[];
  scale?: number;
  align?: "last" | "front";
  /** Of a patch: text, second sentence, decoder's text, masked positions, edits. */
  source?: readonly unknown[];
  positions?: readonly unknown[];
}

export const sameEdit = (one: Edit, other: Edit): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

/** A part that is switched off everywhere. */
export const offEdit = (part: Part): Edit => ({ do: "ablate", part, by: "zero" });

/** Whether an edit takes the place of a whole part, at every position. */
export const isWhole = ({ do: done, edge, positions }: Edit): boolean =>
  (done === "ablate" || done === "patch") && !edge && !positions;
