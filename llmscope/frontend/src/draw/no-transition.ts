/**
 * In the place of d3-transition, which d3-zoom brings along: nothing here has transitions, so
 * there is nothing to interrupt.
 */
export const interrupt = (): void => {};
