import type { Part } from "../../protocol/source";
import type { Content, NextTokens } from "./content";

/**
 * Logits of the whole vocabulary: those of the likeliest as they were, the others as a histogram
 * gives them, spread evenly within each bin. Which of the others is which isn't known.
 */
export function logitsOf(found: NextTokens, at: number, shared: Content["labels"]): Part {
  const [ids, labels] = [found.label_ids ?? shared.ids, found.label_texts ?? shared.labels];
  const { vocabulary } = found;
  const [, likeliest] = found.ids.shape as [number, number];
  const known = found.ids.data.subarray(at * likeliest, (at + 1) * likeliest) as Int32Array;
  const logits = new Float32Array(vocabulary).fill(-Infinity);
  const rest = others(found, at);
  const isKnown = new Uint8Array(vocabulary);
  for (const id of known) isKnown[id] = 1;
  let next = 0;
  for (let id = 0; id < vocabulary && next < rest.length; id++)
    if (!isKnown[id]) logits[id] = rest[next++]!;
  known.forEach((id, rank) => (logits[id] = found.logits.data[at * likeliest + rank]!));
  const places = new Map(Array.from(ids.data, (id, place) => [id, place]));
  return {
    logits: { data: logits, shape: [vocabulary] },
    ids: { data: known, shape: [likeliest] },
    texts: [],
    labels: Array.from(known, (id) => labels[places.get(id)!]!),
    known: likeliest,
  };
}

/** Logits of all tokens but the likeliest, the greatest first. */
function others({ highest, lowest, counts }: NextTokens, at: number): Float64Array {
  const [, bins] = counts.shape as [number, number];
  const own = counts.data.subarray(at * bins, (at + 1) * bins) as Int32Array;
  const [top, bottom] = [highest.data[at]!, lowest.data[at]!];
  const found = new Float64Array(own.reduce((sum, count) => sum + count, 0));
  let next = 0;
  own.forEach((count, bin) => {
    for (let i = 0; i < count; i++)
      found[next++] = top - ((bin + (i + 0.5) / count) / bins) * (top - bottom);
  });
  return found;
}
