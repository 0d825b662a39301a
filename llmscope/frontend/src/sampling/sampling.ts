/**
 * What sampling settings make of logits, as transformers, llama.cpp and vLLM do it.
 *
 * With the logits sorted once, each cut keeps a run of ranks: top-k, top-p and min-p the likeliest,
 * typical those around the entropy. So a slider costs one pass over the vocabulary and no sort.
 */

import { NEUTRAL, type Order } from "../protocol/shared";

export type StageName = "temperature" | "top-k" | "top-p" | "min-p" | "typical";

/** The sources are cited in `llmscope/sampling/engines.py`. */
export const CHAINS: Record<Order, readonly StageName[]> = {
  transformers: ["temperature", "top-k", "top-p", "min-p", "typical"],
  "llama.cpp": ["top-k", "typical", "top-p", "min-p", "temperature"],
  vllm: ["temperature", "min-p", "top-k", "top-p"],
};

export interface Settings {
  temperature: number;
  topK: number;
  topP: number;
  minP: number;
  typicalP: number;
  order: Order;
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

/** Ranks from `first` on are left, `kept` of them. */
export interface Stage {
  name: StageName;
  first: number;
  kept: number;
  /** The mass that it cut, as a share of the distribution before it. */
  removed: number;
}

export interface Outcome {
  /** How many tokens there were. */
  vocabulary: number;
  /** Final probabilities by rank; it ends with the last that is left. */
  probs: Float64Array;
  first: number;
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
  const run: Run = {
    logits: sorted,
    weights: base,
    temperature: 1,
    first: 0,
    end: count,
    total: 0,
  };
  scale(run, 1);
  for (let i = 0; i < count; i++) base[i]! /= run.total;
  return { order, logits: sorted, base, rank };
}

/** Weights of the whole vocabulary, used anew by each call: sliders call sixty times a second. */
let scratch = new Float64Array(0);

export function sample(sorted: Sorted, settings: Settings): Outcome {
  const { logits } = sorted;
  const count = logits.length;
  if (settings.temperature === 0) {
    const greedy: Stage = { name: "temperature", first: 0, kept: 1, removed: 1 - sorted.base[0]! };
    const probs = Float64Array.of(1);
    return { vocabulary: count, probs, first: 0, kept: 1, stages: [greedy], entropy: 0 };
  }
  let end = count;
  while (end > 1 && logits[end - 1] === -Infinity) end--;
  if (scratch.length < count) scratch = new Float64Array(count);
  const run: Run = { logits, weights: scratch, temperature: 1, first: 0, end, total: 0 };
  const stages: Stage[] = [];
  const chain = CHAINS[settings.order].filter((name) => asked(name, settings));
  if (chain[0] !== "temperature") scale(run, 1);
  for (const name of chain) {
    const before = run.total;
    if (name === "temperature") scale(run, settings.temperature);
    const gone = name === "temperature" ? 0 : cut(run, name, settings);
    stages.push({ name, first: run.first, kept: run.end - run.first, removed: gone / before || 0 });
  }
  let entropy = 0;
  const probs = new Float64Array(run.end);
  for (let i = run.first; i < run.end; i++) {
    const p = scratch[i]! / run.total;
    probs[i] = p;
    if (p > 0) entropy -= p * Math.log2(p);
  }
  const { first } = run;
  return { vocabulary: count, probs, first, kept: run.end - first, stages, entropy };
}

/** The final probability of the token at `rank`. */
export const probOf = ({ probs }: Outcome, rank: number): number => probs[rank] ?? 0;

/** Whether a setting asks for anything to be done. */
export function asked(name: StageName, settings: Settings): boolean {
  const { temperature, topK, topP, minP, typicalP } = settings;
  return {
    temperature: temperature !== NEUTRAL.temperature,
    "top-k": topK > NEUTRAL.topK,
    "top-p": topP < NEUTRAL.topP,
    "min-p": minP > NEUTRAL.minP,
    typical: typicalP < NEUTRAL.typicalP,
  }[name];
}

/** The stage that cut the token at `rank`, if one did. */
export function cutBy(outcome: Outcome, rank: number): StageName | undefined {
  return outcome.stages.find(({ first, kept }) => rank < first || rank >= first + kept)?.name;
}

/** What is left: ranks `first` to `end`, with weights that sum to `total`. */
interface Run {
  logits: Float32Array;
  /** exp((l - l₀) / T) by rank. */
  weights: Float64Array;
  temperature: number;
  first: number;
  end: number;
  total: number;
}

function scale(run: Run, temperature: number): void {
  run.temperature = temperature;
  const largest = run.logits[run.first]!;
  run.total = 0;
  for (let i = run.end - 1; i >= run.first; i--) {
    run.total += run.weights[i] = Math.exp((run.logits[i]! - largest) / temperature);
  }
}

/** Makes a cut and returns the weight that it removed. */
function cut(run: Run, name: StageName, settings: Settings): number {
  const { topK, topP, minP, typicalP, order } = settings;
  let [first, end] = [run.first, run.end];
  if (name === "top-k")
    end = Math.min(end, order === "llama.cpp" ? first + topK : withTies(run, topK));
  else if (name === "top-p") end = nucleus(run, topP);
  else if (name === "min-p") end = aboveShare(run, minP);
  else [first, end] = typical(run, typicalP, order);
  let gone = 0;
  for (let i = run.end - 1; i >= end; i--) gone += run.weights[i]!;
  for (let i = run.first; i < first; i++) gone += run.weights[i]!;
  [run.first, run.end] = [first, end];
  // Summed anew: what is left may be far smaller than the rounding of what went.
  run.total = 0;
  for (let i = end - 1; i >= first; i--) run.total += run.weights[i]!;
  return gone;
}

/** k, and as many more as tie with the last of them in float32. */
function withTies({ logits, temperature, first, end }: Run, k: number): number {
  if (first + k >= end) return end;
  const last = Math.fround(logits[first + k - 1]! / temperature);
  let left = first + k;
  while (left < end && Math.fround(logits[left]! / temperature) === last) left++;
  return left;
}

/** The likeliest that reach the mass `p`: the one that crosses the line is among them. */
function nucleus({ weights, first, end, total }: Run, p: number): number {
  let tail = 0;
  let left = end;
  while (left > first + 1) {
    tail += weights[left - 1]! / total;
    if (tail > 1 - p) break;
    left--;
  }
  return left;
}

function aboveShare({ weights, first, end }: Run, share: number): number {
  let left = end;
  while (left > first + 1 && weights[left - 1]! < share * weights[first]!) left--;
  return left;
}

/**
 * The tokens whose surprisal is nearest to the entropy, until they reach the mass. Surprisal grows
 * with rank, so these are a run of ranks, grown from the middle to either side.
 */
function typical(
  { weights, first, end, total }: Run,
  mass: number,
  order: Order,
): [number, number] {
  const surprisal = (i: number) => -Math.log(weights[i]! / total);
  let entropy = 0;
  for (let i = first; i < end; i++)
    if (weights[i]! > 0) entropy += (weights[i]! / total) * surprisal(i);
  const distance = (i: number) => Math.abs(surprisal(i) - entropy);
  let right = first;
  while (right < end && surprisal(right) < entropy) right++;
  let left = right - 1;
  let reached = 0;
  const enough = () => (order === "llama.cpp" ? reached > mass : reached >= mass);
  let farthest = 0;
  while (!enough() && (left >= first || right < end)) {
    const takeLeft = left >= first && (right >= end || distance(left) <= distance(right));
    const next = takeLeft ? left-- : right++;
    farthest = distance(next);
    reached += weights[next]! / total;
  }
  if (order === "transformers") {
    while (left >= first && distance(left) <= farthest) left--;
    while (right < end && distance(right) <= farthest) right++;
  }
  return [left + 1, right];
}
