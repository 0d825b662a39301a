/**
 * In the place of d3-transition, which d3-zoom brings along: nothing here has transitions, so
 * there is nothing to interrupt.
 */
import { selection } from "d3-selection";

export const interrupt = (): void => {};

Object.assign(selection.prototype, {
  interrupt() {
    return this;
  },
});
