/** Two traces whose tokens are aligned. */

import type { RowsAnswer, Token, Trace } from "../protocol/answers";
import type { TraceName } from "../protocol/keys";

/** Which tokens are aligned, of two traces that are there. */
export interface Alignment extends RowsAnswer {
  a: Trace;
  b: Trace;
  name: TraceName;
}

/** The tokens that are aligned: those that the model predicts. */
export const sideOf = ({ tokens, target }: Trace): Token[] => (target.length > 0 ? target : tokens);
