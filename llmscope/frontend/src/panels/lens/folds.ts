/** Layers that share a row, numbered as rows of the lens: 0 is the embeddings, and n + 1 is layer n. */
export interface Fold {
  first: number;
  last: number;
  /** The one that is shown. */
  shown: number;
}

/**
 * Where there is no room for a row of each layer, as many layers as it takes share one, and the one in
 * focus is shown, or else the last. The last layer of all is on top, and the embeddings share no row.
 */
export function folds(rows: number, room: number, focus: number): Fold[] {
  const layers = rows - 1;
  const together = Math.max(1, Math.ceil(layers / Math.max(1, room - 1)));
  const found: Fold[] = [];
  for (let last = layers; last > 0; last -= together) {
    const first = Math.max(1, last - together + 1);
    found.push({ first, last, shown: first <= focus && focus <= last ? focus : last });
  }
  return [...found, { first: 0, last: 0, shown: 0 }];
}
