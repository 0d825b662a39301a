// In place of d3-transition and d3-interpolate, for d3-zoom: nothing here is animated, so there is nothing to
// interrupt, and nothing between two views.
import { selection } from "d3-selection";

export const interrupt = () => {};
export const interpolateZoom = undefined;

selection.prototype.interrupt = function () {
  return this;
};
