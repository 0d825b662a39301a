/** Two traces whose tokens are aligned. */

import type { RowsAnswer, Token, Trace } from "../protocol/answers";
import type { TraceName } from "../protocol/keys";
import type { Kind } from "../protocol/shared";

/** Which tokens are aligned, of two traces that are there. */
export interface Alignment extends RowsAnswer {
  a: Trace;
  b: Trace;
  name: TraceName;
}

/** The tokens that are aligned: those that the model predicts. */
export const sideOf = ({ tokens, target }: Trace): Token[] => (target.length > 0 ? target : tokens);

/** Whether the layers of both have as many heads: those of models of other shapes aren't matched. */
export function haveSameHeads({ a, b }: Alignment, kind: Kind): boolean {
  const shapeOf = ({ kinds }: Trace) =>
    JSON.stringify(kinds[kind]?.map(([n, heads]) => [n, heads]));
  return shapeOf(a) === shapeOf(b);
}
