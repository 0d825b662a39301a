/**
 * In the place of d3-interpolate, which d3-scale and d3-zoom bring along: scales here run over
 * numbers, never over colours or texts, and no zoom is animated.
 */
const number =
  (a: number, b: number) =>
  (t: number): number =>
    a * (1 - t) + b * t;

const round =
  (a: number, b: number) =>
  (t: number): number =>
    Math.round(a * (1 - t) + b * t);

const none = (): null => null;

export {
  number as interpolate,
  number as interpolateNumber,
  round as interpolateRound,
  none as interpolateZoom,
  none as piecewise,
};
