/** From values to places on the screen and back. */

type Span = readonly [from: number, to: number];

export interface Scale {
  (value: number): number;
  invert(place: number): number;
}

/** Equal steps of a value are equally far apart. */
export const linearScale = (values: Span, places: Span): Scale =>
  scaleBy(
    (value) => value,
    (value) => value,
    values,
    places,
  );

/** Equal factors of a value are equally far apart. */
export const logScale = (values: Span, places: Span): Scale =>
  scaleBy(Math.log, Math.exp, values, places);

function scaleBy(
  forth: (value: number) => number,
  back: (value: number) => number,
  values: Span,
  [start, end]: Span,
): Scale {
  const [low, high] = [forth(values[0]), forth(values[1])];
  const scale = (value: number) => start + ((forth(value) - low) / (high - low)) * (end - start);
  return Object.assign(scale, {
    invert: (place: number) => back(low + ((place - start) / (end - start)) * (high - low)),
  });
}

/** Between two ends; where these cross, the second. */
export const clamp = (value: number, least: number, most: number): number =>
  Math.min(most, Math.max(least, value));

/** Round numbers between two ends. */
export function ticks(low: number, high: number, most = 4): number[] {
  const raw = (high - low) / most;
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = size * ([1, 2, 5, 10].find((one) => one * size >= raw) ?? 10);
  const found: number[] = [];
  for (let n = Math.ceil(low / step); n * step <= high; n++) found.push(n * step);
  return found.length > 1 || most > 32 ? found : ticks(low, high, 2 * most);
}
