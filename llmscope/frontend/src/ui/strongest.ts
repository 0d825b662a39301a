/** The index of the weight farthest from 0. */
export function strongest(weights: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < weights.length; i++)
    if (Math.abs(weights[i]!) > Math.abs(weights[best]!)) best = i;
  return best;
}
