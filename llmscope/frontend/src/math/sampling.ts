/**
 * What sampling settings make of logits, in transformers' order: temperature, top-k, top-p, min-p.
 *
 * With the logits sorted once, every one of these cuts keeps a prefix, so a slider costs one pass
 * over the vocabulary and no sort.
 */

export interface Settings {
  temperature: number;
  topK: number;
  topP: number;
  minP: number;
}

export interface Sorted {
  /** Token ids, the likeliest first. */
  order: Uint32Array;
  /** Their logits. */
  logits: Float32Array;
  /** Their probabilities under the model itself. */
  base: Float64Array;
  /** The rank of each token id. */
  rank: Uint32Array;
}

export interface Stage {
  name: "temperature" | "top-k" | "top-p" | "min-p";
  kept: number;
  /** The mass that it cut, as a share of the distribution before it. */
  removed: number;
}

export interface Outcome {
  /** Final probabilities by rank; 0 from `kept` on. */
  probs: Float64Array;
  kept: number;
  stages: Stage[];
  entropy: number;
}

/** Below 2^53, so that a sort key and a token id fit in one exact number. */
const IDS = 2 ** 21;

/** Sorts by logit, equal ones by id: one native sort of numbers that hold both. */
export function sortLogits(logits: Float32Array): Sorted {
  const count = logits.length;
  const bits = new Uint32Array(logits.buffer, logits.byteOffset, count);
  const keys = new Float64Array(count);
  for (let id = 0; id < count; id++) {
    const raw = bits[id]!;
    // Order-preserving: negative floats are flipped, positive ones moved above them.
    const ascending = raw & 0x80000000 ? ~raw >>> 0 : (raw | 0x80000000) >>> 0;
    keys[id] = (0xffffffff - ascending) * IDS + id;
  }
  keys.sort();
  const order = new Uint32Array(count);
  const sorted = new Float32Array(count);
  const rank = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const id = keys[i]! % IDS;
    order[i] = id;
    sorted[i] = logits[id]!;
    rank[id] = i;
  }
  const base = new Float64Array(count);
  const total = exponentials(sorted, 1, count, base);
  for (let i = 0; i < count; i++) base[i]! /= total;
  return { order, logits: sorted, base, rank };
}

export function sample(sorted: Sorted, settings: Settings): Outcome {
  const { logits } = sorted;
  const { temperature, topK, topP, minP } = settings;
  const count = logits.length;
  const probs = new Float64Array(count);
  const stages: Stage[] = [];
  if (temperature === 0) {
    probs[0] = 1;
    stages.push({ name: "temperature", kept: 1, removed: 1 - sorted.base[0]! });
    return { probs, kept: 1, stages, entropy: 0 };
  }
  let total = exponentials(logits, temperature, count, probs);
  let kept = count;
  while (kept > 1 && logits[kept - 1] === -Infinity) kept--;
  if (temperature !== 1) stages.push({ name: "temperature", kept, removed: 0 });

  const cut = (name: Stage["name"], left: number) => {
    let gone = 0;
    for (let i = kept - 1; i >= left; i--) {
      gone += probs[i]!;
      probs[i] = 0;
    }
    stages.push({ name, kept: left, removed: gone / total });
    // Summed anew: what is left may be far smaller than the rounding of what went.
    if (left < kept) total = sumFromSmallest(probs, left);
    kept = left;
  };

  if (topK > 0 && topK < count) cut("top-k", Math.min(kept, withTies(logits, temperature, topK)));
  if (topP < 1) cut("top-p", nucleus(probs, kept, total, topP));
  if (minP > 0) {
    let left = kept;
    while (left > 1 && probs[left - 1]! < minP * probs[0]!) left--;
    cut("min-p", left);
  }

  let entropy = 0;
  for (let i = 0; i < kept; i++) {
    const p = probs[i]! / total;
    probs[i] = p;
    if (p > 0) entropy -= p * Math.log2(p);
  }
  return { probs, kept, stages, entropy };
}

/** The stage that cut the token at `rank`, if one did. */
export function cutBy(outcome: Outcome, rank: number): Stage["name"] | undefined {
  return outcome.stages.find((stage) => rank >= stage.kept)?.name;
}

/** Writes exp((l - l₀) / T) and returns the sum, added up from the smallest. */
function exponentials(
  logits: Float32Array,
  temperature: number,
  count: number,
  out: Float64Array,
): number {
  const largest = logits[0]!;
  let total = 0;
  for (let i = count - 1; i >= 0; i--)
    total += out[i] = Math.exp((logits[i]! - largest) / temperature);
  return total;
}

function sumFromSmallest(values: Float64Array, count: number): number {
  let total = 0;
  for (let i = count - 1; i >= 0; i--) total += values[i]!;
  return total;
}

/** k, and as many more as tie with the last of them in transformers' float32. */
function withTies(logits: Float32Array, temperature: number, k: number): number {
  const last = Math.fround(logits[k - 1]! / temperature);
  let left = k;
  while (left < logits.length && Math.fround(logits[left]! / temperature) === last) left++;
  return left;
}

/** How many of the likeliest reach the mass `p`: the one that crosses the line is among them. */
function nucleus(probs: Float64Array, kept: number, total: number, p: number): number {
  let tail = 0;
  let left = kept;
  while (left > 1) {
    tail += probs[left - 1]! / total;
    if (tail > 1 - p) break;
    left--;
  }
  return left;
}
